"""What the differences between two specs lead to: the same figures of both plans beside each other, where they differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from trainyard.linter.charts.models import Unit

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Finding
    from trainyard.linter.planning.training_plan import TrainingPlan


# Beyond this, a figure is no amount of anything and its ratio to another says nothing.
_LARGEST = 1e100


class Extent(NamedTuple):
    """A figure: both ends are the same where it is exact."""

    low: float
    high: float


class Consequence(NamedTuple):
    """One figure of both plans; ``None`` where a plan does not know it."""

    name: str
    unit: Unit
    left: Extent | None
    right: Extent | None

    @property
    def factor(self) -> float | None:
        """How many times as much the right one is, by the middles of intervals; ``None`` where that says nothing."""
        if self.left is None or self.right is None:
            return None
        ends = (*self.left, *self.right)
        if not all(0 < end <= _LARGEST for end in ends):
            return None
        first, last = (math.sqrt(side.low) * math.sqrt(side.high) for side in (self.left, self.right))
        return last / first

    @property
    def exact(self) -> bool:
        """Whether the factor is no estimate."""
        return all(side is None or side.low == side.high for side in (self.left, self.right))


class WeightChange(NamedTuple):
    """The weight of one class in both; ``None`` where a side has no such class."""

    name: str
    left: float | None
    right: float | None


class Consequences(NamedTuple):
    """Everything that changes from the left plan to the right one."""

    left: TrainingPlan
    right: TrainingPlan
    figures: tuple[Consequence, ...]
    weights: tuple[WeightChange, ...]
    lost: tuple[Finding, ...]
    gained: tuple[Finding, ...]

    @property
    def curves_differ(self) -> bool:
        """Whether the learning rate moves differently."""
        first, second = self.left.curve, self.right.curve
        return (first.points if first is not None else ()) != (second.points if second is not None else ())


def consequences(left: TrainingPlan, right: TrainingPlan) -> Consequences:
    """Compare two plans."""
    figures = (Consequence(name, unit, read(left), read(right)) for name, unit, read in _FIGURES)
    return Consequences(
        left,
        right,
        tuple(figure for figure in figures if figure.left != figure.right),
        tuple(_weights(left, right)),
        tuple(_only_in(left, right)),
        tuple(_only_in(right, left)),
    )


def _weights(left: TrainingPlan, right: TrainingPlan) -> Iterator[WeightChange]:
    sides = [{row.name: row.weight for row in plan.classes.rows} if plan.classes is not None else {} for plan in (left, right)]
    for name in dict.fromkeys((*sides[0], *sides[1])):
        change = WeightChange(name, sides[0].get(name), sides[1].get(name))
        if change.left != change.right:
            yield change


def _only_in(plan: TrainingPlan, other: TrainingPlan) -> Iterator[Finding]:
    """Yield the findings of a plan that the other one does not have at the same place."""
    known = {(finding.code, finding.pointer) for finding in other.report.findings if finding.suppressed is None}
    for finding in plan.report.findings:
        if finding.suppressed is None and (finding.code, finding.pointer) not in known:
            yield finding


def _exactly(value: float | None) -> Extent | None:
    return None if value is None else Extent(value, value)


def _parameters(plan: TrainingPlan) -> Extent | None:
    return None if plan.subject is None else _exactly(plan.subject.parameters)


def _steps(field: str) -> Callable[[TrainingPlan], Extent | None]:
    return lambda plan: None if plan.steps is None else _exactly(getattr(plan.steps, field))


def _curve(field: str) -> Callable[[TrainingPlan], Extent | None]:
    return lambda plan: None if plan.curve is None else _exactly(getattr(plan.curve, field))


def _memory(plan: TrainingPlan) -> Extent | None:
    return None if plan.memory is None else Extent(*plan.memory.peak)


def _time(plan: TrainingPlan) -> Extent | None:
    return None if plan.time is None else Extent(*plan.time.total)


def _disk(plan: TrainingPlan) -> Extent | None:
    return None if plan.disk is None else Extent(*plan.disk.total)


def _strength(plan: TrainingPlan) -> Extent | None:
    return None if plan.regularization is None else _exactly(plan.regularization.strength)


def _stopping(plan: TrainingPlan) -> Extent | None:
    stopping = None if plan.callbacks is None else plan.callbacks.stopping
    return None if stopping is None or stopping.likelihood is None else _exactly(stopping.likelihood.share)


_FIGURES: tuple[tuple[str, Unit, Callable[[TrainingPlan], Extent | None]], ...] = (
    ("parameters", Unit.COUNT, _parameters),
    ("training samples", Unit.COUNT, _steps("train_samples")),
    ("steps per epoch", Unit.COUNT, _steps("per_epoch")),
    ("epochs", Unit.COUNT, _steps("epochs")),
    ("total steps", Unit.COUNT, _steps("total")),
    ("updates of the weights", Unit.COUNT, _steps("updates")),
    ("GPU memory", Unit.BYTES, _memory),
    ("time", Unit.SECONDS, _time),
    ("disk", Unit.BYTES, _disk),
    ("highest learning rate", Unit.RATE, _curve("highest")),
    ("lowest learning rate", Unit.RATE, _curve("lowest")),
    ("regularization strength", Unit.NUMBER, _strength),
    ("early-stop likelihood", Unit.SHARE, _stopping),
)
