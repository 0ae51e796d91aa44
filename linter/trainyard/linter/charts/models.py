"""What a picture shows, as plain values: every number, every name, and what it means in words.

``title`` names the picture, ``summary`` says in a sentence what there is to see; both reach people who cannot see it.
``code`` is the place in the palette: a colour, a dash and a marker that always go together, so that colour alone never
tells two things apart.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class Unit(enum.Enum):
    """How a number is written."""

    NUMBER = "number"
    COUNT = "count"
    RATE = "rate"
    BYTES = "bytes"
    SECONDS = "seconds"
    SHARE = "share"
    FACTOR = "factor"


class Tone(enum.Enum):
    """What a part of a picture says about itself: as it should be, worth a look, wrong, or nothing at all."""

    GOOD = "good"
    CARE = "care"
    BAD = "bad"
    PLAIN = "plain"


class Axis(NamedTuple):
    """One axis; ends that are ``None`` follow from what is drawn."""

    label: str
    unit: Unit = Unit.NUMBER
    log: bool = False
    low: float | None = None
    high: float | None = None


class Series(NamedTuple):
    """One line, left to right; a value of ``None`` is a gap. ``dashed`` is what validation is drawn with everywhere."""

    name: str
    points: tuple[tuple[float, float | None], ...]
    code: int = 0
    dashed: bool = False


class Band(NamedTuple):
    """Everything between two lines: (x, low, high)."""

    name: str
    points: tuple[tuple[float, float, float], ...]
    code: int = 0


class Mark(NamedTuple):
    """One point that is named."""

    x: float
    y: float
    label: str


class Limit(NamedTuple):
    """A value that matters, drawn across the picture."""

    value: float
    label: str
    tone: Tone = Tone.CARE


class LineChart(NamedTuple):
    """Values over an axis: a learning-rate curve, training curves."""

    title: str
    summary: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    bands: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()
    limits: tuple[Limit, ...] = ()


class Bar(NamedTuple):
    """One bar; ``other`` is a second value on the same scale, drawn as a marker; ``note`` stands behind it."""

    name: str
    value: float
    other: float | None = None
    note: str = ""
    tone: Tone = Tone.PLAIN


class BarChart(NamedTuple):
    """One bar for each of many things, such as the samples of each class."""

    title: str
    summary: str
    unit: Unit
    value_name: str
    bars: tuple[Bar, ...]
    other_name: str = ""
    name_header: str = "name"


class Zone(NamedTuple):
    """A stretch of a scale and what it means to lie there."""

    name: str
    low: float
    high: float
    tone: Tone


class Pointer(NamedTuple):
    """A place on a scale; ``main`` is the one that the picture is about."""

    value: float
    label: str
    main: bool = True


class RangeStrip(NamedTuple):
    """Where values lie on a logarithmic scale between too low and too high."""

    title: str
    summary: str
    unit: Unit
    zones: tuple[Zone, ...]
    pointers: tuple[Pointer, ...]


class Term(NamedTuple):
    """One part of a sum, as an interval."""

    name: str
    low: float
    high: float


class StackRow(NamedTuple):
    """One sum and its parts."""

    name: str
    terms: tuple[Term, ...]

    @property
    def low(self) -> float:
        """The least that the sum can be."""
        return sum(term.low for term in self.terms)

    @property
    def high(self) -> float:
        """The most that the sum can be."""
        return sum(term.high for term in self.terms)


class StackChart(NamedTuple):
    """Sums of intervals against limits, such as memory by term against what a device offers."""

    title: str
    summary: str
    unit: Unit
    rows: tuple[StackRow, ...]
    limits: tuple[Limit, ...] = ()


class Event(NamedTuple):
    """Something that happens at one place of a time line."""

    at: float
    label: str
    tone: Tone = Tone.PLAIN


class Span(NamedTuple):
    """Something that lasts; where it is open, it may end later than drawn, or never come."""

    start: float
    end: float
    label: str
    tone: Tone = Tone.PLAIN
    open: bool = False


class Lane(NamedTuple):
    """One row of a time line."""

    name: str
    spans: tuple[Span, ...] = ()
    events: tuple[Event, ...] = ()


class TimeLine(NamedTuple):
    """What happens when, from 0 to ``length``."""

    title: str
    summary: str
    axis: str
    length: float
    lanes: tuple[Lane, ...]


class Matrix(NamedTuple):
    """Counts by row and column, such as true classes against predicted ones."""

    title: str
    summary: str
    row_header: str
    column_header: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


Chart = LineChart | BarChart | RangeStrip | StackChart | TimeLine | Matrix
