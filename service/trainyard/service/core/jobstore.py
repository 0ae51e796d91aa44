"""The port to whatever keeps jobs: what the service asks of a store, and what a store promises.

Promises, held by one conformance suite for every implementation: a job and its events change in one
transaction; ``seq`` has no gaps; what was returned survives a crash; an attempt that is over writes
nothing; a word that is stored twice counts once. Every call is synchronous and short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trainyard.service.core.events import Entry, Event
from trainyard.service.core.jobs import Artifact, Change, Documents, Job, JobQuery, Lease, NewJob, TrainerProcess
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import Command


@dataclass(frozen=True, slots=True)
class Batch:
    """A piece of a spool: what bytes ``start`` to ``end`` of the file say, read for ``attempt``."""

    attempt: int
    start: int
    end: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A lint report as JSON of our own; ``expires_at`` is None for the reports of jobs."""

    digest: str
    body: str
    created_at: datetime
    expires_at: datetime | None


class JobReader(Protocol):
    """What can be asked; safe from several threads at once."""

    def job(self, job_id: str) -> Job:
        """Return a job; raises UnknownJobError."""

    def find(self, prefix: str, owner: str | None = None) -> Job:
        """Return the one job (of ``owner``) whose id starts with ``prefix``; raises UnknownJobError or AmbiguousJobError."""

    def by_request(self, owner: str, request_id: str) -> Job | None:
        """Return the job that this request made."""

    def jobs(self, query: JobQuery) -> list[Job]:
        """Return jobs, newest first."""

    def documents(self, job_id: str) -> Documents:
        """Return the spec of a job; raises UnknownJobError."""

    def events(self, job_id: str, after_seq: int, limit: int) -> list[Event]:
        """Return at most ``limit`` events after ``after_seq``, in order."""

    def last_seqs(self, job_ids: Sequence[str]) -> dict[str, int]:
        """Return the number of the last event of each of these jobs; jobs that are not there are left out."""

    def artifacts(self, job_ids: Sequence[str]) -> dict[str, tuple[Artifact, ...]]:
        """Return the artifacts of each of these jobs, by name."""

    def artifact(self, job_id: str, name: str) -> Artifact:
        """Return one artifact of a job; raises UnknownArtifactError."""

    def artifact_page(self, job_id: str, after_name: str, limit: int) -> list[Artifact]:
        """Return at most ``limit`` artifacts of a job after the one of that name, by name."""

    def epochs(self, job_id: str, after_seq: int, limit: int) -> list[Event]:
        """Return at most ``limit`` events that tell of epochs, after ``after_seq``, in order."""

    def queue(self, limit: int, most_running: int | None = None, most_gpus: int | None = None) -> list[Job]:
        """Return queued jobs in the order in which they will start: larger priority first, owners take turns, older first.

        A job whose last attempt still holds a slot is left out, and one that would give its owner more slots than
        ``most_running``, and one that asks for more than ``most_gpus``.
        """

    def queue_positions(self, jobs: Sequence[Job]) -> dict[str, int]:
        """Tell for those of these jobs that are queued how many start before each."""

    def unsettled(self, node: str) -> list[Job]:
        """Return the jobs that a node must look after: it holds their slot, or nobody does and somebody must."""

    def held_devices(self, node: str) -> list[str]:
        """Name the device of every slot that jobs of a node hold: a job on several GPUs names each."""

    def over_since(self, before: datetime, limit: int) -> list[Job]:
        """Return jobs that ended before a moment and hold nothing, the oldest first."""

    def count_live(self, owner: str) -> int:
        """Count the jobs of an owner that are not over."""

    def live(self) -> list[Job]:
        """Return the jobs that are not over, oldest first."""

    def report(self, digest: str, owner: str | None = None) -> StoredReport:
        """Return a lint report, one of a job or a refusal of ``owner`` where that is given; raises UnknownReportError."""


class JobStore(JobReader, Protocol):
    """What can be changed too; called from one thread."""

    def create(self, new: NewJob, report: StoredReport) -> Change:
        """Keep a new job, its specs and its report; the same request again returns the job without events.

        Raises RequestReusedError when the request id was used with another digest.
        """

    def move(self, job_id: str, command: Command, at: datetime, *, reason: Reason | None = None, message: str = "") -> Change:
        """Give a command to a job; raises UnknownJobError or IllegalCommandError."""

    def lose(self, job_id: str, attempt: int, at: datetime, *, reason: Reason, message: str) -> Change:
        """Write down that the trainer of an attempt is gone without a last word; raises StaleAttemptError.

        What becomes of the job is for :func:`trainyard.service.core.journal.lose` to say.
        """

    def claim(self, job_id: str, device: str, at: datetime, lease: Lease) -> Change:
        """Start the next attempt of a queued job: it holds slots of the lease's node from now on. Raises IllegalCommandError.

        ``device`` names a device per slot, with commas between them.
        """

    def renew(self, lease: Lease, at: datetime) -> list[str]:
        """Hold on to every slot of a node; return the ids of their jobs."""

    def adopt(self, lease: Lease, patience_seconds: float, at: datetime) -> list[Job]:
        """Take over the slots of nodes whose lease has been past for so long; return their jobs."""

    def bind(self, job_id: str, attempt: int, process: TrainerProcess) -> None:
        """Remember the process of an attempt; raises StaleAttemptError."""

    def release(self, job_id: str, attempt: int) -> Job:
        """Give the slot back: nothing of the attempt's process group is left. Raises StaleAttemptError."""

    def ingest(self, job_id: str, batch: Batch, at: datetime) -> Change:
        """Take in a piece of the spool and move the stored offset, together.

        Raises StaleAttemptError, or StaleOffsetError when the stored offset is not ``batch.start``.
        """

    def remove(self, job_id: str) -> Job:
        """Forget a job that is over and holds no slot; raises UnknownJobError or IllegalCommandError."""

    def vacuum(self) -> None:
        """Give room of what was removed back to the disk, a bounded piece at a time."""

    def keep_report(self, report: StoredReport, owner: str) -> None:
        """Keep a report that belongs to no job, for the owner of its spec; those that have expired are removed."""
