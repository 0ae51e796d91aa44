"""The store: questions on connections of their own, changes one at a time and each in one transaction.

The lock is held until everybody was told, so that observers hear of changes in the order in which they
were committed. What a change does is in :mod:`trainyard.service.store.changes`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from trainyard.service.core.jobs import LOCAL, Change, Job, Lease, NewJob, TrainerProcess
from trainyard.service.core.jobstore import Batch, StoredReport
from trainyard.service.core.ports import Observer, announce
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import Command
from trainyard.service.store import changes, leases
from trainyard.service.store.reader import SqlReader, readable_failure

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between databases: connections, whose clock counts leases, and how to tidy up."""

    writer: Engine
    reader: Engine
    lease_clock: Callable[[datetime], leases.Now]
    vacuum: Callable[[Engine], None]


class SqlJobStore(SqlReader):
    """Implements :class:`JobStore` for any dialect; safe from several threads and processes."""

    def __init__(self, dialect: Dialect, observers: Sequence[Observer] = ()) -> None:
        super().__init__(dialect.reader)
        self._writer = dialect.writer
        self._dialect = dialect
        self._observers = tuple(observers)
        self._one_at_a_time = threading.Lock()

    def create(self, new: NewJob, report: StoredReport) -> Change:
        """Keep a new job, its specs and its report; the same request again returns the job without events."""
        try:
            return self._commit(lambda connection: changes.create(connection, new, report))
        except IntegrityError:
            # Another server kept the same request, or the same report, in between: now it is there to be found.
            return self._commit(lambda connection: changes.create(connection, new, report))

    def move(self, job_id: str, command: Command, at: datetime, *, reason: Reason | None = None, message: str = "") -> Change:
        """Give a command to a job; raises UnknownJobError or IllegalCommandError."""
        return self._commit(lambda connection: changes.move(connection, job_id, command, at, reason=reason, message=message))

    def lose(self, job_id: str, attempt: int, at: datetime, *, reason: Reason, message: str) -> Change:
        """Write down that the trainer of an attempt is gone without a last word; raises StaleAttemptError."""
        return self._commit(lambda connection: changes.lose(connection, job_id, attempt, at, reason=reason, message=message))

    def claim(self, job_id: str, device: str, at: datetime, lease: Lease = LOCAL) -> Change:
        """Start the next attempt of a queued job: it holds a slot of the lease's node from now on. Raises IllegalCommandError."""
        now = self._dialect.lease_clock(at)
        return self._commit(lambda connection: changes.claim(connection, job_id, device, at, lease=lease, now=now))

    def renew(self, lease: Lease, at: datetime) -> list[str]:
        """Hold on to every slot of a node; return the ids of their jobs."""
        return self._alone(lambda connection: leases.renew(connection, lease, self._dialect.lease_clock(at)))

    def adopt(self, lease: Lease, patience_seconds: float, at: datetime) -> list[Job]:
        """Take over the slots of nodes whose lease has been past for so long; return their jobs."""
        return self._alone(lambda connection: leases.adopt(connection, lease, patience_seconds, self._dialect.lease_clock(at)))

    def bind(self, job_id: str, attempt: int, process: TrainerProcess) -> None:
        """Remember the process of an attempt; raises StaleAttemptError."""
        self._commit(lambda connection: changes.bind(connection, job_id, attempt, process))

    def release(self, job_id: str, attempt: int) -> Job:
        """Give the slot back: nothing of the attempt's process group is left. Raises StaleAttemptError."""
        return self._commit(lambda connection: changes.release(connection, job_id, attempt)).job

    def ingest(self, job_id: str, batch: Batch, at: datetime) -> Change:
        """Take in a piece of the spool and move the stored offset, together; raises StaleAttemptError or StaleOffsetError."""
        return self._commit(lambda connection: changes.ingest(connection, job_id, batch, at))

    def remove(self, job_id: str) -> Job:
        """Forget a job that is over and holds no slot; raises UnknownJobError or IllegalCommandError."""
        return self._commit(lambda connection: changes.remove(connection, job_id)).job

    def keep_report(self, report: StoredReport, owner: str) -> None:
        """Keep a report that belongs to no job; those that have expired, and the oldest of too many, are removed."""
        try:
            self._alone(lambda connection: changes.keep_report(connection, report, owner))
        except IntegrityError:  # another server kept it in between
            self._alone(lambda connection: changes.keep_report(connection, report, owner))

    def vacuum(self) -> None:
        """Give room of what was removed back to the disk, a bounded piece at a time."""
        with readable_failure(), self._one_at_a_time:
            self._dialect.vacuum(self._writer)

    def close(self) -> None:
        """Let go of the connections."""
        super().close()
        self._writer.dispose()

    def _commit(self, work: Callable[[Connection], Change]) -> Change:
        with readable_failure(), self._one_at_a_time:
            with self._writer.begin() as connection:
                change = work(connection)
            announce(self._observers, change)
        return change

    def _alone(self, work: Callable[[Connection], T]) -> T:
        with readable_failure(), self._one_at_a_time, self._writer.begin() as connection:
            return work(connection)
