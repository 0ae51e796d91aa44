"""What a job is: values that the store keeps and everybody reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from trainyard.service.core.events import Event, TrainerStarted
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State


@dataclass(frozen=True, slots=True)
class Digests:
    """SHA-256 sums in lower-case hexadecimal: bytes as sent, resolved spec, lint report."""

    source: str
    spec: str
    report: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What lists and metrics show of a spec; ``dataset`` is the path below the data root, ``gpus`` 0 where none are asked for."""

    experiment: str
    tags: tuple[str, ...]
    model: str
    dataset: str
    optimizer: str
    epochs_planned: int
    gpus: int = 0

    @property
    def slots(self) -> int:
        """How many slots the job takes, all at once: one for each GPU."""
        return max(1, self.gpus)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the linter expects: device memory as an interval in bytes, wall time in seconds; None where unknown."""

    memory_low_bytes: int | None = None
    memory_high_bytes: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TrainerProcess:
    """A process named so that it can not be mistaken for another one.

    ``start_ticks`` is its start in clock ticks since the boot named ``boot_id``: unlike a time of day it
    does not move when the clock is set.
    """

    host: str
    boot_id: str
    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Which node holds a slot, and for how long unless it says again that it does.

    A node is one server's home: it stays the same over restarts of the server, and no two servers share one. Only the
    node that a lease names looks after the trainer; another takes the job over when the lease is long past.
    """

    node: str
    seconds: float


LOCAL = Lease("", 60.0)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as it is accepted: everything that is known before it has run."""

    id: str
    request_id: str | None
    request_digest: str
    owner: str
    priority: int
    summary: Summary
    digests: Digests
    ruleset: str
    prediction: Prediction
    source: bytes
    resolved: str
    max_attempts: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands.

    ``number`` counts submissions; ``attempt`` is 0 before the first start; ``epoch`` is the last one that
    ended. ``held`` says that it occupies slots: from the claim until nothing of its process group is left;
    ``process`` is known from shortly after the claim. ``device`` is what its slots give it: a GPU's UUID, several with commas
    between them, or ``cpu``; ``node`` is whose slots they are. ``losses`` counts attempts whose trainer was lost:
    ``max_attempts`` bounds those, and a job may be paused and resumed as often as anybody likes.
    """

    number: int
    id: str
    request_id: str | None
    request_digest: str
    owner: str
    priority: int
    summary: Summary
    digests: Digests
    ruleset: str
    prediction: Prediction
    max_attempts: int
    created_at: datetime
    updated_at: datetime
    state: State = State.QUEUED
    reason: Reason | None = None
    message: str = ""
    attempt: int = 0
    last_seq: int = 0
    epoch: int = 0
    epochs_planned: int = 0
    last_metrics: Mapping[str, float] = field(default_factory=dict)
    best_epoch: int = 0
    best_metrics: Mapping[str, float] = field(default_factory=dict)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    spool_offset: int = 0
    device: str = ""
    held: bool = False
    process: TrainerProcess | None = None
    trainer: TrainerStarted | None = None
    losses: int = 0
    node: str | None = None

    @property
    def devices(self) -> tuple[str, ...]:
        """Every device that it holds, or held last."""
        return tuple(one for one in self.device.split(",") if one)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a job made, by its name in the artifact folder."""

    name: str
    kind: str
    size_bytes: int
    sha256: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Documents:
    """The spec of a job: bytes as sent, and resolved as JSON text."""

    source: bytes
    resolved: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction did: the job after it and the events it appended (none when it changed nothing)."""

    job: Job
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Which jobs to list, newest first; ``before`` is the number of the last job of the page before."""

    limit: int
    before: int | None = None
    states: frozenset[State] = frozenset()
    tags: tuple[str, ...] = ()
    owner: str | None = None
    experiment: str | None = None
