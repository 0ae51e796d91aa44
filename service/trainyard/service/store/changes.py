"""What each change does inside its transaction: lock the row, let the core decide, write what it decided.

The decision is never made here: :mod:`trainyard.service.core.journal` turns the job into the job after it
and its events, and these functions write both, guarded by the state and the last sequence number they
read. They speak SQL that every dialect of ours knows, and know nothing of processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from trainyard.service.core import journal
from trainyard.service.core.errors import HOLDING, IllegalCommandError, RequestReusedError, StaleAttemptError, StaleOffsetError
from trainyard.service.core.events import ArtifactWritten, Entry, Event
from trainyard.service.core.jobs import Change, Job, Lease, NewJob, TrainerProcess
from trainyard.service.core.jobstore import Batch, StoredReport
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import Command
from trainyard.service.store import codec, leases, statements
from trainyard.service.store.reader import fetch_by_request, fetch_job
from trainyard.service.store.schema import ARTIFACT, JOB, REFUSAL, REPORT

REFUSED_REPORTS_KEPT = 1000
_FREE = {"held": False, "node": None, "lease_until": None, **codec.process_row(None)}


def create(connection: Connection, new: NewJob, report: StoredReport) -> Change:
    """Insert a job with its specs, its first event and its report; a known request inserts nothing."""
    if (earlier := _earlier(connection, new)) is not None:
        return Change(earlier)
    change = _insert(connection, new)
    _put_report(connection, report)
    return change


def move(connection: Connection, job_id: str, command: Command, at: datetime, *, reason: Reason | None, message: str) -> Change:
    """Give a command to a job."""
    job = _locked(connection, job_id)
    return _write(connection, job, journal.move(job, command, at, reason=reason, message=message))


def lose(connection: Connection, job_id: str, attempt: int, at: datetime, *, reason: Reason, message: str) -> Change:
    """Write down that the trainer of an attempt is gone."""
    job = _of_attempt(connection, job_id, attempt)
    return _write(connection, job, journal.lose(job, at, message, reason=reason))


def claim(connection: Connection, job_id: str, device: str, at: datetime, *, lease: Lease, now: leases.Now) -> Change:
    """Start the next attempt of a queued job on a device."""
    # Somebody else may be claiming it right now: there are other jobs, so nobody waits for that.
    row = connection.execute(select(JOB).where(JOB.c.id == job_id).with_for_update(skip_locked=True)).mappings().first()
    if row is None:
        raise IllegalCommandError(command=Command.START.value, state="being changed by somebody else")
    job = codec.job_of(row)
    if job.held:
        raise IllegalCommandError(command=Command.START.value, state=HOLDING)
    change = _write(connection, job, journal.move(replace(job, device=device, node=lease.node), Command.START, at))
    connection.execute(update(JOB).where(JOB.c.number == job.number).values(leases.terms(lease, now)))
    return change


def bind(connection: Connection, job_id: str, attempt: int, process: TrainerProcess) -> Change:
    """Write down the process of an attempt."""
    job = _of_attempt(connection, job_id, attempt)
    connection.execute(statements.SET_JOB, {"was_number": job.number, **codec.process_row(process)})
    return Change(replace(job, process=process))


def release(connection: Connection, job_id: str, attempt: int) -> Change:
    """Give the slot of an attempt back."""
    job = _of_attempt(connection, job_id, attempt)
    connection.execute(statements.SET_JOB, {"was_number": job.number, **_FREE})
    return Change(replace(job, held=False, process=None, node=None))


def ingest(connection: Connection, job_id: str, batch: Batch, at: datetime) -> Change:
    """Take in a piece of a spool and move the offset."""
    job = _of_attempt(connection, job_id, batch.attempt)
    if job.spool_offset != batch.start:
        raise StaleOffsetError
    change = journal.record(job, batch.entries, _known(connection, job, batch.entries), at)
    return _write(connection, job, Change(replace(change.job, spool_offset=batch.end), change.events))


def keep_report(connection: Connection, report: StoredReport, owner: str) -> None:
    """Keep a report of no job, for whoever sent its spec; remove those that have expired and the oldest of too many."""
    refused = select(REPORT.c.digest).where(REPORT.c.expires_at.is_not(None))
    surplus = refused.order_by(REPORT.c.created_at.desc()).offset(REFUSED_REPORTS_KEPT - 1)
    connection.execute(delete(REPORT).where(REPORT.c.expires_at < report.created_at))
    connection.execute(delete(REPORT).where(REPORT.c.digest.in_(surplus)))
    _put_report(connection, report)
    theirs = (REFUSAL.c.digest == report.digest) & (REFUSAL.c.owner == owner)
    if connection.execute(select(REFUSAL.c.owner).where(theirs)).first() is None:
        connection.execute(insert(REFUSAL).values(digest=report.digest, owner=owner))


def remove(connection: Connection, job_id: str) -> Change:
    """Remove a job that is over, its history and its files' names; its report too, unless another job stands on it."""
    job = _locked(connection, job_id)
    if not job.state.terminal or job.held:
        raise IllegalCommandError(command="delete", state=job.state.value if not job.state.terminal else HOLDING)
    connection.execute(delete(JOB).where(JOB.c.number == job.number))
    others = select(JOB.c.number).where(JOB.c.report_digest == job.digests.report)
    connection.execute(delete(REPORT).where(REPORT.c.digest == job.digests.report, ~others.exists()))
    return Change(job)


def _earlier(connection: Connection, new: NewJob) -> Job | None:
    if new.request_id is None:
        return None
    earlier = fetch_by_request(connection, new.owner, new.request_id)
    if earlier is not None and earlier.request_digest != new.request_digest:
        raise RequestReusedError
    return earlier


def _insert(connection: Connection, new: NewJob) -> Change:
    change = journal.accept(new, number=0)
    number = connection.execute(statements.ADD_JOB, codec.job_row(change.job)).inserted_primary_key
    connection.execute(statements.ADD_SPEC, {"job_id": new.id, "source": new.source, "resolved": new.resolved})
    job = replace(change.job, number=int(number[0]) if number else 0)
    if tags := codec.tag_rows(job):
        connection.execute(statements.ADD_TAGS, tags)
    _append(connection, change.events)
    return Change(job, change.events)


def _locked(connection: Connection, job_id: str) -> Job:
    return fetch_job(connection, statements.JOB_TO_CHANGE, job_id)


def _of_attempt(connection: Connection, job_id: str, attempt: int) -> Job:
    job = _locked(connection, job_id)
    if job.attempt != attempt:
        raise StaleAttemptError(attempt=attempt)
    return job


def _known(connection: Connection, job: Job, entries: Sequence[Entry]) -> dict[str, Event]:
    if not entries:
        return {}
    keys = journal.keys_to_look_up(job, entries)
    rows = connection.execute(statements.EVENTS_OF_KEYS, {"job_id": job.id, "keys": list(keys)}).mappings()
    return {row["key"]: codec.event_of(row) for row in rows}


def _write(connection: Connection, before: Job, change: Change) -> Change:
    read = {"was_number": before.number, "was_state": before.state.value, "was_last_seq": before.last_seq}
    written = connection.execute(statements.CHANGE_JOB, {**read, **codec.progress_row(change.job)})
    if written.rowcount != 1:
        raise StaleAttemptError(attempt=before.attempt)
    _append(connection, change.events)
    return change


def _append(connection: Connection, events: Sequence[Event]) -> None:
    if not events:
        return
    connection.execute(statements.ADD_EVENTS, [codec.event_row(event) for event in events])
    for event in events:
        if isinstance(event.body, ArtifactWritten):
            _put_artifact(connection, event, event.body)


def _put_artifact(connection: Connection, event: Event, body: ArtifactWritten) -> None:
    connection.execute(delete(ARTIFACT).where(ARTIFACT.c.job_id == event.job_id, ARTIFACT.c.name == body.name))
    row = {"job_id": event.job_id, "name": body.name, "kind": body.artifact_kind, "size_bytes": body.size_bytes}
    connection.execute(insert(ARTIFACT).values(**row, sha256=body.sha256, created_at=event.at))


def _put_report(connection: Connection, report: StoredReport) -> None:
    """Keep a report under its digest; one that a job stands on never expires."""
    kept = connection.execute(statements.REPORT_EXPIRY, {"report_digest": report.digest}).first()
    if kept is None:
        row = {"digest": report.digest, "body": report.body, "created_at": report.created_at, "expires_at": report.expires_at}
        connection.execute(statements.ADD_REPORT, row)
    elif kept.expires_at is not None:
        connection.execute(update(REPORT).where(REPORT.c.digest == report.digest).values(expires_at=report.expires_at))
