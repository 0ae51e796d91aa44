"""Reading ends when its time is up, and what was not seen by then stays unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Looking at the clock costs more than looking at a directory entry, so it happens once for so many.
_EVERY = 256


class Budget:
    """Seconds that are left, by the clock that is handed in."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._ticks = 0

    @property
    def left_seconds(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self._end - self._clock())

    @property
    def is_spent(self) -> bool:
        """Whether the time is up; asks the clock."""
        return self._clock() >= self._end

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Let the clock stand still: what a library takes to be loaded is not the data's doing."""
        began = self._clock()
        try:
            yield
        finally:
            self._end += self._clock() - began

    def tick(self) -> bool:
        """Count one piece of work and tell whether the time is up, asking the clock now and then."""
        self._ticks += 1
        return self._ticks % _EVERY == 0 and self.is_spent
