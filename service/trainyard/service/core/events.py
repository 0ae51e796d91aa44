"""What happened to a job: events that are kept for good, and words of the trainer that become events.

An event is numbered without gaps within its job and never changes. A trainer's ``TrainerStarted`` and
``TrainerEnded`` are not kept as such: they move the job, and the move is the event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The job moved; ``before`` is None when it was created, ``reason`` is set when ``after`` is terminal."""

    before: State | None
    after: State
    reason: Reason | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class EpochFinished:
    """An epoch ended; ``metrics`` holds Keras' names, validation under ``val_``; ``seconds`` is wall time."""

    epoch: int
    epochs_planned: int
    metrics: Mapping[str, float]
    learning_rate: float
    seconds: float
    samples_per_second: float
    device_memory_bytes: int = 0
    rollback: int = 0


@dataclass(frozen=True, slots=True)
class EpochRevised:
    """An epoch was run again after a resume, with another result than event ``revises_seq``."""

    epoch: EpochFinished
    revises_seq: int


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A model was written; ``artifact`` is its name in the artifact folder."""

    epoch: int
    monitor: str
    value: float
    best: bool
    artifact: str


@dataclass(frozen=True, slots=True)
class LearningRateChanged:
    """A callback changed the rate after ``epoch``."""

    epoch: int
    before: float
    after: float
    cause: str


@dataclass(frozen=True, slots=True)
class EarlyStopped:
    """No improvement of ``monitor`` for ``patience`` epochs."""

    epoch: int
    best_epoch: int
    monitor: str
    patience: int


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Something the trainer noticed: what it saw and what to do; ``strength`` from 0 to 1."""

    name: str
    epoch: int
    message: str
    strength: float


@dataclass(frozen=True, slots=True)
class ArtifactWritten:
    """A file in the artifact folder is complete; ``sha256`` in lower-case hexadecimal."""

    name: str
    artifact_kind: str
    size_bytes: int
    sha256: str


Body = StateChanged | EpochFinished | EpochRevised | CheckpointSaved | LearningRateChanged | EarlyStopped | Diagnosis | ArtifactWritten


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job; ``seq`` is 1, 2, 3 … without gaps within the job."""

    job_id: str
    seq: int
    attempt: int
    key: str
    at: datetime
    body: Body


@dataclass(frozen=True, slots=True)
class TrainerStarted:
    """The trainer is up; these are the facts of its run."""

    backend: str
    keras_version: str
    device: str
    parameters: int
    train_samples: int
    steps_per_epoch: int
    epochs_planned: int


@dataclass(frozen=True, slots=True)
class TrainerEnded:
    """The trainer's last word: ``outcome`` is the state it claims, succeeded, failed or paused."""

    outcome: State
    reason: Reason | None
    message: str


TrainerWord = (
    TrainerStarted | EpochFinished | CheckpointSaved | LearningRateChanged | EarlyStopped | Diagnosis | ArtifactWritten | TrainerEnded
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One word of a trainer: which attempt said it, under which key within the job, and when."""

    attempt: int
    key: str
    at: datetime
    word: TrainerWord
