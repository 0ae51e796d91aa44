"""Draws a line chart with characters."""

from __future__ import annotations

from itertools import pairwise

from trainyard.linter.charts.models import LineChart
from trainyard.linter.charts.numbers import written
from trainyard.linter.charts.scales import Scale, scale, ticks
from trainyard.linter.charts.text.canvas import Canvas, sample
from trainyard.linter.charts.text.screen import Screen, cut, right

_ROWS = 8
_TALL = 12
_WIDE = 120


def lines(chart: LineChart, screen: Screen) -> list[str]:
    """Return the lines of a line chart: legend, plot with ticks at the left and below, name of the axis."""
    drawn = [
        *((series.name, series.points) for series in chart.series),
        *((f"{band.name}, low end", tuple((x, low) for x, low, _ in band.points)) for band in chart.bands),
    ]
    ys = [y for _, points in drawn for _, y in points if y is not None]
    rows = _TALL if screen.cells >= _WIDE else _ROWS
    rough = scale(chart.y, ys, 0, 1)
    marks = ticks(rough, rows // 2)
    label_cells = max(len(written(tick, chart.y.unit)) for tick in marks or (rough.high,))
    canvas = Canvas(screen, screen.cells - label_cells - 3, rows)
    x = scale(chart.x, [x for _, points in drawn for x, _ in points], 0, canvas.width - 1)
    y = scale(chart.y, ys, canvas.height - 1, 0)
    for owner, (_, points) in enumerate(drawn):
        for (x1, y1), (x2, y2) in pairwise(points):
            if y1 is not None and y2 is not None:
                canvas.line((x.place(x1), y.place(y1)), (x.place(x2), y.place(y2)), owner)
    labels = {round(y.place(tick)) * rows // canvas.height: written(tick, chart.y.unit) for tick in marks}
    body = [
        f"{right(labels.get(row, ''), label_cells)} {'┤' if row in labels else '│'} {line}".rstrip()
        for row, line in enumerate(canvas.rows())
    ]
    legend = [
        f"{' ' * label_cells}   {sample(screen, owner)} {cut(name, screen.cells - label_cells - 8)}"
        for owner, (name, _) in enumerate(drawn)
    ]
    return [*(legend if len(drawn) > 1 else ()), *body, *_below(chart, x, label_cells, screen)]


def _below(chart: LineChart, x: Scale, label_cells: int, screen: Screen) -> list[str]:
    cells = screen.cells - label_cells - 3
    row = [" "] * cells
    for tick in ticks(x, max(2, cells // 10)):
        text = written(tick, chart.x.unit)
        at = min(max(0, round(x.place(tick) * (cells - 1) / max(1.0, x.end)) - len(text) // 2), cells - len(text))
        if at >= 0 and all(character == " " for character in row[max(0, at - 1) : at + len(text) + 1]):
            row[at : at + len(text)] = text
    name = cut(chart.x.label, cells)
    numbers = "".join(row).rstrip()
    axis = f"{' ' * label_cells} └{'─' * (cells + 1)}"
    beside = f"{numbers}  {name}" if len(numbers) + len(name) + 2 <= cells else numbers
    return [axis, f"{' ' * label_cells}   {beside}"]
