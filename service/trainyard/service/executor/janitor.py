"""Removes what nobody wants any more: finished jobs beyond the time to keep them, and what a crash left half removed.

A job goes in this order: its folder is put aside, its row is removed, the folder is destroyed. So nobody ever sees a job
without its files, and whatever a crash leaves behind is settled at the next start.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import structlog

from trainyard.service.core.errors import ServiceError, StoreUnavailableError, UnknownJobError
from trainyard.service.core.jobstore import JobStore
from trainyard.service.core.ports import Clock
from trainyard.service.executor import run_folder
from trainyard.service.executor.supervisor import Pace, Supervisor
from trainyard.service.wire import RunFolder

EVERY_SECONDS = 600.0
# Removed in one go; between two goes others get their turn at the store.
AT_ONCE = 50
_log = structlog.get_logger("janitor")


class Janitor:
    """Removes jobs, one on request or many when their time has come.

    Args:
        store: where jobs stand.
        runs: the folder of the run folders.
        clock: what time it is.
        keep: how long a finished job is kept; None for ever.
    """

    def __init__(self, store: JobStore, runs: Path, clock: Clock, keep: timedelta | None = None) -> None:
        self._store = store
        self._runs = runs
        self._clock = clock
        self._keep = keep
        self._next = clock.monotonic() + EVERY_SECONDS

    def remove(self, job_id: str) -> None:
        """Remove a job that is over, with its files.

        Raises UnknownJobError, IllegalCommandError, or StoreUnavailableError, and then changes nothing: files without a job would
        be nobody's.
        """
        try:
            aside = run_folder.take_away(RunFolder(self._runs / job_id))
        except OSError as error:
            raise StoreUnavailableError from error
        try:
            self._store.remove(job_id)
        except ServiceError:
            if aside is not None:
                self._put_back(job_id, aside)
            raise
        if aside is not None:
            run_folder.destroy(aside)

    def settle(self) -> None:
        """Finish, or undo, removals that a crash cut short."""
        for job_id, aside in run_folder.put_aside(self._runs):
            try:
                self._store.job(job_id)
            except UnknownJobError:
                run_folder.destroy(aside)
            else:
                self._put_back(job_id, aside)

    def round(self) -> bool:
        """Remove some of what is too old; return whether there is more."""
        if self._keep is None:
            return False
        old = self._store.over_since(self._clock.now() - self._keep, AT_ONCE)
        gone = [job for job in old if self._removed(job.id)]
        for job in gone:
            _log.info("job-removed", job=job.id, owner=job.owner)
        return len(gone) == AT_ONCE

    def _put_back(self, job_id: str, aside: Path) -> None:
        try:
            run_folder.put_back(aside)
        except OSError as error:
            _log.error("job-folder-not-put-back", job=job_id, folder=str(aside), why=str(error))

    def pass_by(self) -> None:
        """Do a little when it is time."""
        now = self._clock.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_SECONDS  # whatever comes: what fails now is not tried again in every round
        if self.round():
            self._next = now
        else:
            self._store.vacuum()

    def _removed(self, job_id: str) -> bool:
        """Remove a job; one that can not be removed must not keep the others."""
        try:
            self.remove(job_id)
        except ServiceError as error:
            _log.warning("job-not-removed", job=job_id, why=str(error), cause=str(error.__cause__ or ""))
            return False
        return True


class Cleaned:
    """Rounds of the supervisor with a little cleaning in between."""

    def __init__(self, supervisor: Supervisor, janitor: Janitor) -> None:
        self.hear, self.full = supervisor.hear, supervisor.full
        self._tick = supervisor.tick
        self._pass_by = janitor.pass_by

    def tick(self) -> Pace:
        """Look after everything once and say when to come again."""
        pace = self._tick()
        try:
            self._pass_by()
        except ServiceError as error:
            _log.warning("not-cleaned", why=str(error))
        return pace
