"""Whether a server still looks after this run: it touches a file, and only that the file changes counts.

Silence is summed up from one look to the next, a few seconds at most for each: a trainer that was stopped for an hour, or a
clock that jumped, is no hour of silence.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

_LONGEST_LOOK_SECONDS = 5.0


class Heartbeat:
    """Watches ``path``; ``limit_seconds`` of silence make an orphan. Without a limit nobody is one."""

    def __init__(self, path: Path, limit_seconds: float | None, monotonic: Callable[[], float]) -> None:
        self._path = path
        self._limit_seconds = limit_seconds
        self._monotonic = monotonic
        self._seen = self._look()
        self._looked = monotonic()
        self._silence_seconds = 0.0

    def orphaned(self) -> bool:
        """Look, and tell whether the server has been silent for too long."""
        if self._limit_seconds is None:
            return False
        now, seen = self._monotonic(), self._look()
        if seen != self._seen:
            self._silence_seconds = 0.0
        else:
            self._silence_seconds += min(now - self._looked, _LONGEST_LOOK_SECONDS)
        self._seen, self._looked = seen, now
        return self._silence_seconds >= self._limit_seconds

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
