"""How messages write numbers: as a person would type them into the spec."""

from __future__ import annotations

from collections.abc import Iterable

_KIB = 1024
# Sizes of odd models go beyond every float; that far any number reads the same.
_MOST = 1.7976931348623157e308
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def number(value: float) -> str:
    """Return a number with up to four digits: ``0.001``, ``1e-07``, ``20,500``."""
    value = min(max(value, -_MOST), _MOST)
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"


def count(amount: int, noun: str) -> str:
    """Return ``1 epoch``, ``20 epochs``."""
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def size(amount: float) -> str:
    """Return bytes in the unit that reads well, to three digits: ``4.7 GiB``."""
    unit, amount = 0, float(min(amount, _MOST))
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount /= _KIB
        unit += 1
    return f"{amount:.3g} {_UNITS[unit]}"


def percent(share: float) -> str:
    """Return a share as per cent with up to two digits: ``31 %``, ``0.5 %``; ``over 99 %`` is not yet all."""
    if 0.995 <= share < 1:
        return "over 99 %"
    return f"{100 * share:.2g} %" if share < 1 else f"{100 * share:.0f} %"


def listed(names: Iterable[str], conjunction: str = "or") -> str:
    """Return names as a list that reads: ``a, b or c``."""
    *most, last = names
    return f"{', '.join(most)} {conjunction} {last}" if most else last
