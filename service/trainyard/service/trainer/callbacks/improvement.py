"""Whether a watched number got better: the one question that early stopping, plateau and checkpoint ask."""

from __future__ import annotations

import math

MAX = "max"


class Improvement:
    """Remembers the best value seen; ``mode`` is ``min`` or ``max``."""

    def __init__(self, mode: str, min_delta: float = 0.0) -> None:
        self._sign = -1.0 if mode == MAX else 1.0
        self._min_delta = abs(min_delta)
        self.best: float | None = None

    def seen(self, value: float) -> bool:
        """Return True, and remember ``value``, when it beats the best by more than ``min_delta``; NaN never does."""
        if math.isnan(value) or not self._beats(value):
            return False
        self.best = value
        return True

    def _beats(self, value: float) -> bool:
        return self.best is None or self._sign * value < self._sign * self.best - self._min_delta
