"""Draws chart models with characters, for a terminal of any width, in Braille and blocks or in plain ASCII.

Lines never exceed the screen; colours come from the palette and never tell anything alone.
"""

from __future__ import annotations

from trainyard.linter.charts.models import BarChart, Chart, LineChart, RangeStrip, StackChart, TimeLine
from trainyard.linter.charts.text.screen import Screen

__all__ = ["Screen", "draw"]


def draw(chart: Chart, screen: Screen) -> list[str]:
    """Return the lines of a chart; a matrix is told as its table."""
    match chart:
        case LineChart():
            from trainyard.linter.charts.text.lines import lines

            return lines(chart, screen)
        case BarChart():
            from trainyard.linter.charts.text.bars import bars

            return bars(chart, screen)
        case RangeStrip():
            from trainyard.linter.charts.text.strip import strip

            return strip(chart, screen)
        case StackChart():
            from trainyard.linter.charts.text.bars import stack

            return stack(chart, screen)
        case TimeLine():
            from trainyard.linter.charts.text.timeline import timeline

            return timeline(chart, screen)
        case _:
            from trainyard.linter.charts.tables import table
            from trainyard.linter.charts.text.grid import grid

            return grid(table(chart), screen)
