"""The legend above a picture: which line, fill or marker means what, in rows that fit the width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from trainyard.linter.charts.svg.drawing import Drawing, shortened, text_width

ROW = 20
_SAMPLE = 26
_GAP = 18


class Entry(NamedTuple):
    """One name of a legend; ``sample`` draws what it stands for into a box of 20 by 10 pixels at (x, y of its middle)."""

    name: str
    sample: Callable[[Drawing, float, float], None]


class Legend:
    """Entries laid out in rows below each other.

    Args:
        entries: what to explain; an empty legend takes no room.
        left: where rows begin.
        right: where rows have to end.
    """

    def __init__(self, entries: Sequence[Entry], left: float, right: float) -> None:
        self._placed: list[tuple[float, int, str, Entry]] = []
        x, row = left, 0
        for entry in entries:
            name = shortened(entry.name, right - left - _SAMPLE)
            needed = _SAMPLE + text_width(name)
            if x > left and x + needed > right:
                x, row = left, row + 1
            self._placed.append((x, row, name, entry))
            x += needed + _GAP
        self.height = (row + 1) * ROW if entries else 0

    def draw(self, drawing: Drawing, top: float) -> None:
        """Draw the rows below ``top``."""
        for x, row, name, entry in self._placed:
            middle = top + row * ROW + ROW / 2
            entry.sample(drawing, x, middle)
            drawing.text(x + _SAMPLE, middle + 4, name, "quiet")


def stroke(code: int, *, dashed: bool = False, marker: bool = False) -> Callable[[Drawing, float, float], None]:
    """Return the sample of a line."""

    def sample(drawing: Drawing, x: float, y: float) -> None:
        drawing.line(x, y, x + 20, y, f"curve {stroke_kind(code, dashed=dashed)}")
        if marker:
            drawing.marker(x + 10, y, code, f"ring s{code}", 3)

    return sample


def stroke_kind(code: int, *, dashed: bool = False) -> str:
    """Return the classes of a line of this code: its colour and its dash."""
    return f"s{code % 6} d1" if dashed else f"s{code % 6}" + (f" d{code % 6}" if code else "")


def fill(kind: str) -> Callable[[Drawing, float, float], None]:
    """Return the sample of an area."""
    return lambda drawing, x, y: drawing.box(x, y - 5, 20, 10, kind, 2)
