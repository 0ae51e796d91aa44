"""Draws where values lie between too low and too high, on a logarithmic strip."""

from __future__ import annotations

import math

from trainyard.linter.charts.models import Pointer, RangeStrip, Tone, Zone
from trainyard.linter.charts.numbers import written
from trainyard.linter.charts.scales import Scale
from trainyard.linter.charts.svg.drawing import Anchor, Drawing, shortened, text_width

_THICK = 22
_EDGE = 12


def strip(chart: RangeStrip, width: int) -> Drawing:
    """Return the drawing of a range strip: the main value points down at it, the others up."""
    above, below = 34, 62
    drawing = Drawing(width, above + _THICK + below)
    scale = Scale(chart.zones[0].low, chart.zones[-1].high, _EDGE, width - _EDGE, log=True)
    for zone in chart.zones:
        _zone(drawing, zone, scale, above)
    taken = 0.0
    for zone in chart.zones[1:]:
        x, label = scale.place(zone.low), written(zone.low, chart.unit)
        drawing.line(x, above, x, above + _THICK + 5, "axis")
        half = text_width(label) / 2
        if x - half >= taken:
            drawing.text(x, above + _THICK + 18, label, "tick", "middle")
            taken = x + half + 3
    for pointer in chart.pointers:
        _pointer(drawing, pointer, scale, above)
    return drawing


def _zone(drawing: Drawing, zone: Zone, scale: Scale, top: float) -> None:
    first, last = scale.place(zone.low), scale.place(zone.high)
    drawing.box(first, top, last - first, _THICK, f"{zone.tone.value}-soft")
    if zone.tone is Tone.BAD:
        drawing.hatch(first, top, last - first, _THICK, "axis")
    name = shortened(zone.name, last - first - 6)
    # A name cut to less than four letters says nothing.
    if name == zone.name or len(name) > 4:
        drawing.text((first + last) / 2, top + 15, name, "small halo" if zone.tone is Tone.BAD else "small", "middle")


def _pointer(drawing: Drawing, pointer: Pointer, scale: Scale, top: float) -> None:
    x = scale.place(pointer.value)
    half = text_width(pointer.label) / 2
    anchor: Anchor = "middle"
    at = min(max(x, half + 2), drawing.width - half - 2)
    if pointer.main:
        drawing.path(((x - 6, top - 9), (x + 6, top - 9), (x, top + 1)), "f0", closed=True)
        drawing.line(x, top, x, top + _THICK, "curve s0")
        drawing.text(at, top - 16, pointer.label, "strong", anchor)
    else:
        base = top + _THICK
        drawing.path(((x - 5, base + 36), (x + 5, base + 36), (x, base + 27)), "f2", closed=True)
        drawing.line(x, base, x, base + 27, "edge s2 d2")
        drawing.text(at, base + 51, pointer.label, "quiet", anchor)


def zones_of(low: float, high: float, bounds: tuple[float, ...]) -> tuple[float, float]:
    """Return round ends of a strip that shows the bounds and the values from ``low`` to ``high`` with room on both sides."""
    known = [value for value in (*bounds, low, high) if value > 0 and math.isfinite(value)]
    first, last = math.floor(math.log10(min(known)) - 0.5), math.ceil(math.log10(max(known)) + 0.5)
    return 10.0**first, 10.0**last
