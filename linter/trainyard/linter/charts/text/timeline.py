"""Draws a time line with characters: a lane each, bars for what lasts, markers for what happens, words below."""

from __future__ import annotations

from trainyard.linter.charts.models import Axis, Lane, TimeLine, Tone
from trainyard.linter.charts.numbers import written
from trainyard.linter.charts.scales import Scale, scale, ticks
from trainyard.linter.charts.text.screen import Screen, folded, left

_MARKERS = {Tone.PLAIN: "●", Tone.GOOD: "◆", Tone.CARE: "▼", Tone.BAD: "■"}
_STYLES = {Tone.PLAIN: "info", Tone.GOOD: "good", Tone.CARE: "warning", Tone.BAD: "error"}


def timeline(chart: TimeLine, screen: Screen) -> list[str]:
    """Return the lines of a time line."""
    names = min(max((len(lane.name) for lane in chart.lanes), default=0), screen.cells // 3)
    cells = screen.cells - names - 2
    across = scale(Axis(chart.axis, low=0.0, high=max(1.0, chart.length)), (), 0, cells - 1)
    head = [" "] * cells
    for tick in ticks(across, max(2, cells // 12)):
        text = written(tick)
        at = min(round(across.place(tick)), cells - len(text))
        if all(character == " " for character in head[max(0, at - 1) : at + len(text) + 1]):
            head[at : at + len(text)] = text
    lines = [f"{left(chart.axis, names)}  {''.join(head).rstrip()}"]
    for lane in chart.lanes:
        lines.append(f"{left(lane.name, names)}  {_lane(lane, across, cells, screen)}".rstrip())
        words = " · ".join([*(span.label for span in lane.spans if span.label), *(event.label for event in lane.events if event.label)])
        lines += [f"{' ' * names}  {screen.paint('dim', line)}" for line in folded(words, cells)]
    return lines


def _lane(lane: Lane, across: Scale, cells: int, screen: Screen) -> str:
    drawn = [("─", "dim")] * cells
    for span in lane.spans:
        for cell in range(round(across.place(span.start)), min(cells, round(across.place(span.end)) + 1)):
            drawn[cell] = ("░" if span.open else "▒", _STYLES[span.tone])
    for event in lane.events:
        drawn[min(cells - 1, round(across.place(event.at)))] = (_MARKERS[event.tone], _STYLES[event.tone])
    return "".join(screen.paint(style, character) for character, style in drawn)
