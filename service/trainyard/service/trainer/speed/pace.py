"""How many steps go into one launch: as many as take about half a second, so that somebody who asks is soon heard."""

from __future__ import annotations

from trainyard.linter.estimate.launching import LAUNCH_SECONDS

_GROWTH = 16


class Pace:
    """Learns from every launch how long a step takes. The first one compiles, and teaches nothing."""

    def __init__(self) -> None:
        self._compiled = False
        self._next = 1

    def count(self, left: int) -> int:
        """Return how many of the ``left`` steps to launch."""
        return min(self._next, left)

    def took(self, count: int, seconds: float) -> None:
        """Take in how long a launch of ``count`` steps took."""
        if not self._compiled:
            self._compiled = True
            return
        per_step = max(seconds / count, 1e-9)
        self._next = max(1, min(int(LAUNCH_SECONDS / per_step), count * _GROWTH, 2**31 - 1))
