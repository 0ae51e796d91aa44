"""What happens to a job. Events are numbered 1, 2, 3 … without gaps; progress is a passing glance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from trainyard.client.values.job import Artifact, JobState


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The job moved from one state to another; ``reason`` is set when ``after`` is terminal."""

    type: ClassVar[str] = "state"
    before: JobState
    after: JobState
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class EpochFinished:
    """An epoch ended; ``device_memory_bytes`` is 0 where the device does not tell."""

    type: ClassVar[str] = "epoch"
    epoch: int
    epochs_planned: int
    metrics: Mapping[str, float]
    learning_rate: float
    seconds: float
    samples_per_second: float
    device_memory_bytes: int
    rollback: int


@dataclass(frozen=True, slots=True)
class EpochRevised:
    """An epoch was run again after a resume, with another result than event ``revises_seq`` told."""

    type: ClassVar[str] = "epoch_revised"
    result: EpochFinished
    revises_seq: int


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A model was written after ``epoch``; ``best`` when it is the best so far by ``monitor``."""

    type: ClassVar[str] = "checkpoint"
    epoch: int
    monitor: str
    value: float
    best: bool
    artifact: str


@dataclass(frozen=True, slots=True)
class LearningRateChanged:
    """A callback changed the rate after ``epoch``."""

    type: ClassVar[str] = "learning_rate"
    epoch: int
    before: float
    after: float
    cause: str


@dataclass(frozen=True, slots=True)
class EarlyStopped:
    """``patience`` epochs brought nothing better than ``best_epoch``."""

    type: ClassVar[str] = "early_stop"
    epoch: int
    best_epoch: int
    monitor: str
    patience: int


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Something the trainer noticed; ``strength`` is 0 to 1."""

    type: ClassVar[str] = "diagnosis"
    name: str
    epoch: int
    message: str
    strength: float


@dataclass(frozen=True, slots=True)
class ArtifactWritten:
    """A file is complete."""

    type: ClassVar[str] = "artifact"
    artifact: Artifact


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event of a kind that only a newer client knows; it still has its number."""

    type: ClassVar[str] = "unknown"


Happening = (
    StateChanged
    | EpochFinished
    | EpochRevised
    | CheckpointSaved
    | LearningRateChanged
    | EarlyStopped
    | Diagnosis
    | ArtifactWritten
    | Unknown
)


@dataclass(frozen=True, slots=True)
class Event:
    """One numbered thing that happened to a job."""

    job_id: str
    seq: int
    time: datetime | None
    attempt: int
    what: Happening

    @property
    def terminal(self) -> bool:
        """True when no event can follow."""
        return isinstance(self.what, StateChanged) and self.what.after.terminal


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the running epoch is: a latest value, neither numbered nor replayed."""

    type: ClassVar[str] = "progress"
    job_id: str
    epoch: int
    step: int
    steps: int
    metrics: Mapping[str, float]
