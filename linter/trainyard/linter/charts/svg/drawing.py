"""A picture under way: elements as text, every word of a user escaped, every number short.

Knows shapes and classes of the style sheet, no chart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from trainyard.linter.charts.markup import attribute, escaped
from trainyard.linter.report.terminal import width as cells

Anchor = Literal["start", "middle", "end"]

TEXT_HEIGHT = 12
# Mean width of a character at 12 pixels in the fonts that browsers take for "system-ui", generously.
_CHARACTER = 6.7
_ELLIPSIS = "…"
_SLANT = 6
_MARGIN = 16


def text_width(text: str) -> float:
    """Return about how wide a text is at the size of labels, rather too much than too little."""
    return cells(text) * _CHARACTER


def shortened(text: str, room: float) -> str:
    """Return a text cut so that it fits ``room`` pixels."""
    if text_width(text) <= room:
        return text
    kept = text[: max(0, int(room / _CHARACTER))]
    while kept and text_width(kept) + _CHARACTER > room:
        kept = kept[:-1]
    return f"{kept}{_ELLIPSIS}"


def short(value: float) -> str:
    """Return a coordinate with one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")


class Drawing:
    """One SVG picture; elements are added front to back of the page, later ones above."""

    def __init__(self, width: int, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """Add a straight line."""
        self._parts.append(f'<line x1="{short(x1)}" y1="{short(y1)}" x2="{short(x2)}" y2="{short(y2)}" class="{kind}"/>')

    def path(self, points: Iterable[tuple[float, float]], kind: str, *, closed: bool = False) -> None:
        """Add a line through points, or the area inside them."""
        joined = " ".join(f"{'L' if index else 'M'}{short(x)} {short(y)}" for index, (x, y) in enumerate(points))
        end = " Z" if closed else ""
        if joined:
            self._parts.append(f'<path d="{joined}{end}" class="{kind}"/>')

    def box(self, x: float, y: float, width: float, height: float, kind: str, radius: float = 0) -> None:  # noqa: PLR0917 -- as SVG orders them
        """Add a rectangle."""
        rounded = f' rx="{short(radius)}"' if radius else ""
        size = f'width="{short(max(0.0, width))}" height="{short(max(0.0, height))}"'
        self._parts.append(f'<rect x="{short(x)}" y="{short(y)}" {size}{rounded} class="{kind}"/>')

    def hatch(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """Add slanted lines inside a rectangle: the second code of what is not certain."""
        slants = []
        offset = _SLANT
        while offset < width + height:
            slants.append(
                f"M{short(x + max(0.0, offset - height))} {short(y + min(height, offset))}"
                f"L{short(x + min(width, offset))} {short(y + max(0.0, offset - width))}"
            )
            offset += _SLANT
        if slants and width > 0:
            joined = "".join(slants)
            self._parts.append(f'<path d="{joined}" class="hatch {kind}"/>')

    def text(self, x: float, y: float, content: str, kind: str = "label", anchor: Anchor = "start", *, tip: str = "") -> None:
        """Add a line of text; ``tip`` is what it was cut from, shown when a pointer rests on it."""
        title = f"<title>{escaped(tip)}</title>" if tip and tip != content else ""
        aligned = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._parts.append(f'<text x="{short(x)}" y="{short(y)}" class="{kind}"{aligned}>{title}{escaped(content)}</text>')

    def upward(self, x: float, y: float, content: str, kind: str = "label", *, tip: str = "") -> None:
        """Add a line of text that reads upward from a place."""
        title = f"<title>{escaped(tip)}</title>" if tip and tip != content else ""
        turned = f'transform="rotate(-90 {short(x)} {short(y)})"'
        self._parts.append(f'<text x="{short(x)}" y="{short(y)}" {turned} class="{kind}">{title}{escaped(content)}</text>')

    def marker(self, x: float, y: float, code: int, kind: str, size: float = 4) -> None:
        """Add the marker of a code: circle, square, triangle, diamond, and again from the start."""
        match code % 4:
            case 0:
                self._parts.append(f'<circle cx="{short(x)}" cy="{short(y)}" r="{short(size)}" class="{kind}"/>')
            case 1:
                self.box(x - size, y - size, 2 * size, 2 * size, kind)
            case 2:
                self.path(((x, y - size), (x + size, y + size), (x - size, y + size)), kind, closed=True)
            case _:
                self.path(((x, y - size - 1), (x + size + 1, y), (x, y + size + 1), (x - size - 1, y)), kind, closed=True)

    def svg(self, ident: str, title: str, summary: str, style: str = "") -> str:
        """Return the finished element."""
        ids = f"{attribute(ident)}-t {attribute(ident)}-d"
        # A picture that stands alone brings a sheet of paper with a margin, whatever colour it is laid on.
        margin = _MARGIN if style else 0
        width, height = short(self.width + 2 * margin), short(self.height + 2 * margin)
        if style:
            style += f'<rect x="-{margin}" y="-{margin}" width="{width}" height="{height}" rx="8" class="sheet"/>'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{ids}" class="chart" '
            f'viewBox="{-margin} {-margin} {width} {height}" width="{width}" height="{height}">'
        )
        named = f'<title id="{attribute(ident)}-t">{escaped(title)}</title><desc id="{attribute(ident)}-d">{escaped(summary)}</desc>'
        return "".join((head, named, style, *self._parts, "</svg>"))
