"""The consequences of differences as text and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from trainyard.linter.charts.models import Axis, LineChart, Series, Unit
from trainyard.linter.charts.numbers import interval
from trainyard.linter.charts.tables import Table
from trainyard.linter.charts.text import Screen, draw
from trainyard.linter.charts.text.grid import grid
from trainyard.linter.charts.text.screen import cut, folded
from trainyard.linter.engine.report import finding_json
from trainyard.linter.planning import pictures
from trainyard.linter.planning.consequences import Consequence, Consequences, Extent
from trainyard.linter.planning.training_plan import TrainingPlan

_MOST_WEIGHTS = 12


def text(found: Consequences, names: tuple[str, str], screen: Screen) -> list[str]:
    """Return what follows from the differences, as lines; none where nothing does."""
    lines = [*_figures(found, screen), *_curves(found, names, screen), *_weights(found, screen), *_verdict(found, screen)]
    return [screen.shown(line) for line in lines]


def curves(found: Consequences, names: tuple[str, str]) -> LineChart:
    """Return both learning rates in one picture."""
    series = []
    for code, (plan, name) in enumerate(zip((found.left, found.right), names, strict=True)):
        if plan.curve is not None:
            series.append(Series(f"{'AB'[code]}: {name}", tuple((point.epoch, point.high) for point in plan.curve.points), code))
            if plan.curve.plateau:
                lows = tuple((point.epoch, point.low) for point in plan.curve.points)
                series.append(Series(f"{'AB'[code]}, as low as the plateau can bring it", lows, code + 2, dashed=True))
    tops = [y for each in series for _, y in each.points if y and 0 < y < math.inf]
    least, top = min(tops, default=1.0), max(tops, default=1.0)
    axis = Axis("learning rate", Unit.RATE, log=True, low=max(least, top / 10**pictures.DECADES_DRAWN))
    return LineChart("Learning rates", "Both learning rates over the epochs.", Axis("epoch", low=0.0), axis, tuple(series))


def _figures(found: Consequences, screen: Screen) -> list[str]:
    if not found.figures:
        return []
    rows = tuple((each.name, _told(each, each.left), _told(each, each.right), _factor(each)) for each in found.figures)
    return grid(Table(("", "A", "B", "change"), rows, frozenset({3})), screen)


def _told(figure: Consequence, side: Extent | None) -> str:
    return "not known" if side is None else interval(side.low, side.high, figure.unit)


def _factor(figure: Consequence) -> str:
    if figure.factor is None:
        return ""
    return f"{'' if figure.exact else 'about '}x {figure.factor:.3g}"


def _curves(found: Consequences, names: tuple[str, str], screen: Screen) -> list[str]:
    if not found.curves_differ or found.left.curve is None or found.right.curve is None:
        return []
    return ["", screen.paint("bold", "learning rate"), *draw(curves(found, names), screen)]


def _weights(found: Consequences, screen: Screen) -> list[str]:
    if not found.weights:
        return []
    rows = tuple((each.name, *("absent" if side is None else f"{side:.3g}" for side in (each.left, each.right))) for each in found.weights)
    return ["", *grid(Table(("class weight", "A", "B"), rows, frozenset({1, 2})), screen, most=_MOST_WEIGHTS)]


def _verdict(found: Consequences, screen: Screen) -> Iterator[str]:
    for title, sign, style, findings in (("no longer found", "-", "good", found.lost), ("found now", "+", "error", found.gained)):
        if findings:
            yield ""
            yield screen.paint("bold", title)
        for each in findings:
            lines = folded(f"{sign} {each.severity.label}[{each.code}] {each.pointer or '/'}: {each.message}", screen.cells, 2)
            yield from (screen.paint(style, line) for line in lines)
    before, after = (_passes(plan) for plan in (found.left, found.right))
    if before != after:
        yield ""
        yield screen.paint("good" if found.right.report.passed else "error", cut(f"A {before}, B {after}", screen.cells))


def _passes(plan: TrainingPlan) -> str:
    return "passes" if plan.report.passed else "fails"


def document(found: Consequences) -> dict[str, Any]:
    """Return what follows from the differences, as plain JSON."""
    plans = (found.left, found.right)
    return {
        "verdicts": ["pass" if plan.report.passed else "fail" for plan in plans],
        "figures": [
            {"name": each.name, "unit": each.unit.value, "sides": [_side(each.left), _side(each.right)], "factor": each.factor}
            for each in found.figures
        ],
        "curves": None
        if not found.curves_differ
        else [None if plan.curve is None else [point._asdict() for point in plan.curve.points] for plan in plans],
        "class_weights": [{"name": each.name, "sides": [each.left, each.right]} for each in found.weights],
        "findings": {"lost": [finding_json(each) for each in found.lost], "gained": [finding_json(each) for each in found.gained]},
    }


def _side(side: Extent | None) -> dict[str, float] | None:
    return None if side is None else {"low": side.low, "high": side.high}
