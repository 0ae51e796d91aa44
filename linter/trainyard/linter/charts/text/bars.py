"""Draws bars with characters: one row for each thing, or one for each sum."""

from __future__ import annotations

from trainyard.linter.charts.models import BarChart, StackChart, Tone
from trainyard.linter.charts.numbers import interval, written
from trainyard.linter.charts.text.screen import Screen, cut, left, right

_EIGHTHS = " ▏▎▍▌▋▊▉"
_STYLES = {Tone.PLAIN: "info", Tone.GOOD: "good", Tone.CARE: "warning", Tone.BAD: "error"}
_FILLS = "█▓▒░"
#: Of more bars than this, the first and the last are drawn.
MOST_BARS = 30


def bar(value: float, largest: float, cells: int, screen: Screen, tone: Tone = Tone.PLAIN) -> str:
    """Return a bar of at most ``cells`` cells, filled up with spaces; anything above zero shows."""
    share = min(1.0, value / largest) if largest > 0 else 0.0
    eighths = max(int(value > 0), round(share * cells * 8)) if screen.unicode else 8 * max(int(value > 0), round(share * cells))
    whole, rest = divmod(eighths, 8)
    drawn = ("█" * whole + (_EIGHTHS[rest] if rest else ""))[:cells]
    return screen.paint(_STYLES[tone], drawn) + " " * (cells - len(drawn))


def bars(chart: BarChart, screen: Screen) -> list[str]:
    """Return the lines of a bar chart."""
    half = MOST_BARS // 2
    shown = chart.bars if len(chart.bars) <= MOST_BARS else chart.bars[:half] + chart.bars[-half:]
    left_out = len(chart.bars) - len(shown)
    names = min(max((len(cut(each.name, screen.cells // 3)) for each in shown), default=0), screen.cells // 3)
    values = max((len(written(each.value, chart.unit)) for each in shown), default=0)
    notes = min(max((len(each.note) for each in shown), default=0), screen.cells // 3)
    cells = max(4, screen.cells - names - values - notes - 5)
    largest = max((each.value for each in shown), default=0.0)
    lines = []
    for index, each in enumerate(shown):
        if left_out and index == half:
            lines.append(f"{' ' * names}  … {left_out:,} more")
        drawn = bar(each.value, largest, cells, screen, each.tone)
        lines.append(
            f"{left(each.name, names)}  {drawn} {right(written(each.value, chart.unit), values)}  {cut(each.note, notes)}".rstrip()
        )
    return lines


def stack(chart: StackChart, screen: Screen) -> list[str]:
    """Return the lines of a stack chart: solid up to the least, light up to the most, a stroke at each limit."""
    told = {row.name: interval(row.low, row.high, chart.unit) for row in chart.rows}
    values = max((len(text) for text in told.values()), default=0)
    names = min(max((len(row.name) for row in chart.rows), default=0), screen.cells // 3, max(4, screen.cells - values - 10))
    cells = max(1, screen.cells - names - values - 4)
    largest = max([*(row.high for row in chart.rows), *(limit.value for limit in chart.limits)], default=0.0) or 1.0
    lines = []
    for row in chart.rows:
        low, high = (min(cells, round(end / largest * cells)) for end in (row.low, row.high))
        low = max(low, int(row.low > 0))
        drawn = list("█" * low + "░" * max(0, high - low) + " " * (cells - max(low, high)))
        for limit in chart.limits:
            drawn[min(cells - 1, round(limit.value / largest * cells))] = "┊"
        lines.append(f"{left(row.name, names)}  {screen.paint('info', ''.join(drawn))}  {right(told[row.name], values)}")
    room = screen.cells - names - 4
    for limit in chart.limits:
        value = f": {written(limit.value, chart.unit)}"
        lines.append(f"{' ' * names}  ┊ {cut(limit.label, room - len(value))}{value}")
    return lines
