"""The supervisor's own thread: a round when something happened, and every so often because something may have.

What trainers write is heard as soon as the kernel tells of it, between rounds and within them: only their spools are read then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import structlog

from trainyard.service.core.errors import ServiceError
from trainyard.service.core.jobs import Change
from trainyard.service.core.states import State
from trainyard.service.executor.supervisor import Pace

# However often somebody wakes the loop, rounds leave this much time to others. Who writes is heard meanwhile.
GAP_SECONDS = 0.02
_WORTH_WAKING = frozenset({State.QUEUED, State.CANCELLING, State.STOPPING, State.PAUSING})
_log = structlog.get_logger("supervisor")
T = TypeVar("T")


class Rounds(Protocol):
    """What is done again and again."""

    def tick(self) -> Pace:
        """Look after everything once and say when to come again."""

    def hear(self, job_ids: set[str]) -> bool:
        """Read what the trainers of these jobs wrote; return whether a round is due."""

    def full(self) -> bool:
        """Tell whether a job that is queued now has to wait for a round anyway."""


class SupervisorLoop:
    """Runs rounds until it is stopped; an :class:`Observer` that wakes up when a job wants looking after."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._written: set[str] = set()
        self._round_wanted = False
        self._thread: threading.Thread | None = None
        self._rounds: Rounds | None = None

    def start(self, rounds: Rounds) -> None:
        """Begin."""
        self._rounds = rounds
        self._thread = threading.Thread(target=self._run, args=(rounds,), name="supervisor", daemon=True)
        self._thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """End after the round under way; trainers are left alone."""
        self._stopped.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def committed(self, change: Change) -> None:
        """Wake up when a job was queued that may have a slot, or was asked for something."""
        waits = change.job.state is State.QUEUED and self._rounds is not None and self._rounds.full()
        if change.job.state in _WORTH_WAKING and not waits:
            self._round_wanted = True
            self._wanted.set()

    def heard(self, job_ids: set[str]) -> None:
        """Wake up because trainers wrote something; called from any thread."""
        with self._lock:
            self._written |= job_ids
        self._wanted.set()

    def taken(self) -> set[str]:
        """Return the jobs whose trainers wrote something since this was asked last."""
        with self._lock:
            written, self._written = self._written, set()
        return written

    def _run(self, rounds: Rounds) -> None:
        earliest = due = time.monotonic()
        while not self._stopped.is_set():
            if time.monotonic() >= due:
                self._round_wanted = False
                pace = _guarded(rounds.tick, Pace.LATER)
                earliest = time.monotonic() + GAP_SECONDS
                due = max(earliest, earliest - GAP_SECONDS + pace.value)
            self._wanted.wait(max(0.0, due - time.monotonic()))
            self._wanted.clear()
            written = self.taken()
            if (written and self._heard(rounds, written)) or self._round_wanted:
                due = min(due, earliest)

    def _heard(self, rounds: Rounds, written: set[str]) -> bool:
        return _guarded(lambda: rounds.hear(written), True)


def _guarded(work: Callable[[], T], otherwise: T) -> T:
    """Do a piece of work; a fault in it must not end supervision."""
    try:
        return work()
    except ServiceError as error:
        # What callers are told says nothing of the inside; whoever reads the log wants to know it.
        _log.warning("round-failed", why=str(error), cause=str(error.__cause__ or "").partition("\n")[0])
    except Exception:  # noqa: BLE001 - the next round may fare better
        _log.exception("round-failed")
    return otherwise
