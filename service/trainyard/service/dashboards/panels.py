"""What a dashboard is made of, before it is Grafana's JSON: queries, panels, rows, boards.

Panels carry their size on Grafana's grid of 24 columns, never a position: rows are filled from the left, so that none
can overlap. Colour is never the only code: validation is dashed, training is solid.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

# Colours that stay apart for the colour-blind (Okabe and Ito), by what they stand for.
BLUE, ORANGE, GREEN, PURPLE, RED, GREY, YELLOW, SKY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#7F7F7F",
    "#F0E442",
    "#56B4E9",
)


class Kind(enum.StrEnum):
    """Grafana's panel types that are used."""

    TIMESERIES = "timeseries"
    STAT = "stat"
    GAUGE = "gauge"
    BAR_GAUGE = "bargauge"
    TABLE = "table"
    HEATMAP = "heatmap"
    STATE_TIMELINE = "state-timeline"
    XY_CHART = "xychart"


class Query(NamedTuple):
    """A PromQL expression, and what its series are called (``{{label}}`` stands for a label's value)."""

    expression: str
    legend: str = ""
    instant: bool = False


class Style(NamedTuple):
    """How the series that match ``pattern`` (a regular expression over legends) are drawn."""

    pattern: str
    color: str
    dashed: bool = False
    fill: bool = False


class Step(NamedTuple):
    """From ``value`` on, a number is shown in ``color``; ``reason`` says why there: a threshold without one is a guess."""

    value: float | None
    color: str
    reason: str = ""


class Word(NamedTuple):
    """A number that is shown as a word, in a colour."""

    value: int
    text: str
    color: str


class Panel(NamedTuple):
    """One picture.

    ``unit`` is Grafana's id of a unit (``s``, ``bytes``, ``percentunit``, ``short`` …), ``width`` and ``height`` are in grid
    cells, ``empty`` says why a healthy server may have no data for it (a test asks for data or for this).
    """

    kind: Kind
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    width: int = 8
    height: int = 8
    styles: tuple[Style, ...] = ()
    steps: tuple[Step, ...] = ()
    words: tuple[Word, ...] = ()
    stacked: bool = False
    logarithmic: bool = False
    low: float | None = 0
    high: float | None = None
    columns: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()
    link: bool = False
    empty: str = ""


class Row(NamedTuple):
    """Panels under a heading; ``collapsed`` ones are loaded when opened."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


class Annotation(NamedTuple):
    """Marks on the time axis where ``expression`` has a value; ``value_is_time`` reads the value as milliseconds."""

    name: str
    expression: str
    color: str
    title: str
    text: str
    value_is_time: bool = False


class Board(NamedTuple):
    """A dashboard; ``selects_job`` adds the variable that picks jobs, the newest first."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    annotations: tuple[Annotation, ...]
    selects_job: bool = False
    other: tuple[str, str] = ("", "")
    """Uid and title of the board that this one links to."""
