"""How pictures and tables write numbers."""

from __future__ import annotations

import math

from trainyard.linter.charts.models import Unit
from trainyard.linter.rules.wording import number, percent, size

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_MOST_COUNTED = 1e15
_TWO_DIGITS, _WHOLE = 10, 1000
_LEAST_SHARE = 0.01


def written(value: float | None, unit: Unit = Unit.NUMBER) -> str:  # noqa: PLR0911 -- one return per unit
    """Return a number as its unit is written: ``1e-3``, ``4.7 GiB``, ``3 h 25 min``; a dash where there is none."""
    if value is None:
        return "-"
    if not math.isfinite(value):
        return _unbounded(value)
    match unit:
        case Unit.RATE:
            return scientific(value)
        case Unit.BYTES:
            return size(value)
        case Unit.SECONDS:
            return duration(value)
        case Unit.SHARE:
            return percent(value)
        case Unit.FACTOR:
            return f"{value:.2g} x"
        case Unit.COUNT if abs(value) < _MOST_COUNTED:
            return f"{round(value):,}"
        case _:
            return number(value)


def _unbounded(value: float) -> str:
    return "endless" if value > 0 else "none"


def interval(low: float, high: float, unit: Unit = Unit.NUMBER, between: str = " to ") -> str:
    """Return an interval without saying the same twice: ``1.2 to 3.4 GiB``, ``7 s``."""
    first, last = written(low, unit), written(high, unit)
    if first == last:
        return first
    if low == 0 and high > 0:
        return f"up to {last}"
    if unit is Unit.BYTES and first.partition(" ")[2] != last.partition(" ")[2]:
        return f"{_in_unit_of(high, low)}{between}{last}"
    amount, _, name = first.partition(" ")
    return f"{amount}{between}{last}" if name and last.partition(" ")[2] == name else f"{first}{between}{last}"


def _in_unit_of(high: float, low: float) -> str:
    """Return the low end in the unit that the high end is written in, where that keeps a digit; else in its own."""
    amount, _, _ = size(high).partition(" ")
    share = low / high * float(amount)
    return f"{share:.2g}" if share >= _LEAST_SHARE else size(low)


def scientific(value: float) -> str:
    """Return a rate in scientific notation with as few digits as it needs, at most three: ``1e-3``, ``1.25e-4``."""
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return _unbounded(value)
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def duration(seconds: float) -> str:
    """Return a time as a person says it: ``8 ms``, ``42 s``, ``5 min``, ``3 h 25 min``, ``2 d 4 h``."""
    for factor, name in ((1e6, "us"), (1e3, "ms"), (1.0, "s")):
        if seconds * factor < _TWO_DIGITS and (seconds * factor >= 1 or name == "us" or not seconds):
            return f"{seconds * factor:.2g} {name}"
        if seconds * factor < _WHOLE and name != "s":
            return f"{seconds * factor:.0f} {name}"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return _two(round(seconds / _MINUTE), _MINUTE, "h", "min")
    return _two(round(seconds / _HOUR), 24, "d", "h") if seconds < 1000 * _DAY else f"{seconds / _DAY:,.0f} d"


def _two(amount: int, per_unit: int, large: str, small: str) -> str:
    whole, rest = divmod(amount, per_unit)
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"
