"""Draws where values lie between too low and too high, with characters."""

from __future__ import annotations

from trainyard.linter.charts.models import Pointer, RangeStrip, Tone
from trainyard.linter.charts.numbers import written
from trainyard.linter.charts.scales import Scale
from trainyard.linter.charts.text.screen import Screen, cut

_FILLS = {Tone.GOOD: "█", Tone.CARE: "▒", Tone.BAD: "░", Tone.PLAIN: "─"}
_STYLES = {Tone.GOOD: "good", Tone.CARE: "warning", Tone.BAD: "error", Tone.PLAIN: "dim"}


def strip(chart: RangeStrip, screen: Screen) -> list[str]:
    """Return the lines of a range strip: names, the main value from above, the strip, its bounds, the others from below."""
    cells = screen.cells
    scale = Scale(chart.zones[0].low, chart.zones[-1].high, 0, cells, log=True)
    ends = [round(scale.place(zone.high)) for zone in chart.zones]
    starts = [0, *ends[:-1]]
    names, ticks = [" "] * cells, [" "] * cells
    drawn = ""
    for zone, start, end in zip(chart.zones, starts, ends, strict=True):
        _write(names, cut(zone.name, max(0, end - start - 1)), (start + end) // 2)
        drawn += screen.paint(_STYLES[zone.tone], _FILLS[zone.tone] * (end - start))
    for zone in chart.zones[1:]:
        _write(ticks, written(zone.low, chart.unit), round(scale.place(zone.low)))
    above = [_pointed(pointer, scale, "▼", cells) for pointer in chart.pointers if pointer.main]
    below = [_pointed(pointer, scale, "▲", cells) for pointer in chart.pointers if not pointer.main]
    return ["".join(names).rstrip(), *above, drawn, "".join(ticks).rstrip(), *below]


def _write(row: list[str], text: str, middle: int) -> None:
    start = min(max(0, middle - len(text) // 2), len(row) - len(text))
    if text and start >= 0 and all(cell == " " for cell in row[max(0, start - 1) : start + len(text) + 1]):
        row[start : start + len(text)] = text


def _pointed(pointer: Pointer, scale: Scale, arrow: str, cells: int) -> str:
    at = min(cells - 1, int(scale.place(pointer.value)))
    label = cut(pointer.label, cells - 2)
    if at + 2 + len(label) <= cells:
        return f"{' ' * at}{arrow} {label}"
    return f"{' ' * max(0, at - len(label) - 1)}{label} {arrow}" if len(label) + 2 <= at + 1 else f"{arrow} {label}"
