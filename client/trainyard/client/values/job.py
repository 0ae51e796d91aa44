"""A job as the server describes it.

Named tuples, unlike its neighbours: these are the values that every listing needs, and thirty fields as a
frozen, slotted dataclass cost 4 ms of CPU at import where a named tuple costs 1.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple


class JobState(enum.Enum):
    """Where a job stands; the value is the word in output and JSON."""

    UNSPECIFIED = "unspecified"
    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """True when nothing can happen to the job any more."""
        return self in _TERMINAL


_TERMINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


class Artifact(NamedTuple):
    """A file that a job made; ``local_path`` is empty unless the server runs on this machine."""

    name: str
    kind: str
    size_bytes: int
    sha256: str
    created: datetime | None
    local_path: str


class Job(NamedTuple):
    """One training job; times are aware and UTC, ``None`` where nothing has happened yet."""

    id: str
    experiment: str
    state: JobState
    reason: str
    message: str
    owner: str
    tags: tuple[str, ...]
    priority: int
    attempt: int
    epoch: int
    epochs_planned: int
    metrics: Mapping[str, float]
    best_epoch: int
    best_metrics: Mapping[str, float]
    last_seq: int
    source_digest: str
    spec_digest: str
    report_digest: str
    ruleset: str
    model: str
    dataset: str
    optimizer: str
    created: datetime | None
    updated: datetime | None
    started: datetime | None
    ended: datetime | None
    queue_position: int
    artifacts: tuple[Artifact, ...]
    predicted_seconds: float | None
    predicted_memory_bytes: tuple[int, int] | None


class JobSpec(NamedTuple):
    """A job with its spec: the bytes as sent, and the resolved spec as JSON bytes."""

    job: Job
    source: bytes
    resolved: bytes


class ArtifactPage(NamedTuple):
    """Some files of a job, by name; ``next_page_token`` is empty on the last page."""

    artifacts: tuple[Artifact, ...]
    next_page_token: str


class Piece(NamedTuple):
    """A part of a file that is being sent: ``artifact`` comes once, before the first bytes."""

    chunk: bytes
    artifact: Artifact | None


class JobPage(NamedTuple):
    """Some jobs, newest first; ``next_page_token`` is empty on the last page."""

    jobs: tuple[Job, ...]
    next_page_token: str
