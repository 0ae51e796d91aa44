"""From measured epochs to the figures of a hardware profile: the least that explains what a box took for some models.

The model of time is the linter's own (``linter.estimate.time``); here its four figures are fitted to measurements: seconds per
step and per layer, operations and bytes per second. Knows no clock and no trainer.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from trainyard.linter.estimate.hardware import HardwareProfile
from trainyard.linter.estimate.speed import Rate, Speed
from trainyard.linter.estimate.time import Work, times

FIGURES = ("step", "layer", "float32", "bandwidth")
# Each figure is tried larger and smaller by these factors until no trial explains the measurements better.
_FACTORS = (4.0, 2.0, 1.4, 1.15, 1.05, 1.02)
_MOST_ROUNDS = 200
# No interval is narrower than this: the same epoch takes a tenth more or less on another day.
_LEAST_SPREAD = 1.15
_START = {"step": 5e-4, "layer": 2e-5, "float32": 2e10, "bandwidth": 2e10}
# Nothing costs nothing: where others explain all, a figure stops here (seconds; operations and bytes per second).
_LEAST = {"step": 1e-5, "layer": 1e-6, "float32": 1e8, "bandwidth": 1e8}


class Point(NamedTuple):
    """One measured model: what it does, the seconds of its warm epochs, of its first one, and of the whole program."""

    name: str
    work: Work
    epoch_seconds: float
    first_seconds: float
    run_seconds: float


def predicted_seconds(work: Work, profile: HardwareProfile) -> float:
    """Return the middle of the predicted interval of a warm epoch, as a ratio between its ends (geometric mean)."""
    epoch = times(work, profile).epoch
    return math.sqrt(max(epoch.low, 1e-9) * max(epoch.high, 1e-9))


def fitted(points: Sequence[Point], base: HardwareProfile) -> dict[str, Any]:
    """Return ``speed`` of a ``*.hardware.json`` object for these measurements; at least four points of different kinds are wanted.

    The intervals are as wide as what the fit leaves unexplained at four fifths of the points.
    """
    figures = dict(_START)
    best = _misfit(points, base, figures)
    for factor in _FACTORS:
        for _ in range(_MOST_ROUNDS):
            trials = [{**figures, name: max(_LEAST[name], figures[name] * by)} for name in FIGURES for by in (factor, 1 / factor)]
            tried = min(trials, key=lambda trial: _misfit(points, base, trial))
            if (misfit := _misfit(points, base, tried)) >= best:
                break
            figures, best = tried, misfit
    errors = sorted(abs(error) for error in _errors(points, base, figures))
    spread = max(_LEAST_SPREAD, math.exp(errors[int(0.8 * (len(errors) - 1))]))
    interval = {name: [figures[name] / spread, figures[name] * spread] for name in FIGURES}
    return {
        "flops_per_second": {"float32": interval["float32"]},
        "bandwidth_bytes_per_second": interval["bandwidth"],
        "step_seconds": interval["step"],
        "layer_seconds": interval["layer"],
        **_once(points),
    }


def _once(points: Sequence[Point]) -> dict[str, Any]:
    """Return what is paid once a run: compilation is what the first epoch takes more, start what is left of the program's time."""
    compiling = [max(0.05, point.first_seconds - point.epoch_seconds) for point in points]
    layers = [len(point.work.shapes.layers) for point in points]
    per_layer = max(1e-4, min(compiling) / max(layers) / 4)
    starting = [point.run_seconds - point.first_seconds - (point.work.epochs - 1) * point.epoch_seconds for point in points]
    return {
        "compile_seconds": [min(compiling) / 2, max(compiling)],
        "compile_layer_seconds": [per_layer / 4, per_layer],
        "start_seconds": [max(0.1, min(starting) / 2), max(0.2, statistics.median(starting))],
    }


def _misfit(points: Sequence[Point], base: HardwareProfile, figures: dict[str, float]) -> float:
    """Return how badly figures explain the points: squares for small errors, absolute values for large ones (Huber 1964)."""
    return sum(min(error * error, 0.5 * abs(error)) for error in _errors(points, base, figures))


def _errors(points: Sequence[Point], base: HardwareProfile, figures: dict[str, float]) -> list[float]:
    speed = base.speed._replace(**{name: Rate(value, value) for name, value in figures.items()})
    profile = base._replace(rates=Speed(*speed))
    return [math.log(predicted_seconds(point.work, profile) / point.epoch_seconds) for point in points]
