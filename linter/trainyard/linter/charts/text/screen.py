"""What a terminal offers: its width, its characters, its colours; and text cut and set to fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from trainyard.linter.report.terminal import PLAIN, Palette, harmless, width

_ELLIPSIS = "…"
# What stands in for the characters that pictures and sentences are made of, where only ASCII can be shown.
_ASCII = str.maketrans(
    "…·→←\u00d7≤≥\u2013\u2014▼▲◆●■▶─│┤└┴├┼┊█▓▒░✓✗•╌◇“”▁▂▃▄▅▆▇\u2019",
    '~-><x<>--v^*o#>-||++|+:#==.+x*-o""_.--==#\'',
)


class Screen(NamedTuple):
    """Where text is shown: ``cells`` across, whether more than ASCII can be shown, and its colours."""

    cells: int = 80
    unicode: bool = True
    palette: Palette = PLAIN

    def paint(self, style: str, text: str) -> str:
        """Return ``text`` in a style of the palette, by its name; spaces around it stay bare."""
        return self.palette.paint(getattr(self.palette, style), text) if style and text.strip() else text

    def narrower(self, by: int) -> Screen:
        """Return this screen with fewer cells, as a column or an indented block has them."""
        return self._replace(cells=max(10, self.cells - by))

    def shown(self, text: str) -> str:
        """Return finished text with characters that this screen has."""
        if self.unicode or text.isascii():
            return text
        return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def cut(text: str, cells: int) -> str:
    """Return user text on one line of at most ``cells`` cells."""
    text = harmless(text)
    if width(text) <= cells:
        return text
    kept: list[str] = []
    used = 1
    for character in text:
        used += width(character)
        if used > cells:
            break
        kept.append(character)
    return f"{''.join(kept)}{_ELLIPSIS}" if cells else ""


def left(text: str, cells: int) -> str:
    """Return text cut and filled to exactly ``cells`` cells, set to the left."""
    text = cut(text, cells)
    return text + " " * (cells - width(text))


def right(text: str, cells: int) -> str:
    """Return text cut and filled to exactly ``cells`` cells, set to the right."""
    text = cut(text, cells)
    return " " * (cells - width(text)) + text


def folded(text: str, cells: int, hanging: int = 0) -> list[str]:
    """Return a sentence in lines of at most ``cells`` cells, those after the first indented; longer words are cut."""
    return packed(harmless(text).split(" "), cells, hanging)


def packed(words: Iterable[str], cells: int, hanging: int = 0, between: str = " ") -> list[str]:
    """Return pieces set one behind the other, none of them broken over two lines; a line that goes on ends as pieces are parted."""
    lines: list[str] = []
    line = ""
    trailing = between.rstrip()
    for word in words:
        fitting = cut(word, max(1, cells - hanging - width(trailing)))
        if not line:
            line = fitting
        elif width(line) + width(between) + width(fitting) + width(trailing) <= cells:
            line += between + fitting
        else:
            lines.append(line + trailing)
            line = " " * hanging + fitting
    return [*lines, line] if line else lines
