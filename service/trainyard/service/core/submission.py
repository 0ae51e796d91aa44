"""Taking in a job: judge, then keep it once, however often it is sent."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from trainyard.linter.rules.workload import times
from trainyard.linter.spec.model.spec import Spec
from trainyard.linter.spec.naming import run_name
from trainyard.service.core import journal
from trainyard.service.core.errors import InvalidRequestError, MalformedSpecError, RefusedError, RequestReusedError
from trainyard.service.core.gate import Gate, Verdict
from trainyard.service.core.jobs import Digests, Job, NewJob, Prediction, Summary
from trainyard.service.core.jobstore import JobStore, StoredReport
from trainyard.service.core.ports import Clock, Ids

REFUSED_REPORTS_LIVE = timedelta(hours=24)
# Trainers that may be lost before the job is: each goes on from the bundle of the one before it.
MAX_ATTEMPTS = 3
_LARGEST_PRIORITY = 1000
Admit = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Submission:
    """A spec as it was sent, and by whom."""

    source: bytes
    owner: str
    request_id: str = ""
    priority: int = 0
    validate_only: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job (without an id when it was only to be judged) and the report that let it in."""

    job: Job
    report: StoredReport


class Submissions:
    """Judges specs and makes jobs of those that pass."""

    def __init__(self, gate: Gate, store: JobStore, clock: Clock, ids: Ids, admit: Admit = lambda _owner: None) -> None:
        """``admit`` raises for an owner who may not have another job: where quotas are counted."""
        self._gate = gate
        self._store = store
        self._clock = clock
        self._ids = ids
        self._admit = admit
        self._counting = threading.Lock()

    def judge(self, source: bytes) -> StoredReport:
        """Judge a spec and keep nothing."""
        return self._gate.judge(source).stored(self._clock.now(), None)

    def plan(self, source: bytes) -> str:
        """Say what a spec would do here, as JSON."""
        return self._gate.plan(source)

    def submit(self, submission: Submission) -> Accepted:
        """Make a job of a spec.

        Raises:
            InvalidRequestError: the request id is no UUID, or the priority is out of range.
            RequestReusedError: the request id was used with another body.
            QuotaError: the owner has as many jobs as the policy allows.
            MalformedSpecError: the bytes are no JSON object; RefusedError: the linter refuses it. The report is kept for a day.
        """
        request_id = _checked(submission)
        digest = _digest(submission)
        if request_id and (earlier := self._store.by_request(submission.owner, request_id)) is not None:
            if earlier.request_digest != digest:
                raise RequestReusedError
            return Accepted(earlier, self._store.report(earlier.digests.report))
        now = self._clock.now()
        verdict = self._gate.judge(submission.source)
        if not verdict.passed:
            raise self._refusal(verdict, submission.owner, now)
        report = verdict.stored(now, None)
        new = self._new_job(submission, request_id, digest, verdict, now)
        # Counted and kept by one at a time: two that ask together must not both be the last that is allowed.
        with self._counting:
            self._admit(submission.owner)
            job = journal.accept(new, number=0).job if submission.validate_only else self._store.create(new, report).job
        return Accepted(job, report)

    def _refusal(self, verdict: Verdict, owner: str, now: datetime) -> MalformedSpecError | RefusedError:
        report = verdict.stored(now, now + REFUSED_REPORTS_LIVE)
        self._store.keep_report(report, owner)
        if verdict.malformed:
            problem = verdict.report.findings[0].message if verdict.report.findings else "nothing in it can be read"
            return MalformedSpecError(report, problem=f"{problem.rstrip('.')}.")
        return RefusedError(report, summary=verdict.summary)

    def _new_job(self, submission: Submission, request_id: str | None, digest: str, verdict: Verdict, now: datetime) -> NewJob:
        spec, resolved = verdict.report.spec, verdict.report.resolved
        assert spec is not None  # noqa: S101 - a spec that passed is one
        assert resolved is not None  # noqa: S101 - the same
        summary = _summary(spec, now)
        return NewJob(
            id="" if submission.validate_only else self._ids.job_id(),
            request_id=request_id,
            request_digest=digest,
            owner=submission.owner,
            priority=submission.priority,
            summary=summary,
            digests=Digests(_sha256(submission.source), verdict.report.spec_digest or "", verdict.report.digest),
            ruleset=verdict.report.ruleset,
            prediction=_prediction(verdict),
            source=submission.source,
            resolved=_named(resolved, summary.experiment),
            max_attempts=MAX_ATTEMPTS,
            at=now,
        )


def _checked(submission: Submission) -> str | None:
    if abs(submission.priority) > _LARGEST_PRIORITY:
        raise InvalidRequestError(field="priority", problem=f"lies between -{_LARGEST_PRIORITY} and {_LARGEST_PRIORITY}")
    if not submission.request_id:
        return None
    try:
        return str(UUID(submission.request_id))
    except ValueError as error:
        raise InvalidRequestError(field="request_id", problem="must be a UUID") from error


def _digest(submission: Submission) -> str:
    return _sha256(b"%d\n" % submission.priority + submission.source)


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _summary(spec: Spec, now: datetime) -> Summary:
    return Summary(
        experiment=run_name(spec, now),
        tags=spec.experiment.tags,
        model=spec.model.type,
        dataset=spec.dataset.path,
        optimizer=spec.optimizer.type,
        epochs_planned=spec.training.epochs,
        gpus=spec.resources.gpus or 0,
    )


def _named(resolved: dict[str, Any], name: str) -> str:
    """Write the resolved spec with the name that the job got: what is derived is stored as a value."""
    return json.dumps({**resolved, "experiment": {**resolved["experiment"], "name": name}}, separators=(",", ":"))


def _prediction(verdict: Verdict) -> Prediction:
    """Return what the linter expects; seconds only where the box was measured: a data sheet's are orders of magnitude."""
    case = verdict.report.case
    if case is None:
        return Prediction()
    memory = case.memory
    hardware = case.hardware
    run = None if hardware is None or not hardware.speed_is_measured else times(case, hardware)
    return Prediction(
        None if memory is None else memory.total.low,
        None if memory is None else memory.total.high,
        None if run is None else run.total.middle,
    )
