"""Class balance: counts, what each class weighs in the loss, and what that does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.linter.estimate.weights import balanced, class_weights
from trainyard.linter.planning.training_plan import Classes, ClassRow
from trainyard.linter.rules.balance import ratio
from trainyard.linter.spec.model.training import ClassWeights, Oversample

if TYPE_CHECKING:
    from trainyard.linter.rules.case import Case

# A weight this near to 1 changes nothing that anybody would notice.
_SAME = 0.05


def classes(case: Case) -> Classes | None:
    """Return the class table, largest class first; ``None`` where no counts are known.

    Weights are total / (classes x count) over the whole set, as the page has it; those of the training part, which the loss sees,
    differ from them by rounding only.
    """
    counts = case.class_counts
    if not counts:
        return None
    even = balanced(counts)
    weights = _in_force(case, counts)
    train = None if case.class_parts is None else case.class_parts.train
    rows = [
        ClassRow(
            case.class_name(index), count, None if train is None else train[index], weights[index], even[index], _effect(weights[index])
        )
        for index, count in enumerate(counts)
    ]
    return Classes(ratio(counts), _method(case), tuple(sorted(rows, key=lambda row: -row.samples)))


def _in_force(case: Case, counts: tuple[int, ...]) -> tuple[float, ...]:
    """Return how often a sample of each class counts as things are: by weight, or by being repeated."""
    imbalance = case.spec.imbalance
    if isinstance(imbalance, ClassWeights):
        return class_weights(counts, imbalance, case.class_names)
    if isinstance(imbalance, Oversample):
        goal = imbalance.target * max(counts)
        return tuple(max(1.0, goal / count) if count else 0.0 for count in counts)
    return (1.0,) * len(counts)


def _method(case: Case) -> str:
    imbalance = case.spec.imbalance
    match imbalance:
        case ClassWeights():
            return f"class weights, {imbalance.method.replace('_', ' ')}"
        case Oversample():
            return "oversampling"
        case _:
            return {"none": "no adjustment", "focal_loss": "focal loss"}.get(imbalance.type, imbalance.type.replace("_", " "))


def _effect(weight: float) -> str:
    if weight == 0:
        return "No samples"
    if abs(weight - 1.0) <= _SAME:
        return "As it is"
    return "Overweight" if weight > 1 else "Underweight"
