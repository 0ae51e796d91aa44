"""From values to places: linear and logarithmic scales, and the ticks that read well on them.

Ticks of a linear scale are 1, 2 or 5 times a power of ten apart. A logarithmic scale marks decades; where it spans
less than two of them, 2 and 5 besides; where it spans many, every second, fifth or tenth one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from trainyard.linter.charts.models import Axis

_FINEST = 1e-9
_STEPS = (1.0, 2.0, 5.0, 10.0)
_FEW_DECADES = 2
# A logarithmic axis shows at most this many decades below its top: what falls to zero would have no end.
MOST_DECADES = 8
# Beyond these, room around a value would leave the numbers that there are.
_TINY, _HUGE = 1e-300, 1e300


class Scale(NamedTuple):
    """Maps values from [low, high] to [start, end]; values beyond an end are drawn at it."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def place(self, value: float) -> float:
        """Return where a value is drawn."""
        if math.isinf(value):
            return self.end if value > 0 else self.start
        share = (self._axis(value) - self._axis(self.low)) / (self._axis(self.high) - self._axis(self.low))
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def _axis(self, value: float) -> float:
        return math.log10(max(value, self.low if self.low > 0 else _TINY)) if self.log else value


def scale(axis: Axis, values: Iterable[float], start: float, end: float) -> Scale:
    """Return the scale of an axis for these values; it is never empty and its ends are round where the axis leaves them open."""
    known = [min(max(value, -_HUGE), _HUGE) for value in values if math.isfinite(value) and (value > 0 or not axis.log)]
    axis = axis._replace(low=_finite(axis.low), high=_finite(axis.high))
    low = axis.low if axis.low is not None else min(known, default=1.0 if axis.log else 0.0)
    high = axis.high if axis.high is not None else max(known, default=10.0 if axis.log else 1.0)
    if axis.log:
        high = max(high, _TINY)
        low = max(low, high / 10**MOST_DECADES, _TINY)
        return Scale(*_round_decades(low, high), start, end, log=True)
    # A span that is lost in the size of its ends gets room; so does one value alone.
    size = max(abs(low), abs(high))
    if high - low <= size * _FINEST:
        room = 0.1 * size or 0.5
        low, high = low - (axis.low is None) * room, max(low, high) + room
    return Scale(*_rounded(axis, low, high), start, end, log=False)


def _finite(end: float | None) -> float | None:
    return min(max(end, -_HUGE), _HUGE) if end is not None and math.isfinite(end) else None


def ticks(of: Scale, most: int) -> tuple[float, ...]:
    """Return at most about ``most`` values to mark."""
    return _log_ticks(of, most) if of.log else _linear_ticks(of.low, of.high, most)


def _rounded(axis: Axis, low: float, high: float) -> tuple[float, float]:
    step = _step(high - low, 5)
    return (
        low if axis.low is not None else math.floor(low / step) * step,
        high if axis.high is not None else math.ceil(high / step) * step,
    )


def _round_decades(low: float, high: float) -> tuple[float, float]:
    """Widen to 1, 2 or 5 times a power of ten; one value alone gets half a decade on either side."""
    if high / low < 1.5:
        low, high = low / 3.0, high * 3.0
    return _nice_below(low), _nice_above(high)


def _nice_below(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return max((step * decade for step in (1.0, 2.0, 5.0) if step * decade <= value * (1 + 1e-9)), default=decade)


def _nice_above(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return min(step * decade for step in _STEPS if step * decade >= value * (1 - 1e-9))


def _linear_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    step = _step(high - low, most)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return tuple((first + index) * step for index in range(max(0, min(count, 4 * most))))


def _step(span: float, most: int) -> float:
    rough = max(span, _TINY) / max(1, most)
    decade = 10.0 ** math.floor(math.log10(rough))
    return next(step * decade for step in _STEPS if step * decade >= rough * (1 - 1e-9))


def _log_ticks(of: Scale, most: int) -> tuple[float, ...]:
    first, last = math.ceil(math.log10(of.low) - 1e-9), math.floor(math.log10(of.high) + 1e-9)
    factors = (1.0, 2.0, 5.0) if math.log10(of.high / of.low) <= _FEW_DECADES else (1.0,)
    every = next(gap for gap in (1, 2, 5, 10, 50, 500) if (last - first) / gap <= most)
    found = [factor * 10.0**exponent for exponent in range(first - 1, last + 1) for factor in factors if exponent % every == 0]
    return tuple(value for value in found if of.low * (1 - 1e-9) <= value <= of.high * (1 + 1e-9))
