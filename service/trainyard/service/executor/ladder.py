"""Ending what does not end by itself: ask, wait, kill. Deadlines count on a clock that nobody sets."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass

from trainyard.service.core.jobs import TrainerProcess


@dataclass(slots=True)
class _Climb:
    began: float
    asked: bool = False


class Ladder:
    """TERM after ``patience``, KILL ``grace_seconds`` later, and again until nothing is left.

    After a restart of the server the climb begins anew: a trainer is asked twice rather than killed unasked.
    """

    def __init__(
        self, send: Callable[[TrainerProcess, signal.Signals], None], monotonic: Callable[[], float], grace_seconds: float
    ) -> None:
        self._send = send
        self._monotonic = monotonic
        self._grace_seconds = grace_seconds
        self._climbs: dict[TrainerProcess, _Climb] = {}

    def pressed(self, process: TrainerProcess) -> bool:
        """Tell whether the climb has begun."""
        return process in self._climbs

    def press(self, process: TrainerProcess, patience_seconds: float = 0.0, grace_seconds: float | None = None) -> None:
        """Take the step that is due; ``grace_seconds`` from TERM to KILL where it is not the usual time."""
        now = self._monotonic()
        climb = self._climbs.setdefault(process, _Climb(began=now))
        waited = now - climb.began - patience_seconds
        if waited >= (self._grace_seconds if grace_seconds is None else grace_seconds):
            self._send(process, signal.SIGKILL)
        elif waited >= 0 and not climb.asked:
            climb.asked = True
            self._send(process, signal.SIGTERM)

    def leave(self, process: TrainerProcess) -> None:
        """Forget a process of which nothing is left."""
        self._climbs.pop(process, None)
