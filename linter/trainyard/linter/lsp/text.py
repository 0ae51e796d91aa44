"""A text as an editor addresses it: lines from 0, and columns in the unit that was agreed on.

Most editors count UTF-16 units, some bytes or code points. The linter counts bytes, so every place crosses here,
in both directions. Lines end as in the protocol and nowhere else: a U+2028 inside a string ends none.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from lsprotocol import types

_LINE_END = re.compile(r"\r\n|\n|\r")
# Bytes of UTF-8 that begin no character.
_CONTINUATION = bytes(range(0x80, 0xC0))
_UNITS: dict[str, Callable[[str], int]] = {
    types.PositionEncodingKind.Utf8: lambda text: len(text.encode(errors="surrogatepass")),
    types.PositionEncodingKind.Utf16: lambda text: len(text.encode("utf-16-le", errors="surrogatepass")) // 2,
    types.PositionEncodingKind.Utf32: len,
}


class ClientText:
    """One version of a document. Offsets count code points.

    Args:
        text: the document as the client sent it.
        encoding: the unit of the client's columns; UTF-16 where it is not known.
    """

    __slots__ = ("_starts", "_units", "raw", "text")

    def __init__(self, text: str, encoding: str = types.PositionEncodingKind.Utf16) -> None:
        self.text = text
        # A client can send half a surrogate pair; the linter then says that it is no UTF-8.
        self.raw = text.encode(errors="surrogatepass")
        self._units = _UNITS.get(encoding, _UNITS[types.PositionEncodingKind.Utf16])
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def position(self, offset: int) -> types.Position:
        """Return the client's position of the code point at ``offset``."""
        line = bisect_right(self._starts, offset) - 1
        return types.Position(line, self._units(self.text[self._starts[line] : offset]))

    def range(self, start: int, end: int) -> types.Range:
        """Return the client's range of the code points from ``start`` up to ``end``."""
        return types.Range(self.position(start), self.position(end))

    def byte_range(self, start: int, end: int) -> types.Range:
        """Return the client's range of the bytes from ``start`` up to ``end``."""
        return self.range(self.from_byte(start), self.from_byte(end))

    def offset(self, position: types.Position) -> int:
        """Return the offset of a client's position; one that lies outside is moved to the nearest that does not."""
        if position.line >= len(self._starts):
            return len(self.text)
        start = self._starts[max(0, position.line)]
        end = self._starts[position.line + 1] if position.line + 1 < len(self._starts) else len(self.text)
        line = self.text[start:end].rstrip("\r\n")
        return start + self._column(line, max(0, position.character))

    def from_byte(self, offset: int) -> int:
        """Return the offset of the code point that begins at byte ``offset``; inside a character, where the next one begins."""
        if len(self.raw) == len(self.text):
            return min(offset, len(self.text))
        return len(self.raw[:offset].translate(None, _CONTINUATION))

    def _column(self, line: str, units: int) -> int:
        """Return how many code points of a line take ``units``; a place inside a character is its start."""
        if line.isascii() or self._units is len:
            return min(units, len(line))
        taken = 0
        for column, character in enumerate(line):
            taken += self._units(character)
            if taken > units:
                return column
        return len(line)
