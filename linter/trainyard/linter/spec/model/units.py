"""Small values that several sections share."""

from typing import NamedTuple


class Length(NamedTuple):
    """A span of training, in exactly one unit: ``{"epochs": 5}`` or ``{"steps": 500}``."""

    epochs: float | None
    steps: int | None


class Range(NamedTuple):
    """A closed interval; an end that is ``None`` is unknown."""

    min: float | None
    max: float | None
