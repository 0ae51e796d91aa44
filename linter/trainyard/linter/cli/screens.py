"""What a stream can show: how many columns, which characters, which colours."""

from __future__ import annotations

import os
from typing import TextIO

from trainyard.linter.charts.text.screen import Screen
from trainyard.linter.cli.outputs import palette

COLUMNS, FEWEST_COLUMNS, MOST_COLUMNS = 80, 40, 1000
_DRAWN_WITH = "⠿█…"


def of(stream: TextIO, color: str, width: int | None = None, *, only_ascii: bool = False) -> Screen:
    """Return the screen that a stream is: as wide as the terminal, 80 columns where there is none."""
    return Screen(width or _columns(), not only_ascii and _shows_braille(stream), palette(stream, color))


def paper(width: int | None = None, *, only_ascii: bool = False) -> Screen:
    """Return what a file is: 80 columns of any character, without colour."""
    return Screen(width or COLUMNS, not only_ascii)


def _columns() -> int:
    import shutil

    return max(FEWEST_COLUMNS, min(MOST_COLUMNS, shutil.get_terminal_size((COLUMNS, 24)).columns))


def _shows_braille(stream: TextIO) -> bool:
    """Tell whether a stream takes the characters that pictures are drawn with."""
    try:
        _DRAWN_WITH.encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return os.environ.get("TERM") != "dumb"
