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
_LEAST_WITH_NAME = 9.0
# Above this share, the fill is too dark for ink to be read on.
_DARK = 0.55


def matrix(chart: Matrix, width: int) -> Drawing:
    """Return the drawing of a matrix: true ones down, predicted ones across."""
    count = max(1, len(chart.names))
    names = min(max((text_width(name) for name in chart.names), default=0.0) + 10, width * 0.3)
    cell = min(_MOST_CELL, (width - names - 2) / count)
    top = 40.0
    drawing = Drawing(width, top + cell * count + 8)
    drawing.text(names, 14, f"{chart.column_header} across, {chart.row_header} down", "quiet")
    labelled = cell >= _LEAST_WITH_NAME
    for index, name in enumerate(chart.names):
        if labelled:
            drawing.text(names - 6, top + (index + 0.5) * cell + 4, shortened(name, names - 8), "label", "end", tip=name)
            drawing.text(names + (index + 0.5) * cell, top - 6, shortened(name, cell), "tick", "middle", tip=name)
    for row, counts in enumerate(chart.counts):
        whole = sum(counts) or 1
        for column, amount in enumerate(counts):
            _cell(drawing, amount, amount / whole, (names + column * cell, top + row * cell, cell), right=row == column)
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
