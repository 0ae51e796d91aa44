"""Draws a time line: one lane for each thing, what lasts as a bar, what happens as a marker with its words."""

from __future__ import annotations

from trainyard.linter.charts.models import Axis, Event, Lane, Span, TimeLine, Tone
from trainyard.linter.charts.numbers import written
from trainyard.linter.charts.scales import Scale, scale, ticks
from trainyard.linter.charts.svg.drawing import Drawing, shortened, text_width

_LANE = 52
_THICK = 16
_NARROW = 480
_MARKERS = {Tone.PLAIN: 0, Tone.GOOD: 3, Tone.CARE: 2, Tone.BAD: 1}


def timeline(chart: TimeLine, width: int) -> Drawing:
    """Return the drawing of a time line."""
    left = 6 if width < _NARROW else max((text_width(lane.name) for lane in chart.lanes), default=0) + 16
    tall = _LANE + 18 if width < _NARROW else _LANE
    drawing = Drawing(width, len(chart.lanes) * tall + 44)
    across = scale(Axis(chart.axis, low=0.0, high=max(chart.length, 1.0)), (), left, width - 10)
    bottom = len(chart.lanes) * tall
    for tick in ticks(across, max(3, int((across.end - left) / 70))):
        drawing.line(across.place(tick), 6, across.place(tick), bottom, "grid")
        drawing.text(across.place(tick), bottom + 16, written(tick), "tick", "middle")
    drawing.line(left, bottom, across.end, bottom, "axis")
    drawing.text((left + across.end) / 2, bottom + 34, chart.axis, "quiet", "middle")
    for index, lane in enumerate(chart.lanes):
        _lane(drawing, lane, across, index * tall, beside=width >= _NARROW)
    return drawing


def _lane(drawing: Drawing, lane: Lane, across: Scale, top: float, *, beside: bool) -> None:
    middle = top + (_LANE / 2 + 8 if beside else _LANE / 2 + 26)
    drawing.text(0, middle + 4 if beside else top + 16, lane.name, "strong")
    for span in lane.spans:
        _span(drawing, span, across, middle)
    taken = across.start
    for event in sorted(lane.events, key=lambda event: event.at):
        taken = _event(drawing, event, across, (middle, taken))


def _span(drawing: Drawing, span: Span, across: Scale, middle: float) -> None:
    first, last = across.place(span.start), across.place(span.end)
    drawing.box(first, middle - _THICK / 2, last - first, _THICK, f"{span.tone.value}-soft", 3)
    if span.open:
        drawing.hatch(first, middle - _THICK / 2, last - first, _THICK, "axis")
    label = shortened(span.label, last - first - 10)
    # Words cut to less than a few letters say nothing.
    if label == span.label or len(label) > 6:
        drawing.text((first + last) / 2, middle + 4, label, "small", "middle", tip=span.label)


def _event(drawing: Drawing, event: Event, across: Scale, place: tuple[float, float]) -> float:
    """Draw an event; return how far to the right its words reach."""
    middle, taken = place
    x = across.place(event.at)
    tone = "0" if event.tone is Tone.PLAIN else ""
    drawing.marker(x, middle, _MARKERS[event.tone], f"f{tone}" if tone else f"{event.tone.value}-fill", 5)
    half = text_width(event.label) / 2
    at = min(max(x, across.start + half), across.end - half)
    if not event.label or at - half < taken:
        return taken
    drawing.text(at, middle - 14, event.label, "small halo", "middle")
    return at + half + 8
