"""From measured launches to the figures of a hardware profile: what a unit of each kind of work takes on a box.

What is counted is the linter's (``linter.estimate.effort``); here a cost is found for each kind, such that the sums explain what
was measured, small models and large ones alike. Knows no clock and no trainer.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from trainyard.linter.estimate.effort import Effort
from trainyard.linter.estimate.hardware import HardwareProfile
from trainyard.linter.estimate.kinds import Kind
from trainyard.linter.estimate.time import Work, times

# Each cost is tried higher and lower by these factors until no trial explains the measurements better.
_FACTORS = (8.0, 3.0, 1.7, 1.3, 1.1, 1.04, 1.015)
_MOST_ROUNDS = 400
# Errors beyond this (a logarithm) count by their size, no more by their square: Huber 1964.
_HUBER = 0.2
# Where measurements leave a cost open, it stays near where it began: a tenfold of that weighs as an error of a few per cent.
_PULL = 0.0004
# No interval is narrower than this: the same epoch takes a tenth more or less on another day.
_LEAST_SPREAD = 1.15
_EXPLAINED = 0.8
# Models of so few layers tell what compiling takes at all.
_SHALLOW = 12
# Two cores of a server's processor, TensorFlow; seconds of a unit.
_START: dict[Kind, float] = {
    Kind.STEP: 1e-4,
    Kind.LAUNCH: 6e-4,
    Kind.LAYER: 1e-5,
    Kind.VARIABLE: 8e-6,
    Kind.RECURRENCE: 5e-5,
    Kind.DISPATCH: 1e-4,
    Kind.CONVOLUTION: 8e-12,
    Kind.CONVOLUTION_BACK: 8e-12,
    Kind.PATCH: 1e-10,
    Kind.PATCH_BACK: 1e-10,
    Kind.DEPTHWISE: 5e-11,
    Kind.PRODUCT: 1.2e-11,
    Kind.NORMALIZATION: 1.2e-9,
    Kind.ACTIVATION: 3e-10,
    Kind.POOLING: 4e-10,
    Kind.SMOOTH: 7e-10,
    Kind.DROPOUT: 2.4e-9,
    Kind.UPDATE: 6e-10,
    Kind.INPUT: 1e-9,
    Kind.WARP: 2e-8,
    Kind.TINT: 3e-9,
}


class Point(NamedTuple):
    """The work of one step, its share of a launch included, the seconds that it took, and how much it counts in the fit."""

    name: str
    effort: Effort
    seconds: float
    weight: float = 1.0


class Making(NamedTuple):
    """How long a model of so many layers took to be compiled."""

    layers: int
    seconds: float


class Whole(NamedTuple):
    """A whole run of the program: its seconds, those of its epochs in order, and those between two epochs."""

    seconds: float
    epochs: tuple[float, ...]
    between: tuple[float, ...]


class Fit(NamedTuple):
    """Seconds of a unit of each kind of work, and the factor by which four fifths of the measurements are explained at least."""

    costs: Mapping[Kind, float]
    spread: float


def predicted_seconds(work: Work, profile: HardwareProfile) -> float:
    """Return the middle of the predicted interval of a warm epoch, as a ratio between its ends (geometric mean)."""
    return times(work, profile).epoch.middle


def fitted(points: Sequence[Point]) -> Fit:
    """Return costs that explain the measurements; every kind of work should be in some of them, and dominate one."""
    search = _Search(points)
    for factor in _FACTORS:
        for _ in range(_MOST_ROUNDS):
            if not search.better(factor):
                break
    errors = sorted(abs(error) for error, point in zip(search.errors(), points, strict=True) if point.weight >= 1)
    return Fit(search.costs, max(_LEAST_SPREAD, math.exp(errors[int(_EXPLAINED * (len(errors) - 1))])))


def errors(points: Sequence[Point], fit: Fit) -> list[float]:
    """Return the logarithm of predicted over measured for each point."""
    return [math.log(sum(amount * fit.costs[kind] for kind, amount in point.effort.items()) / point.seconds) for point in points]


def speed(fit: Fit, makings: Sequence[Making], epochs: Sequence[float], wholes: Sequence[Whole]) -> dict[str, Any]:
    """Return ``speed`` of a ``*.hardware.json`` object; ``epochs`` are seconds that an epoch takes beside its steps."""
    work = {str(kind): _rounded(cost / fit.spread, cost * fit.spread) for kind, cost in fit.costs.items()}
    least, most = work[Kind.CONVOLUTION]
    moved_least, moved_most = work[Kind.ACTIVATION]
    return {
        # A multiply-add is two operations; an activation reads and writes a number of four bytes.
        "flops_per_second": {"float32": _rounded(2 / most, 2 / least)},
        "bandwidth_bytes_per_second": _rounded(8 / moved_most, 8 / moved_least),
        "epoch_seconds": _rounded(min(epochs), statistics.median(epochs) * 2),
        "between_epochs_seconds": _between(wholes),
        **_compiling(makings),
        **_starting(wholes),
        "work_seconds": work,
    }


class _Search:
    """Costs, and for each point the sum that they come to; a trial changes one cost only."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.costs = dict(_START)
        self._logs = [math.log(point.seconds) for point in points]
        self._weights = [point.weight for point in points]
        self._amounts = {kind: [point.effort.get(kind, 0.0) for point in points] for kind in Kind}
        self._kinds = [kind for kind in Kind if any(self._amounts[kind])]
        self._sums = [sum(amount * self.costs[kind] for kind, amount in point.effort.items()) for point in points]
        self._misfit = self._weighed(self._sums) + self._pulled(self.costs)

    def errors(self) -> list[float]:
        """Return the logarithm of explained over measured for each point."""
        return [math.log(total) - measured for total, measured in zip(self._sums, self._logs, strict=True)]

    def better(self, factor: float) -> bool:
        """Change the cost that gains most by ``factor`` or its inverse; tell whether there was one."""
        trials = [self._trial(kind, by) for kind in self._kinds for by in (factor, 1 / factor)]
        misfit, kind, cost, sums = min(trials, key=lambda trial: trial[0], default=(math.inf, Kind.STEP, 0.0, []))
        if misfit >= self._misfit - 1e-9:
            return False
        self._misfit, self.costs[kind], self._sums = misfit, cost, sums
        return True

    def _trial(self, kind: Kind, by: float) -> tuple[float, Kind, float, list[float]]:
        cost = self.costs[kind] * by
        more = cost - self.costs[kind]
        sums = [max(total + more * amount, 1e-12) for total, amount in zip(self._sums, self._amounts[kind], strict=True)]
        return self._weighed(sums) + self._pulled({**self.costs, kind: cost}), kind, cost, sums

    def _weighed(self, sums: Sequence[float]) -> float:
        weighed = zip(self._weights, sums, self._logs, strict=True)
        return sum(weight * _huber(math.log(total) - measured) for weight, total, measured in weighed)

    def _pulled(self, costs: Mapping[Kind, float]) -> float:
        return sum(_PULL * math.log(costs[kind] / _START[kind]) ** 2 for kind in self._kinds)


def _huber(error: float) -> float:
    size = abs(error)
    return size * size / 2 if size <= _HUBER else _HUBER * (size - _HUBER / 2)


def _between(wholes: Sequence[Whole]) -> list[float]:
    found = [seconds for whole in wholes for seconds in whole.between] or [0.01]
    return _rounded(max(1e-4, min(found)), max(2e-4, statistics.median(found)))


def _compiling(makings: Sequence[Making]) -> dict[str, Any]:
    """Return what compiling takes at all and for a layer; a run compiles anew for a last batch that is smaller."""
    deep = max(makings, key=lambda making: making.layers)
    shallow = [making.seconds for making in makings if making.layers <= _SHALLOW] or [deep.seconds]
    small = statistics.median(shallow)
    per_layer = max(1e-4, (deep.seconds - small) / deep.layers)
    return {"compile_seconds": _rounded(small / 1.5, small * 2), "compile_layer_seconds": _rounded(per_layer / 1.5, per_layer * 2)}


def _starting(wholes: Sequence[Whole]) -> dict[str, Any]:
    """Return what is left of a program's time: imports, data, the model's files. A warm standby has half of it behind it."""
    left = [whole.seconds - sum(whole.epochs) - sum(whole.between) for whole in wholes]
    return {"start_seconds": _rounded(max(0.1, min(left) / 2), max(0.2, *left))}


def _rounded(low: float, high: float) -> list[float]:
    return [float(f"{low:.4g}"), float(f"{high:.4g}")]
