"""The learning rate: where it lies, how optimizers compare, and how it moves over the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.linter.estimate import learning_rate
from trainyard.linter.estimate.memory import slot_count, variable_bytes
from trainyard.linter.estimate.schedule import lowest_plateau_factor
from trainyard.linter.planning.training_plan import AtEpoch, CurvePoint, OptimizerRow, Placement, RateCurve, RateRange

if TYPE_CHECKING:
    from trainyard.linter.estimate.schedule import Curve
    from trainyard.linter.rules.case import Case
    from trainyard.linter.spec.model.scheduler import ReduceOnPlateau

#: The epochs at which the page tells the rate, and the rate below which nothing is learnt.
TOLD_EPOCHS = (10, 25, 50, 100)
TOO_SMALL = 1e-7
# A picture has no use for more points than this.
_MOST_POINTS = 240

# Rules of thumb, no measurements: the words of the page for Adam and SGD, the papers' own claims for the others (Loshchilov & Hutter
# 2019, Hinton's lecture 6e, Duchi et al. 2011, Zeiler 2012, Kingma & Ba 2015 section 7.1, Dozat 2016, Chen et al. 2023). Slots are those
# of each optimizer as it is by default here.
_OPTIMIZERS = (
    ("adam", "Fast", "Good", 2, "General purpose"),
    ("adamw", "Fast", "Good", 2, "General purpose, with decay"),
    ("sgd", "Slower", "Very stable", 1, "Large datasets"),
    ("rmsprop", "Fast", "Fair", 1, "Recurrent nets"),
    ("nadam", "Fast", "Good", 2, "As Adam, looking ahead"),
    ("adamax", "Fast", "Good", 2, "Embeddings"),
    ("adagrad", "Slows down", "Good", 1, "Sparse features"),
    ("adadelta", "Slow", "Good", 2, "No rate to tune"),
    ("lion", "Fast", "Fair", 1, "Large batches"),
)


def rate_range(case: Case) -> RateRange:
    """Return where the learning rate lies; for SGD the bounds hold for its momentum."""
    optimizer = case.spec.optimizer
    bounds = learning_rate.bounds(optimizer)
    per_rate = 1.0 - learning_rate.momentum(optimizer)
    effective = learning_rate.effective(optimizer)
    suggested = learning_rate.suggested(optimizer, case.spec.training.batch_size, case.parameters, normalized=case.traits.normalized)
    return RateRange(
        optimizer.learning_rate,
        _placement(effective, bounds),
        bounds.warn_below * per_rate,
        bounds.usual_low * per_rate,
        bounds.usual_high * per_rate,
        bounds.warn_above * per_rate,
        suggested,
    )


def _placement(rate: float, bounds: learning_rate.Bounds) -> Placement:
    if rate <= 0 or rate < bounds.warn_below:
        return Placement.TOO_LOW
    if rate > bounds.warn_above:
        return Placement.TOO_HIGH
    if rate < bounds.usual_low:
        return Placement.LOW
    return Placement.HIGH if rate > bounds.usual_high else Placement.USUAL


def optimizer_rows(case: Case) -> tuple[OptimizerRow, ...]:
    """Return the comparison; the row of the spec's own optimizer counts its own slots."""
    own = case.spec.optimizer
    width = variable_bytes(case.spec.training.precision)
    rows = []
    for name, speed, stability, usual_slots, best_for in _OPTIMIZERS:
        slots = slot_count(own) if own.type == name else usual_slots
        stored = None if case.parameters is None else slots * case.parameters * width
        rows.append(OptimizerRow(name, speed, stability, slots, best_for, own.type == name, stored))
    return tuple(rows)


def rate_curve(case: Case) -> RateCurve | None:
    """Return how the rate moves over the main training; ``None`` where it depends on an unknown number of steps."""
    curve = case.curve
    if curve is None or not curve.steps:
        return None
    plateau = None if case.plateau is None else case.plateau[1]
    points = _points(curve, plateau)
    first = curve.first_below(TOO_SMALL)
    return RateCurve(
        points,
        tuple(_at(curve, plateau, epoch) for epoch in sorted({*TOLD_EPOCHS, curve.epochs})),
        min(curve.lowest(), *(point.low for point in points)),
        curve.highest(),
        max((factor.warmup for factor in curve.factors), default=0) / curve.steps_per_epoch,
        curve.share_below(TOO_SMALL),
        None if first is None else first // curve.steps_per_epoch + 1,
        plateau is not None,
    )


def _at(curve: Curve, plateau: ReduceOnPlateau | None, epoch: int) -> AtEpoch:
    if epoch > curve.epochs:
        return AtEpoch(epoch, None, None)
    high = curve.at_epoch_end(epoch)
    return AtEpoch(epoch, _lowest(high, plateau, epoch), high)


def _lowest(high: float, plateau: ReduceOnPlateau | None, epoch: int) -> float:
    """Return the least that a step of this epoch can train with: what the plateau has reduced at the ends of the epochs before it."""
    if plateau is None:
        return high
    return min(high, max(high * lowest_plateau_factor(plateau, epoch - 1), plateau.min_lr))


def _points(curve: Curve, plateau: ReduceOnPlateau | None) -> tuple[CurvePoint, ...]:
    """Return the curve at its start, at ends of epochs, and between them where there are few epochs or a warm-up."""
    epochs = _spread(1, curve.epochs)
    steps = {epoch * curve.steps_per_epoch - 1 for epoch in epochs} | set(_spread(0, curve.steps - 1))
    steps.update(step for factor in curve.factors for step in (factor.warmup - 1, factor.warmup) if 0 <= step < curve.steps)
    points = []
    for step in sorted(steps):
        high = curve.at(step)
        epoch = step // curve.steps_per_epoch + 1
        # The end of the last step is the end of the run; the first step starts it.
        points.append(CurvePoint(0.0 if step == 0 else (step + 1) / curve.steps_per_epoch, _lowest(high, plateau, epoch), high))
    return tuple(points)


def _spread(first: int, last: int) -> list[int]:
    """Return whole numbers from first to last, evenly spread where there are too many."""
    if last - first < _MOST_POINTS:
        return list(range(first, last + 1))
    return [first + index * (last - first) // (_MOST_POINTS - 1) for index in range(_MOST_POINTS)]
