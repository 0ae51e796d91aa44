"""Draws chart models as SVG by hand: no script, no font, no address outside.

The same model and width give the same bytes. Colours come from the style sheet of the page; a picture that stands alone
carries it inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.linter.charts.models import BarChart, Chart, LineChart, Matrix, RangeStrip, StackChart, TimeLine

if TYPE_CHECKING:
    from trainyard.linter.charts.svg.drawing import Drawing


def draw(chart: Chart, width: int, ident: str, *, alone: bool = False) -> str:
    """Return a chart as an ``<svg>`` element.

    Args:
        chart: what to show.
        width: of the drawing, in pixels; text keeps its size, so a narrow one is drawn anew and not shrunk.
        ident: prefix of the ids inside, different for every picture of a page; letters, digits, hyphens.
        alone: whether the picture is a file of its own and has to bring its style sheet.
    """
    drawing = _drawn(chart, width)
    style = ""
    if alone:
        from trainyard.linter.charts.style import sheet

        style = f"<style>{sheet('theme', 'picture')}</style>"
    return drawing.svg(ident, chart.title, chart.summary, style)


def _drawn(chart: Chart, width: int) -> Drawing:
    """Draw a chart; each kind lives in a module that only it loads."""
    match chart:
        case LineChart():
            from trainyard.linter.charts.svg.lines import lines

            return lines(chart, width)
        case BarChart():
            from trainyard.linter.charts.svg.bars import bars

            return bars(chart, width)
        case RangeStrip():
            from trainyard.linter.charts.svg.strip import strip

            return strip(chart, width)
        case StackChart():
            from trainyard.linter.charts.svg.stack import stack

            return stack(chart, width)
        case TimeLine():
            from trainyard.linter.charts.svg.timeline import timeline

            return timeline(chart, width)
        case Matrix():
            from trainyard.linter.charts.svg.matrix import matrix

            return matrix(chart, width)
