"""Draws a line chart: axes with round ticks, bands below lines, named points above them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trainyard.linter.charts.models import LineChart, Series
from trainyard.linter.charts.numbers import written
from trainyard.linter.charts.scales import Scale, scale, ticks
from trainyard.linter.charts.svg.drawing import Drawing, text_width
from trainyard.linter.charts.svg.legend import Entry, Legend, fill, stroke, stroke_kind

_NARROW = 480
_RIGHT, _TOP, _BOTTOM = 16, 40, 40
_LABEL_GAP = 8
_SHORTLY = 0.1


class _Plot(NamedTuple):
    """Where everything goes."""

    drawing: Drawing
    x: Scale
    y: Scale


def lines(chart: LineChart, width: int) -> Drawing:
    """Return the drawing of a line chart."""
    height = 200 if width < _NARROW else 260
    y_values = [*_y_values(chart)]
    rough = scale(chart.y, y_values, 1, 0)
    left = max(text_width(written(tick, chart.y.unit)) for tick in (*ticks(rough, 6), rough.high)) + 14
    legend = Legend(_entries(chart), left, width - _RIGHT)
    top = legend.height + _TOP
    drawing = Drawing(width, top + height + _BOTTOM)
    plot = _Plot(drawing, scale(chart.x, _x_values(chart), left, width - _RIGHT), scale(chart.y, y_values, top + height, top))
    _axes(chart, plot)
    legend.draw(drawing, 0)
    _bands(chart, plot)
    _limits(chart, plot)
    for series in chart.series:
        _series(series, plot, markers=len(chart.series) > 1)
    _marks(chart, plot)
    return drawing


def _entries(chart: LineChart) -> list[Entry]:
    found = [Entry(band.name, fill("band")) for band in chart.bands]
    many = len(chart.series) > 1
    if many or chart.bands:
        found += [Entry(series.name, stroke(series.code, dashed=series.dashed, marker=many)) for series in chart.series]
    return found


def _x_values(chart: LineChart) -> Iterator[float]:
    for series in chart.series:
        yield from (x for x, _ in series.points)
    for band in chart.bands:
        yield from (x for x, _, _ in band.points)


def _y_values(chart: LineChart) -> Iterator[float]:
    for series in chart.series:
        yield from (y for _, y in series.points if y is not None)
    for band in chart.bands:
        yield from (end for _, low, high in band.points for end in (low, high))


def _axes(chart: LineChart, plot: _Plot) -> None:
    drawing, x, y = plot
    for tick in ticks(y, 6):
        drawing.line(x.start, y.place(tick), x.end, y.place(tick), "grid")
        drawing.text(x.start - 8, y.place(tick) + 4, written(tick, chart.y.unit), "tick", "end")
    drawing.line(x.start, y.start, x.end, y.start, "axis")
    for tick in ticks(x, max(3, int((x.end - x.start) / 70))):
        drawing.line(x.place(tick), y.start, x.place(tick), y.start + 4, "axis")
        drawing.text(x.place(tick), y.start + 18, written(tick, chart.x.unit), "tick", "middle")
    drawing.text((x.start + x.end) / 2, y.start + 35, chart.x.label, "quiet", "middle")
    drawing.text(4, y.end - 27, chart.y.label + (", logarithmic" if chart.y.log else ""), "quiet")


def _bands(chart: LineChart, plot: _Plot) -> None:
    for band in chart.bands:
        upper = [(plot.x.place(x), plot.y.place(high)) for x, _, high in band.points]
        lower = [(plot.x.place(x), plot.y.place(low)) for x, low, _ in band.points]
        plot.drawing.path([*upper, *reversed(lower)], "band", closed=True)
        plot.drawing.path(lower, f"edge s{band.code} d2")


def _limits(chart: LineChart, plot: _Plot) -> None:
    for limit in chart.limits:
        if plot.y.low <= limit.value <= plot.y.high:
            at = plot.y.place(limit.value)
            plot.drawing.line(plot.x.start, at, plot.x.end, at, f"{limit.tone.value}-line")
            plot.drawing.text(plot.x.end - 4, at - 5, limit.label, "quiet halo", "end")


def _series(series: Series, plot: _Plot, *, markers: bool) -> None:
    kind = f"curve {stroke_kind(series.code, dashed=series.dashed)}"
    stretch: list[tuple[float, float]] = []
    known = [(plot.x.place(x), None if y is None else plot.y.place(y)) for x, y in series.points]
    for x, y in known:
        if y is not None:
            stretch.append((x, y))
        elif stretch:
            plot.drawing.path(stretch, kind)
            stretch = []
    plot.drawing.path(stretch, kind)
    if markers:
        drawn = [(x, y) for x, y in known if y is not None]
        for x, y in drawn[:: max(1, len(drawn) // 8)]:
            plot.drawing.marker(x, y, series.code, f"ring s{series.code % 6}", 3)


def _marks(chart: LineChart, plot: _Plot) -> None:
    taken = float("-inf")
    for mark in chart.marks:
        x, y = plot.x.place(mark.x), plot.y.place(mark.y)
        half = text_width(mark.label) / 2
        plot.drawing.marker(x, y, 0, "ring s0", 4)
        middle = min(max(x, plot.x.start + half), plot.x.end - half)
        if middle - half > taken:
            # At the right edge the words reach back over the line: where it comes down from above, they go below it.
            below = middle < x and y + 24 < plot.y.start and _highest(chart, plot, mark.x) < y - 8
            plot.drawing.text(middle, y + 20 if below else y - 10, mark.label, "strong halo small", "middle")
            taken = middle + half + _LABEL_GAP


def _highest(chart: LineChart, plot: _Plot, until: float) -> float:
    """Return the place of the highest point drawn shortly before a value of x."""
    since = until - _SHORTLY * (plot.x.high - plot.x.low)
    return min((plot.y.place(y) for series in chart.series for x, y in series.points if since <= x <= until and y is not None), default=0.0)
