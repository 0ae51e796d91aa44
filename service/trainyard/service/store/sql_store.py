"""The store: questions on connections of their own, changes one at a time and each in one transaction.

The lock is held until everybody was told, so that observers hear of changes in the order in which they
were committed. What a change does is in :mod:`trainyard.service.store.changes`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine

from trainyard.service.core.jobs import Change, Job, NewJob, TrainerProcess
from trainyard.service.core.jobstore import Batch, StoredReport
from trainyard.service.core.ports import Observer, announce
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import Command
from trainyard.service.store import changes
from trainyard.service.store.reader import SqlReader, readable_failure

T = TypeVar("T")


class SqlJobStore(SqlReader):
    """Implements :class:`JobStore` for any dialect; safe from several threads and processes."""

    def __init__(self, writer: Engine, reader: Engine, observers: Sequence[Observer] = ()) -> None:
        super().__init__(reader)
        self._writer = writer
        self._observers = tuple(observers)
        self._one_at_a_time = threading.Lock()

    def create(self, new: NewJob, report: StoredReport) -> Change:
        """Keep a new job, its specs and its report; the same request again returns the job without events."""
        return self._commit(lambda connection: changes.create(connection, new, report))

    def move(self, job_id: str, command: Command, at: datetime, *, reason: Reason | None = None, message: str = "") -> Change:
        """Give a command to a job; raises UnknownJobError or IllegalCommandError."""
        return self._commit(lambda connection: changes.move(connection, job_id, command, at, reason=reason, message=message))

    def claim(self, job_id: str, device: str, at: datetime) -> Change:
        """Start the next attempt of a queued job: it holds a slot from now on. Raises IllegalCommandError."""
        return self._commit(lambda connection: changes.claim(connection, job_id, device, at))

    def bind(self, job_id: str, attempt: int, process: TrainerProcess) -> None:
        """Remember the process of an attempt; raises StaleAttemptError."""
        self._commit(lambda connection: changes.bind(connection, job_id, attempt, process))

    def release(self, job_id: str, attempt: int) -> Job:
        """Give the slot back: nothing of the attempt's process group is left. Raises StaleAttemptError."""
        return self._commit(lambda connection: changes.release(connection, job_id, attempt)).job

    def ingest(self, job_id: str, batch: Batch, at: datetime) -> Change:
        """Take in a piece of the spool and move the stored offset, together; raises StaleAttemptError or StaleOffsetError."""
        return self._commit(lambda connection: changes.ingest(connection, job_id, batch, at))

    def keep_report(self, report: StoredReport) -> None:
        """Keep a report that belongs to no job; those that have expired, and the oldest of too many, are removed."""
        with readable_failure(), self._one_at_a_time, self._writer.begin() as connection:
            changes.keep_report(connection, report)

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
