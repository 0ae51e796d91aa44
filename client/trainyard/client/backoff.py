"""How long to wait before the next attempt, and when to give up. Owns no clock and no randomness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How a watcher behaves while the server is away.

    Full jitter (M. Brooker, "Exponential Backoff and Jitter", AWS, 2015): the wait is drawn evenly between
    zero and a ceiling that doubles, so that a hundred watchers do not return in the same moment.

    Attributes:
        first_ceiling_seconds: ceiling before the first attempt.
        last_ceiling_seconds: where the ceiling stops growing.
        outage_seconds: give up after this long without a sign of life.
        introduction_seconds: the same, before the server has shown one at all.
        settled_seconds: a stream that lasted this long was a sign of life, even without an event; longer
            than a connection attempt into the void lasts (20 s).
        faults: give up after so many failures of the server's own in a row.
    """

    first_ceiling_seconds: float = 0.2
    last_ceiling_seconds: float = 10.0
    outage_seconds: float = 600.0
    introduction_seconds: float = 5.0
    settled_seconds: float = 30.0
    faults: int = 5

    def wait_seconds(self, attempt: int, draw: Callable[[], float]) -> float:
        """Return the wait before ``attempt`` (1, 2, …); ``draw`` gives a number in [0, 1)."""
        doublings = min(attempt - 1, 30)
        return draw() * min(self.last_ceiling_seconds, self.first_ceiling_seconds * 2.0**doublings)
