"""The pictures in the guide of ``trainlint plan``, drawn by the same charts from the spec beside them."""

from __future__ import annotations

from pathlib import Path

from trainyard.linter import lint
from trainyard.linter.charts.svg import draw
from trainyard.linter.planning import pictures, training_plan

SPEC = Path(__file__).parents[1] / "guide/pictures/malimg.trainspec.json"
_WIDTH = 820


def drawings() -> dict[str, str]:
    """Return each picture by its file name; what rests on estimates that may be improved is left out."""
    plan = training_plan(lint(SPEC.read_bytes()))
    charts = {
        "learning-rate-range": plan.rate and pictures.rate_strip(plan.rate),
        "learning-rate": plan.curve and pictures.rate_chart(plan.curve),
        "classes": plan.classes and pictures.class_bars(plan.classes),
    }
    return {f"{name}.svg": draw(chart, _WIDTH, name, alone=True) + "\n" for name, chart in charts.items() if chart is not None}
