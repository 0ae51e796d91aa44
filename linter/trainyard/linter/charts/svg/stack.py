"""Draws sums of intervals: solid up to the least that each can be, hatched up to the most, against what there is."""

from __future__ import annotations

from trainyard.linter.charts.models import Axis, StackChart, StackRow
from trainyard.linter.charts.numbers import interval, written
from trainyard.linter.charts.scales import Scale, scale
from trainyard.linter.charts.svg.drawing import Drawing, shortened, text_width
from trainyard.linter.charts.svg.legend import Entry, Legend, fill

ROW = 46
_THICK = 20
_FAR = 3.0


def stack(chart: StackChart, width: int) -> Drawing:
    """Return the drawing of a stack chart: one bar for each sum, its terms in the order of the legend."""
    longest_first = sorted(chart.rows, key=lambda row: -len(row.terms))
    names = list(dict.fromkeys(term.name for row in longest_first for term in row.terms if term.high))
    entries = [Entry(name, fill(f"f{index % 6}")) for index, name in enumerate(names)]
    if any(row.high > row.low for row in chart.rows):
        entries.append(Entry("may come on top", _may))
    legend = Legend(entries, 0, width)
    top = legend.height + 8.0
    limits = [limit for limit in chart.limits if limit.value > 0]
    drawing = Drawing(width, top + len(chart.rows) * ROW + 20 * len(limits) + 8)
    legend.draw(drawing, 0)
    most = max((row.high for row in chart.rows), default=0.0)
    # A limit far beyond the bars would press them against the edge; it is told in words instead.
    largest = max([most, *(limit.value for limit in limits if limit.value <= _FAR * most)])
    across = scale(Axis("", low=0.0, high=largest * 1.02 or 1.0), (), 0, width - 2)
    for row in chart.rows:
        _row(drawing, chart, row, names, (across, top))
        top += ROW
    for index, limit in enumerate(limits):
        x = across.place(limit.value)
        told = f"{limit.label}: {written(limit.value, chart.unit)}"
        if limit.value <= across.high:
            drawing.line(x, legend.height + 8, x, top + 20 * index + 6, f"{limit.tone.value}-line")
        else:
            told += ", far beyond the right edge →"
        label = shortened(told, width)
        drawing.text(max(x - 6, text_width(label)), top + 20 * index + 12, label, "quiet halo", "end")
    return drawing


def _may(drawing: Drawing, x: float, y: float) -> None:
    drawing.box(x, y - 5, 20, 10, "outline axis", 2)
    drawing.hatch(x, y - 5, 20, 10, "faint")


def _row(drawing: Drawing, chart: StackChart, row: StackRow, names: list[str], place: tuple[Scale, float]) -> None:
    across, top = place
    told = interval(row.low, row.high, chart.unit)
    drawing.text(0, top + 13, row.name, "strong")
    drawing.text(text_width(row.name) + 14, top + 13, told, "quiet")
    reached, bar = 0.0, top + 19
    for term in row.terms:
        if term.low:
            first, last = across.place(reached), across.place(reached + term.low)
            drawing.box(first, bar, max(0.8, last - first), _THICK, f"f{names.index(term.name) % 6}")
            drawing.line(last, bar, last, bar + _THICK, "gap")
            reached += term.low
    if row.high > row.low:
        first, last = across.place(row.low), across.place(row.high)
        drawing.box(first, bar, last - first, _THICK, "outline axis")
        drawing.hatch(first, bar, last - first, _THICK, "faint")
