"""Where something stands in a text, in the units that people and programs ask for.

Offsets inside this package are code points of the decoded text; a ``Position`` carries line and column
for people (1-based, code points) and the byte offset for programs. Renderers that count otherwise
(SARIF, LSP: UTF-16 units; a terminal: display cells) convert from the text, never from here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\n|\r")


class Position(NamedTuple):
    """A place between two characters: 1-based ``line`` and ``column`` (code points), ``offset`` in bytes."""

    line: int
    column: int
    offset: int


class Place(NamedTuple):
    """Code-point offsets of a value and of its key; ``key_start`` is -1 where there is no key."""

    start: int
    end: int
    key_start: int = -1
    key_end: int = -1


class Span(NamedTuple):
    """From ``start`` up to but not including ``end``."""

    start: Position
    end: Position


class Lines:
    """Turns code-point offsets of one text into positions.

    Args:
        text: the decoded text, without byte order mark.
        bytes_before: bytes that stand before the text in the file (the byte order mark).
    """

    __slots__ = ("_ascii", "_before", "_starts", "_text")

    def __init__(self, text: str, bytes_before: int = 0) -> None:
        self._text = text
        self._before = bytes_before
        self._ascii = text.isascii()
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def position(self, index: int) -> Position:
        """Return the position of the code point at ``index``."""
        line = bisect_right(self._starts, index)
        return Position(line, index - self._starts[line - 1] + 1, self._before + self._byte_length(index))

    def span(self, start: int, end: int) -> Span:
        """Return the span of the code points from ``start`` up to ``end``."""
        return Span(self.position(start), self.position(end))

    def index(self, position: Position) -> int:
        """Return the code-point offset of ``position``: the way back."""
        return self._starts[position.line - 1] + position.column - 1

    def line(self, number: int) -> str:
        """Return the text of line ``number`` (1-based) without its line end."""
        start = self._starts[number - 1]
        end = self._starts[number] if number < len(self._starts) else len(self._text)
        return self._text[start:end].rstrip("\r\n")

    def __len__(self) -> int:
        return len(self._starts)

    def _byte_length(self, index: int) -> int:
        return index if self._ascii else len(self._text[:index].encode())


def escape(key: str) -> str:
    """Return ``key`` as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
