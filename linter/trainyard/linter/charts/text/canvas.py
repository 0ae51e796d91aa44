"""A grid of dots shown as Braille characters, or of characters where there is no Braille."""

from __future__ import annotations

from trainyard.linter.charts.text.screen import Screen

_BRAILLE = 0x2800
# The bit of each dot of a Braille cell, by row and column (Unicode 15, section 21.1).
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_LETTERS = "*o+x"
_STYLES = ("info", "warning", "good", "error")


class Canvas:
    """Dots by place; of each cell it is remembered whose line was drawn there first."""

    def __init__(self, screen: Screen, columns: int, rows: int) -> None:
        self._screen = screen
        self._dots_across, self._dots_down = (2, 4) if screen.unicode else (1, 1)
        self._cells = [[0] * columns for _ in range(rows)]
        self._owners: list[list[int | None]] = [[None] * columns for _ in range(rows)]
        self.width = columns * self._dots_across
        self.height = rows * self._dots_down

    def dot(self, x: int, y: int, owner: int) -> None:
        """Set a dot; (0, 0) is at the top left."""
        if 0 <= x < self.width and 0 <= y < self.height:
            row, column = y // self._dots_down, x // self._dots_across
            self._cells[row][column] |= _BITS[y % self._dots_down][x % self._dots_across]
            if self._owners[row][column] is None:
                self._owners[row][column] = owner

    def line(self, first: tuple[float, float], last: tuple[float, float], owner: int) -> None:
        """Connect two places. Lines of the second owner are dotted, those of the third sparsely so."""
        steps = max(1, round(max(abs(last[0] - first[0]), abs(last[1] - first[1]))))
        for step in range(steps + 1):
            share = step / steps
            x, y = round(first[0] + share * (last[0] - first[0])), round(first[1] + share * (last[1] - first[1]))
            if owner == 0 or (x + y) % (owner + 1) == 0 or not self._screen.unicode:
                self.dot(x, y, owner)

    def rows(self) -> list[str]:
        """Return the lines of text."""
        return ["".join(self._cell(bits, owner) for bits, owner in zip(cells, owners, strict=True)) for cells, owners in self._pairs()]

    def _pairs(self) -> zip[tuple[list[int], list[int | None]]]:
        return zip(self._cells, self._owners, strict=True)

    def _cell(self, bits: int, owner: int | None) -> str:
        if owner is None:
            return " "
        character = chr(_BRAILLE + bits) if self._screen.unicode else letter(owner)
        return self._screen.paint(_STYLES[owner % len(_STYLES)], character)


def letter(owner: int) -> str:
    """Return the character that stands for a line where there is no Braille."""
    return _LETTERS[owner % len(_LETTERS)]


def sample(screen: Screen, owner: int) -> str:
    """Return a short piece of a line, for a legend."""
    drawn = Canvas(screen, 3, 1)
    drawn.line((0, drawn.height // 2), (drawn.width - 1, drawn.height // 2), owner)
    return drawn.rows()[0]
