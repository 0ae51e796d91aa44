"""The supervisor's own thread: a round when something happened, and every so often because something may have."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from trainyard.service.core.errors import ServiceError
from trainyard.service.core.jobs import Change
from trainyard.service.core.states import State
from trainyard.service.executor.supervisor import Pace

# However often somebody wakes the loop, rounds leave this much time to others.
GAP_SECONDS = 0.02
_WORTH_WAKING = frozenset({State.QUEUED, State.CANCELLING, State.STOPPING, State.PAUSING})
_log = structlog.get_logger("supervisor")


class SupervisorLoop:
    """Runs rounds until it is stopped; an :class:`Observer` that wakes up when a job wants looking after."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, tick: Callable[[], Pace]) -> None:
        """Begin; ``tick`` is one round and says when the next one is due."""
        self._thread = threading.Thread(target=self._run, args=(tick,), name="supervisor", daemon=True)
        self._thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """End after the round under way; trainers are left alone."""
        self._stopped.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def committed(self, change: Change) -> None:
        """Wake up when a job was queued, or asked for something."""
        if change.job.state in _WORTH_WAKING:
            self._wanted.set()

    def _run(self, tick: Callable[[], Pace]) -> None:
        while not self._stopped.wait(GAP_SECONDS):
            self._wanted.clear()
            self._wanted.wait(_round(tick).value)


def _round(tick: Callable[[], Pace]) -> Pace:
    try:
        return tick()
    except ServiceError as error:
        _log.warning("round-failed", why=str(error))
    except Exception:  # noqa: BLE001 - a fault in one round must not end supervision
        _log.exception("round-failed")
    return Pace.LATER
