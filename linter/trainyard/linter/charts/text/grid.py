"""Sets a table with characters: columns as wide as they need, the widest ones cut where the screen is too narrow.

Where even that would leave nothing to read, each row becomes a few lines of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from trainyard.linter.charts.tables import Table
from trainyard.linter.charts.text.screen import Screen, left, packed, right
from trainyard.linter.report.terminal import harmless, width

_GAP = "  "
# A column is not cut below this many cells.
_LEAST = 8


def grid(table: Table, screen: Screen, *, most: int = 0, marked: frozenset[int] = frozenset()) -> list[str]:
    """Return the lines of a table.

    Args:
        table: what to set.
        screen: where.
        most: of more rows than this, the first and the last halves; 0 shows all.
        marked: rows to set apart.
    """
    rows = [tuple(harmless(cell) for cell in row) for row in table.rows]
    half = most // 2
    shown = list(enumerate(rows)) if not most or len(rows) <= most else [*enumerate(rows[:half]), *list(enumerate(rows))[-half:]]
    widths = _widths([table.columns, *(row for _, row in shown)], screen.cells)
    if sum(widths) + len(_GAP) * (len(widths) - 1) > screen.cells:
        return [line for _, row in shown for line in _record(table.columns, row, screen)]
    lines = [screen.paint("bold", _line(table.columns, widths, table.numeric))]
    for place, (index, row) in enumerate(shown):
        if len(shown) < len(rows) and place == half:
            lines.append(screen.paint("dim", f"… {len(rows) - len(shown):,} more, in --format json …"))
        line = _line(row, widths, table.numeric)
        lines.append(screen.paint("bold", line) if index in marked else line)
    return lines


def _widths(rows: Sequence[Sequence[str]], cells: int) -> list[int]:
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    while sum(widths) + len(_GAP) * (len(widths) - 1) > cells and max(widths) > _LEAST:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    return widths


def _record(columns: Sequence[str], row: Sequence[str], screen: Screen) -> list[str]:
    first, *rest = (f"{column} {cell}".strip() for column, cell in zip(columns, row, strict=True) if cell.strip())
    return packed([first, *rest], screen.cells, len(_GAP), ", ")


def _line(row: Sequence[str], widths: Sequence[int], numeric: frozenset[int]) -> str:
    return _GAP.join(
        (right if column in numeric else left)(cell, room) for column, (cell, room) in enumerate(zip(row, widths, strict=True))
    ).rstrip()
