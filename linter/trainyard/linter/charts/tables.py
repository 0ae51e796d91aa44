"""The table under a picture: the same numbers in rows, for reading aloud, for copying, and for checking the picture."""

from __future__ import annotations

from typing import NamedTuple

from trainyard.linter.charts.models import BarChart, Chart, LineChart, Matrix, RangeStrip, StackChart, TimeLine, Unit
from trainyard.linter.charts.numbers import interval, written

# A curve of hundreds of points is read at a few of them.
_MOST_POINTS = 26


class Table(NamedTuple):
    """Columns with a header each, and rows of text; ``numeric`` columns are set to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()


def table(chart: Chart) -> Table:
    """Return what a picture shows, as a table."""
    match chart:
        case LineChart():
            return _of_lines(chart)
        case BarChart():
            return _of_bars(chart)
        case RangeStrip():
            zones = [(zone.name, f"{written(zone.low, chart.unit)} to {written(zone.high, chart.unit)}") for zone in chart.zones]
            return Table(("", "value"), (*((pointer.label, written(pointer.value, chart.unit)) for pointer in chart.pointers), *zones))
        case StackChart():
            return _of_stack(chart)
        case TimeLine():
            return _of_time_line(chart)
        case Matrix():
            rows = tuple(
                (name, *(written(count, Unit.COUNT) for count in row)) for name, row in zip(chart.names, chart.counts, strict=True)
            )
            return Table((f"{chart.row_header} \\ {chart.column_header}", *chart.names), rows, frozenset(range(1, len(chart.names) + 1)))


def _of_lines(chart: LineChart) -> Table:
    columns = [
        chart.x.label,
        *(series.name for series in chart.series),
        *(f"{band.name}, {end}" for band in chart.bands for end in ("low", "high")),
    ]
    values: dict[float, dict[int, float | None]] = {}
    for index, series in enumerate(chart.series):
        for x, y in series.points:
            values.setdefault(x, {})[index] = y
    for index, band in enumerate(chart.bands):
        for x, low, high in band.points:
            values.setdefault(x, {}).update({len(chart.series) + 2 * index: low, len(chart.series) + 2 * index + 1: high})
    rows = tuple(
        (written(x, chart.x.unit), *(written(values[x].get(index), chart.y.unit) for index in range(len(columns) - 1)))
        for x in _some(sorted(values))
    )
    return Table(tuple(columns), rows, frozenset(range(len(columns))))


def _some(values: list[float]) -> list[float]:
    """Return at most ``_MOST_POINTS`` of the values, first and last among them."""
    if len(values) <= _MOST_POINTS:
        return values
    places = {round(index * (len(values) - 1) / (_MOST_POINTS - 1)) for index in range(_MOST_POINTS)}
    return [values[place] for place in sorted(places)]


def _of_bars(chart: BarChart) -> Table:
    columns = [chart.name_header, chart.value_name]
    with_other = any(bar.other is not None for bar in chart.bars)
    with_note = any(bar.note for bar in chart.bars)
    columns += [chart.other_name] * with_other + ["note"] * with_note
    rows = tuple(
        (
            bar.name,
            written(bar.value, chart.unit),
            *((written(bar.other, chart.unit),) if with_other else ()),
            *((bar.note,) if with_note else ()),
        )
        for bar in chart.bars
    )
    return Table(tuple(columns), rows, frozenset({1, 2} if with_other else {1}))


def _of_stack(chart: StackChart) -> Table:
    names = list(dict.fromkeys(term.name for row in chart.rows for term in row.terms))
    rows = []
    for row in chart.rows:
        terms = {term.name: interval(term.low, term.high, chart.unit) for term in row.terms}
        rows.append((row.name, *(terms.get(name, "-") for name in names), interval(row.low, row.high, chart.unit)))
    rows += [(limit.label, *("" for _ in names), written(limit.value, chart.unit)) for limit in chart.limits]
    return Table(("", *names, "total"), tuple(rows), frozenset(range(1, len(names) + 2)))


def _of_time_line(chart: TimeLine) -> Table:
    spans = [(lane.name, span.label, f"{written(span.start)} to {written(span.end)}") for lane in chart.lanes for span in lane.spans]
    events = [(lane.name, event.label, written(event.at)) for lane in chart.lanes for event in lane.events]
    return Table(("what", "happens", chart.axis), (*spans, *events))
