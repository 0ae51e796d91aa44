"""From a line of a spool to an entry of the journal: every field is checked, because nobody vouches for a trainer.

What does not fit is a :class:`WireError` and costs one line, never the reader.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from trainyard.service import wire
from trainyard.service.core import events
from trainyard.service.core.events import Entry, TrainerWord
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State
from trainyard.service.wire import WireError

MAX_TEXT = 4096
MAX_NAME = 256
MAX_KEY = 512
MAX_METRICS = 64
_INT32, _INT64 = 2**31 - 1, 2**63 - 1


def entry(raw: bytes, now: datetime) -> Entry:
    """Read one line; raises WireError. A time that can not be is replaced by ``now``."""
    try:
        line = wire.decode(raw)
        word = _WORDS[type(line.body)](line.body)
        return Entry(attempt=_whole(line.attempt), key=_text(wire.key(line), MAX_KEY), at=_moment(line.at, now), word=word)
    except WireError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise WireError(f"not an event: {error!r}") from error


def _moment(seconds: float, now: datetime) -> datetime:
    """Return a time of day; what is off by more than a day is no time of this machine."""
    if not math.isfinite(seconds) or abs(seconds - now.timestamp()) > 86_400:
        return now
    return datetime.fromtimestamp(seconds, UTC)


def _started(body: wire.Started) -> TrainerWord:
    return events.TrainerStarted(
        backend=_text(body.backend, MAX_NAME),
        keras_version=_text(body.keras_version, MAX_NAME),
        device=_text(body.device, MAX_NAME),
        parameters=_whole(body.parameters, _INT64),
        train_samples=_whole(body.train_samples, _INT64),
        steps_per_epoch=_whole(body.steps_per_epoch),
        epochs_planned=_whole(body.epochs_planned),
    )


def _epoch_finished(body: wire.EpochFinished) -> TrainerWord:
    return events.EpochFinished(
        epoch=_whole(body.epoch),
        epochs_planned=_whole(body.epochs_planned),
        metrics=_metrics(body.metrics),
        learning_rate=_real(body.learning_rate),
        seconds=_real(body.seconds),
        samples_per_second=_real(body.samples_per_second),
        device_memory_bytes=_whole(body.device_memory_bytes, _INT64),
        rollback=_whole(body.rollback),
    )


def _checkpoint_saved(body: wire.CheckpointSaved) -> TrainerWord:
    return events.CheckpointSaved(
        epoch=_whole(body.epoch),
        monitor=_text(body.monitor, MAX_NAME),
        value=_real(body.value),
        best=_flag(body.best),
        artifact=_name(body.artifact),
    )


def _learning_rate_changed(body: wire.LearningRateChanged) -> TrainerWord:
    return events.LearningRateChanged(_whole(body.epoch), _real(body.before), _real(body.after), _text(body.cause, MAX_NAME))


def _early_stopped(body: wire.EarlyStopped) -> TrainerWord:
    return events.EarlyStopped(_whole(body.epoch), _whole(body.best_epoch), _text(body.monitor, MAX_NAME), _whole(body.patience))


def _diagnosis(body: wire.Diagnosis) -> TrainerWord:
    return events.Diagnosis(_text(body.name, MAX_NAME), _whole(body.epoch), _text(body.message, MAX_TEXT), _real(body.strength))


def _artifact_written(body: wire.ArtifactWritten) -> TrainerWord:
    kind, size = _text(body.artifact_kind, 64), _whole(body.size_bytes, _INT64)
    return events.ArtifactWritten(_name(body.name), kind, size, _text(body.sha256, 64))


def _ended(body: wire.Ended) -> TrainerWord:
    reason = Reason(body.reason) if body.reason in set(Reason) else None
    return events.TrainerEnded(State(body.outcome), reason, _text(body.message, MAX_TEXT))


_WORDS: dict[type[wire.Body], Callable[[Any], TrainerWord]] = {
    wire.Started: _started,
    wire.EpochFinished: _epoch_finished,
    wire.CheckpointSaved: _checkpoint_saved,
    wire.LearningRateChanged: _learning_rate_changed,
    wire.EarlyStopped: _early_stopped,
    wire.Diagnosis: _diagnosis,
    wire.ArtifactWritten: _artifact_written,
    wire.Ended: _ended,
}


def _whole(value: object, largest: int = _INT32) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
        raise TypeError(f"{value!r} is no whole number from 0 to {largest}")
    return value


def _real(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _text(value: object, longest: int) -> str:
    """Return a text that any database and any terminal can hold: no NUL, no lone surrogate, not too long."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value[:longest].encode("utf-8", "replace").decode().replace("\0", " ")


def _name(value: object) -> str:
    """Return the name of a file below the artifact folder."""
    name = _text(value, MAX_NAME)
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} is no name below the artifact folder")
    return name


def _metrics(value: Mapping[str, float]) -> dict[str, float]:
    if len(value) > MAX_METRICS:
        raise ValueError(f"{len(value)} metrics; {MAX_METRICS} are allowed")
    return {_text(name, MAX_NAME): _real(number) for name, number in value.items()}
