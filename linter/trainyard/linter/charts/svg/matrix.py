"""Draws a matrix of counts, such as a confusion matrix: each cell as dark as its share of its row, with its count in it."""

from __future__ import annotations

from trainyard.linter.charts.models import Matrix, Unit
from trainyard.linter.charts.numbers import written
from trainyard.linter.charts.svg.drawing import Drawing, shortened, text_width

_MOST_CELL = 46.0
# Below this size, numbers no longer fit into a cell, and the table has them.
_LEAST_WITH_NUMBER = 22.0
_STEPS = 10
# Below this size, lines of names would overlap.
_LEAST_WITH_NAME = 13.0
_MOST_UPWARD = 110.0
# Above this share, the fill is too dark for ink to be read on.
_DARK = 0.55


def matrix(chart: Matrix, width: int) -> Drawing:
    """Return the drawing of a matrix: true ones down, predicted ones across."""
    widest = max((text_width(name) for name in chart.names), default=0.0)
    left = min(widest + 12, width * 0.3)
    count = max(1, len(chart.names))
    named = (width - left - 2) / count >= _LEAST_WITH_NAME
    left = left if named else 1.0
    cell = min(_MOST_CELL, (width - left - 2) / count)
    lying = widest <= cell - 2
    top = 26.0 + (0 if not named else 16 if lying else min(widest + 8, _MOST_UPWARD))
    drawing = Drawing(width, top + cell * len(chart.names) + 8)
    drawing.text(left, 14, f"{chart.column_header} across, {chart.row_header} down", "quiet")
    for index, name in enumerate(chart.names if named else ()):
        middle = (index + 0.5) * cell
        drawing.text(left - 6, top + middle + 4, shortened(name, left - 8), "label", "end", tip=name)
        if lying:
            drawing.text(left + middle, top - 6, name, "tick", "middle")
        else:
            drawing.upward(left + middle + 4, top - 5, shortened(name, _MOST_UPWARD - 8), "tick", tip=name)
    for row, counts in enumerate(chart.counts):
        whole = sum(counts) or 1
        for column, amount in enumerate(counts):
            _cell(drawing, amount, amount / whole, (left + column * cell, top + row * cell, cell), right=row == column)
    return drawing


def _cell(drawing: Drawing, amount: int, share: float, place: tuple[float, float, float], *, right: bool) -> None:
    x, y, size = place
    drawing.box(x, y, size, size, "heat-none")
    if amount:
        step = max(1, round(share * _STEPS))
        drawing.box(x, y, size, size, f"{'f0' if right else 'f1'} heat-{step}")
    drawing.box(x, y, size, size, "gap")
    if amount and size >= _LEAST_WITH_NUMBER:
        kind = "on small" if share > _DARK else "small"
        drawing.text(x + size / 2, y + size / 2 + 4, shortened(written(amount, Unit.COUNT), size), kind, "middle")
