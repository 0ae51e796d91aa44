"""Numbers that operators write: within bounds that can be counted with, and no NaN, which every comparison lets through. Click only."""

from __future__ import annotations

import math
from typing import Any

import click

# A hundred years: what is longer can not be subtracted from today, nor counted by a timer.
_YEARS = 100
_DAYS_OF_A_YEAR = 365


class Span(click.FloatRange):
    """A length of time from nothing to a hundred years, in a unit of which ``per_day`` make a day."""

    def __init__(self, per_day: int, *, or_nothing: bool = False) -> None:
        super().__init__(0, _YEARS * _DAYS_OF_A_YEAR * per_day, min_open=not or_nothing)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number; fails with a usage error for what is none."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


def days(*, or_nothing: bool = False) -> Span:
    """Make the type of an option in days."""
    return Span(1, or_nothing=or_nothing)


def hours() -> Span:
    """Make the type of an option in hours."""
    return Span(24)


def minutes() -> Span:
    """Make the type of an option in minutes."""
    return Span(24 * 60)
