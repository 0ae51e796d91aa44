"""A line of numbers in one row of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainyard.linter.charts.text.screen import Screen

_BLOCKS = "▁▂▃▄▅▆▇█"
_LETTERS = "_.-=+*#@"


def spark(values: Sequence[float], screen: Screen, *, log: bool = False) -> str:
    """Return values as a sparkline between their least and their largest; a gap where one is no number."""
    known = [_axis(value, log=log) for value in values]
    finite = [value for value in known if value is not None]
    if not finite:
        return " " * len(values)
    low, span = min(finite), max(finite) - min(finite)
    signs = _BLOCKS if screen.unicode else _LETTERS
    return "".join(" " if value is None else signs[round((value - low) / span * 7) if span else 3] for value in known)


def _axis(value: float, *, log: bool) -> float | None:
    if not math.isfinite(value) or (log and value <= 0):
        return None
    return math.log10(value) if log else value
