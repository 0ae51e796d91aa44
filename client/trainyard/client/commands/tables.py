"""Tables for people: columns that line up, also where characters are wide, and no blanks at the end of a line."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]]) -> str:
    """Align columns; the last one is left ragged, so that no line ends in blanks."""
    from trainyard.linter.report.terminal import width

    widths = [max(width(cells[column]) for cells in rows) for column in range(len(rows[0]) - 1)]
    filled = ([cell + " " * (room - width(cell)) for cell, room in zip(cells, widths, strict=False)] for cells in rows)
    return "\n".join("  ".join([*line, cells[-1]]).rstrip() for line, cells in zip(filled, rows, strict=True))
