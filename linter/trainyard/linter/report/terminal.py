"""What a terminal can show: colours by hand, display width, and nothing that could drive it.

A spec is somebody else's text: control characters in it (an escape sequence, a right-to-left override)
are replaced before they reach a screen.
"""

from __future__ import annotations

from typing import NamedTuple

_TAB_WIDTH = 4
_ELLIPSIS = "…"


class Palette(NamedTuple):
    """Escape sequences by meaning; all empty when colour is off."""

    error: str = ""
    warning: str = ""
    info: str = ""
    good: str = ""
    frame: str = ""
    bold: str = ""
    dim: str = ""
    reset: str = ""

    def paint(self, style: str, text: str) -> str:
        """Return ``text`` in a style of this palette."""
        return f"{style}{text}{self.reset}" if style else text


PLAIN = Palette()
COLOURED = Palette(
    error="\x1b[1;31m",
    warning="\x1b[1;33m",
    info="\x1b[1;36m",
    good="\x1b[1;32m",
    frame="\x1b[34m",
    bold="\x1b[1m",
    dim="\x1b[2m",
    reset="\x1b[0m",
)


def harmless(text: str) -> str:
    """Return ``text`` on one line, without characters that could move the cursor or hide other text."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if character.isprintable() else _visible(character) for character in text)


def named(path: str) -> str:
    """Return a path to begin a line with: harmless, and no command to a CI runner that reads logs (``::error …``)."""
    shown = harmless(path)
    return f"./{shown}" if shown.startswith("::") else shown


def _visible(character: str) -> str:
    if character == "\t":
        return " " * _TAB_WIDTH
    return " " if character in "\r\n" else "�"


def width(text: str) -> int:
    """Return how many cells ``text`` takes on a terminal (wide East Asian characters take two, marks none)."""
    if text.isascii():
        return len(text)
    import unicodedata

    cells = 0
    for character in text:
        if not unicodedata.combining(character):
            cells += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return cells


class Window(NamedTuple):
    """A part of a line that fits the screen: its text, and cells before and under the marked part."""

    text: str
    before: int
    marked: int


def window(line: str, start: int, end: int, cells: int) -> Window:
    """Cut a line so that the part from ``start`` to ``end`` (code points) shows within about ``cells`` cells."""
    head, body, tail = harmless(line[:start]), harmless(line[start:end]), harmless(line[end:])
    if width(head) + width(body) + width(tail) > cells:
        room = max(cells - min(width(body), cells // 2), 20)
        head = head if len(head) <= room * 2 // 3 else _ELLIPSIS + head[-(room * 2 // 3) :]
        body = body if len(body) <= cells // 2 else body[: cells // 2] + _ELLIPSIS
        left = max(cells - width(head) - width(body), 10)
        tail = tail if len(tail) <= left else tail[:left] + _ELLIPSIS
    return Window(head + body + tail, width(head), max(width(body), 1))
