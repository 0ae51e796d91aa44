"""How a job and its events change together: pure functions from a job and what happened to the job after it.

The store calls these inside its transaction and writes what they return, so that state and event can not
part, whatever the database. A trainer's words may come twice (the spool is read again after a crash) or
from an attempt that is over; both leave no trace here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from trainyard.service.core.errors import IllegalCommandError
from trainyard.service.core.events import (
    Body,
    CheckpointSaved,
    Entry,
    EpochFinished,
    EpochRevised,
    Event,
    StateChanged,
    TrainerEnded,
    TrainerStarted,
    TrainerWord,
)
from trainyard.service.core.jobs import Change, Job, NewJob
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import ATTENDED, Command, State, advance

_REPORTS = {State.SUCCEEDED: Command.SUCCEED, State.FAILED: Command.FAIL, State.PAUSED: Command.HOLD}
# What is worth another attempt: the trainer went, and nothing is known against its spec, its data or its size.
_WORTH_ANOTHER = frozenset({Reason.TRAINER_LOST})


def accept(new: NewJob, number: int) -> Change:
    """Make the job and its first event."""
    job = Job(
        number=number,
        id=new.id,
        request_id=new.request_id,
        request_digest=new.request_digest,
        owner=new.owner,
        priority=new.priority,
        summary=new.summary,
        digests=new.digests,
        ruleset=new.ruleset,
        prediction=new.prediction,
        max_attempts=new.max_attempts,
        created_at=new.at,
        updated_at=new.at,
        epochs_planned=new.summary.epochs_planned,
    )
    return _append(job, "created", new.at, StateChanged(before=None, after=State.QUEUED))


def move(job: Job, command: Command, at: datetime, *, reason: Reason | None = None, message: str = "", key: str | None = None) -> Change:
    """Give ``command`` to the job; a command that changes nothing appends nothing.

    ``reason`` is wanted, and must fit, when the command ends the job.

    Raises:
        IllegalCommandError: the command has no meaning in the job's state.
    """
    if command is Command.STOP and job.state is State.PAUSED:
        return _keep(job, at, "stopped while it was paused")
    after = advance(job.state, command)
    if after is job.state:
        return Change(job)
    ended = after.terminal
    if ended and (reason is None or reason.outcome is not after):
        raise ValueError(f"{reason!r} does not explain {after!r}")
    started = command is Command.START
    moved = replace(
        job,
        state=after,
        reason=reason if ended else None,
        message=message,
        attempt=job.attempt + started,
        held=job.held or started,
        started_at=job.started_at or (at if started else None),
        ended_at=at if ended else None,
        updated_at=at,
    )
    body = StateChanged(before=job.state, after=after, reason=moved.reason, message=message)
    return _append(moved, key or f"state/{job.last_seq + 1}", at, body)


def lose(job: Job, at: datetime, message: str, *, reason: Reason = Reason.TRAINER_LOST, key: str | None = None) -> Change:
    """Say what becomes of a job whose trainer is gone without a last word of its own.

    It is queued again as long as attempts are left and ``reason`` says nothing against another one; a job that was to pause
    is paused; one that was to stop keeps its best model; one that was to be cancelled is left to the clearing.
    """
    if job.state is State.CANCELLING:
        return Change(job)
    if job.state is State.STOPPING and job.epoch:
        return _keep(job, at, message)
    if job.state is State.STOPPING or reason not in _WORTH_ANOTHER:
        return move(job, Command.FAIL, at, reason=reason, message=message, key=key)
    once_more = replace(job, losses=job.losses + 1)
    if job.state is not State.PAUSING and once_more.losses >= job.max_attempts:
        return move(once_more, Command.FAIL, at, reason=reason, message=message, key=key)
    return move(once_more, Command.RETRY, at, message=message, key=key)


def _keep(job: Job, at: datetime, why: str) -> Change:
    if not job.epoch:
        raise IllegalCommandError(command=Command.STOP.value, state=f"{job.state.value} before its first epoch ended")
    message = f"{why}; the model is the best of {job.epoch} epochs and was not evaluated"
    return move(job, Command.KEEP, at, reason=Reason.STOPPED, message=message)


def keys_to_look_up(job: Job, entries: Iterable[Entry]) -> set[str]:
    """Name the keys whose events :func:`record` must know: those of the entries and of their revisions."""
    plain = {entry.key for entry in entries}
    return plain | {_revision(key, attempt) for key in plain for attempt in range(2, job.attempt + 1)}


def record(job: Job, entries: Iterable[Entry], known: Mapping[str, Event], now: datetime) -> Change:
    """Take a trainer's words into the job's history; ``known`` holds the events under :func:`keys_to_look_up`."""
    change, seen = Change(job), dict(known)
    for entry in entries:
        step = _take(change.job, entry, seen)
        seen.update({event.key: event for event in step.events})
        change = Change(step.job, change.events + step.events)
    return Change(replace(change.job, updated_at=now), change.events) if change.events else change


def _take(job: Job, entry: Entry, seen: Mapping[str, Event]) -> Change:
    if job.state.terminal or entry.attempt != job.attempt:
        return Change(job)
    if entry.key in seen:
        return _again(job, entry, seen)
    if isinstance(entry.word, TrainerStarted):
        return _begin(job, entry.word, entry)
    if isinstance(entry.word, TrainerEnded):
        return _end(job, entry.word, entry)
    return _append(_project(job, entry.word), entry.key, entry.at, entry.word)


def _begin(job: Job, word: TrainerStarted, entry: Entry) -> Change:
    told = replace(job, trainer=word, epochs_planned=word.epochs_planned or job.epochs_planned)
    return move(told, Command.BEGIN, entry.at, key=entry.key)


def _end(job: Job, word: TrainerEnded, entry: Entry) -> Change:
    if job.state not in ATTENDED:
        return Change(job)
    if word.outcome is State.PAUSED and job.state is not State.PAUSING:
        return _saved_its_place(job, word, entry)
    if word.outcome is State.FAILED and word.reason in _WORTH_ANOTHER:
        return lose(job, entry.at, word.message, key=entry.key)
    try:
        command = _REPORTS[word.outcome]
        advance(job.state, command)
    except (KeyError, IllegalCommandError):
        said = f"the trainer said {word.outcome.value} while the job was {job.state.value}"
        return move(job, Command.FAIL, entry.at, reason=Reason.SERVER, message=said, key=entry.key)
    return move(job, command, entry.at, reason=_explain(word), message=word.message, key=entry.key)


def _saved_its_place(job: Job, word: TrainerEnded, entry: Entry) -> Change:
    """Deal with a trainer that paused though nobody asked it to: it saw no server for too long. That costs no attempt."""
    if job.state is State.STOPPING:
        return lose(job, entry.at, word.message, key=entry.key)
    try:
        return move(job, Command.RETRY, entry.at, message=word.message, key=entry.key)
    except IllegalCommandError:
        return Change(job)


def _explain(word: TrainerEnded) -> Reason | None:
    if not word.outcome.terminal:
        return None
    if word.reason is not None and word.reason.outcome is word.outcome:
        return word.reason
    return Reason.COMPLETED if word.outcome is State.SUCCEEDED else Reason.SERVER


def _again(job: Job, entry: Entry, seen: Mapping[str, Event]) -> Change:
    """Drop what is known; an epoch that another attempt ran with another result is revised."""
    versions = [seen[entry.key]]
    versions += [seen[key] for attempt in range(2, job.attempt + 1) if (key := _revision(entry.key, attempt)) in seen]
    latest = versions[-1]
    before = latest.body.epoch if isinstance(latest.body, EpochRevised) else latest.body
    word = entry.word
    if latest.attempt == entry.attempt or not isinstance(word, EpochFinished) or not isinstance(before, EpochFinished):
        return Change(job)
    if _same_result(before, word):
        return Change(job)
    revised = EpochRevised(epoch=word, revises_seq=latest.seq)
    return _append(_project(job, word), _revision(entry.key, entry.attempt), entry.at, revised)


def _same_result(one: EpochFinished, other: EpochFinished) -> bool:
    """Compare what was learnt; how long it took is no part of it."""
    return (
        one.metrics.keys() == other.metrics.keys()
        and all(_same_number(value, other.metrics[name]) for name, value in one.metrics.items())
        and _same_number(one.learning_rate, other.learning_rate)
    )


def _same_number(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _project(job: Job, word: TrainerWord) -> Job:
    """Fold a word into what the job shows; the order of an epoch and its checkpoint does not matter."""
    if isinstance(word, EpochFinished):
        told = replace(job, epoch=word.epoch, epochs_planned=word.epochs_planned or job.epochs_planned, last_metrics=word.metrics)
        return replace(told, best_metrics=word.metrics) if word.epoch == job.best_epoch else told
    if isinstance(word, CheckpointSaved) and word.best:
        return replace(job, best_epoch=word.epoch, best_metrics=job.last_metrics if job.epoch == word.epoch else {})
    return job


def _append(job: Job, key: str, at: datetime, body: Body) -> Change:
    event = Event(job_id=job.id, seq=job.last_seq + 1, attempt=job.attempt, key=key, at=at, body=body)
    return Change(replace(job, last_seq=event.seq), (event,))


def _revision(key: str, attempt: int) -> str:
    return f"{key}/revised/{attempt}"
