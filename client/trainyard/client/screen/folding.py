"""Lines that are longer than a terminal is wide, broken where a reader would break them.

A terminal breaks in the middle of words. Into a pipe or a file nothing is broken: there, one line is one event.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TextIO

from trainyard.linter.report.terminal import width

_INDENT = "    "
_LEAST_CELLS = 20


def cells_of(stream: TextIO) -> int | None:
    """Return how many cells wide the terminal behind ``stream`` is; None where there is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None if stream.isatty() else None
    except (OSError, ValueError):
        return None


def folded(line: str, cells: int | None) -> list[str]:
    """Break a line into some of at most ``cells`` cells: between its parts (two blanks), else between words; a longer word stays whole."""
    if cells is None or cells < _LEAST_CELLS or width(line) <= cells:
        return [line]
    margin = line[: len(line) - len(line.lstrip())]
    lines = [margin]
    for gap, piece in _pieces(line.strip(), cells - len(margin) - len(_INDENT)):
        joined = f"{lines[-1]}{gap if lines[-1].strip() else ''}{piece}"
        if width(joined) <= cells or not lines[-1].strip():
            lines[-1] = joined
        else:
            lines.append(f"{margin}{_INDENT}{piece}")
    return lines


def _pieces(line: str, cells: int) -> Iterator[tuple[str, str]]:
    """Yield what may stand on a line of its own, and the blanks before it."""
    for part in line.split("  "):
        words = [part] if width(part) <= cells else part.split(" ")
        yield from ((" " if index else "  ", word) for index, word in enumerate(words))
