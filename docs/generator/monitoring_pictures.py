"""The pictures in the guide of the dashboards: what a Prometheus answered to the panels' own queries, drawn by our charts.

The answers are those that ``RECORD_MONITORING=1 pytest tests/acceptance/test_monitoring.py`` writes down, from a real
server that trains real jobs. Grafana draws them its own way: these are no screenshots.
"""

from __future__ import annotations

import json
from pathlib import Path

from trainyard.linter.charts.models import Axis, LineChart, Series
from trainyard.linter.charts.svg import draw

RECORDED = Path(__file__).parents[1] / "guide/pictures/monitoring.json"
_WIDTH = 820


def drawings() -> dict[str, str]:
    """Return each picture by its file name."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    names = {title: f"monitoring-{title.lower().replace(' ', '-')}" for title in recorded}
    return {f"{names[title]}.svg": draw(_chart(title, panel), _WIDTH, names[title], alone=True) + "\n" for title, panel in recorded.items()}


def _chart(title: str, panel: dict[str, object]) -> LineChart:
    lines = panel["series"]
    assert isinstance(lines, dict)  # noqa: S101 - the recorder wrote it
    series = tuple(
        Series(name, tuple((float(at), None if value is None else float(value)) for at, value in points), index, dashed=index % 2 == 1)
        for index, (name, points) in enumerate(sorted(lines.items()))
    )
    return LineChart(title, str(panel["description"]), Axis("seconds"), Axis(str(panel["unit"])), series, (), ())
