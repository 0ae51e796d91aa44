"""Draws a bar chart: one row for each thing, its name before, its value behind the bar.

Where there are very many, the middle ones stand as one line; the table under the picture has them all.
"""

from __future__ import annotations

from trainyard.linter.charts.models import Bar, BarChart, Tone
from trainyard.linter.charts.numbers import written
from trainyard.linter.charts.svg.drawing import Drawing, shortened, text_width
from trainyard.linter.charts.svg.legend import Entry, Legend, fill

ROW = 22
_THICK = 13
_NARROW = 480
#: Of more bars than this, the first and the last are drawn.
MOST_BARS = 40


def bars(chart: BarChart, width: int) -> Drawing:
    """Return the drawing of a bar chart."""
    shown, left_out = chosen(chart.bars)
    names = min(max((text_width(bar.name) for bar in shown), default=0) + 12, width * (0.34 if width < _NARROW else 0.28))
    noted = width >= _NARROW
    values = max((text_width(_told(chart, bar, noted=noted)) for bar in shown), default=0) + 12
    legend = Legend(_entries(chart), 0, width)
    height = legend.height + 6 + (len(shown) + bool(left_out)) * ROW + 4
    drawing = Drawing(width, height)
    legend.draw(drawing, 0)
    largest = max((value for bar in shown for value in (bar.value, bar.other or 0.0)), default=0.0) or 1.0
    per_unit = (width - names - values) / largest
    gap_after = MOST_BARS // 2 if left_out else len(shown)
    top = legend.height + 6.0
    for index, bar in enumerate(shown):
        if index == gap_after:
            drawing.text(names, top + 15, f"… {left_out:,} more, in the table …", "quiet")
            top += ROW
        _bar(drawing, chart, bar, (names, top, per_unit))
        top += ROW
    return drawing


def chosen(every: tuple[Bar, ...]) -> tuple[tuple[Bar, ...], int]:
    """Return the bars to draw, and how many are left out between the first and the last half of them."""
    if len(every) <= MOST_BARS:
        return every, 0
    half = MOST_BARS // 2
    return every[:half] + every[-half:], len(every) - MOST_BARS


def _entries(chart: BarChart) -> list[Entry]:
    if not chart.other_name or all(bar.other is None for bar in chart.bars):
        return []

    def diamond(drawing: Drawing, x: float, y: float) -> None:
        drawing.marker(x + 10, y, 3, "ring s1", 3)

    return [Entry(chart.value_name, fill("plain-fill")), Entry(chart.other_name, diamond)]


def _told(chart: BarChart, bar: Bar, *, noted: bool) -> str:
    value = written(bar.value, chart.unit)
    return f"{value} {bar.note}" if noted and bar.note else value


def _bar(drawing: Drawing, chart: BarChart, bar: Bar, place: tuple[float, float, float]) -> None:
    left, top, per_unit = place
    middle = top + ROW / 2
    drawing.text(left - 8, middle + 4, shortened(bar.name, left - 10), "label", "end", tip=bar.name)
    length = max(1.0, bar.value * per_unit)
    drawing.box(left, middle - _THICK / 2, length, _THICK, f"{bar.tone.value}-fill", 2)
    if bar.tone is not Tone.PLAIN:
        drawing.hatch(left, middle - _THICK / 2, length, _THICK, "gap")
    end = length
    if bar.other is not None:
        drawing.marker(left + bar.other * per_unit, middle, 3, "ring s1", 3)
        end = max(length, bar.other * per_unit + 6)
    drawing.text(left + end + 7, middle + 4, _told(chart, bar, noted=drawing.width >= _NARROW), "quiet")
