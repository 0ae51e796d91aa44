"""How much each class counts in the loss. Knows counts and formulae, not why the classes are unequal.

Counts are those of the training part: that is what the loss sees.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainyard.linter.spec.model.training import ClassWeights

BALANCED, EFFECTIVE_NUMBER, EXPLICIT = "balanced", "effective_number", "explicit"


def class_weights(counts: Sequence[int], imbalance: ClassWeights, names: Sequence[str] = ()) -> tuple[float, ...]:
    """Return one weight per class, in the order of ``counts``.

    ``balanced`` is N / (K n_c). ``effective_number`` is (1 - b) / (1 - b^n_c), rescaled to a mean of 1
    (Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples"). An explicit map is read by
    class name, or by class index written as text; a class that it leaves out weighs 1, as in Keras.
    A class without samples weighs 0 and is no class in K: its weight is never used.
    """
    if imbalance.weights is not None:
        return explicit(len(counts), imbalance.weights, names)
    if imbalance.method == EFFECTIVE_NUMBER:
        return effective_number(counts, imbalance.beta)
    return balanced(counts)


def balanced(counts: Sequence[int]) -> tuple[float, ...]:
    """Return N / (K n_c) for each class, so that every class has the same say."""
    present = sum(1 for count in counts if count)
    total = sum(counts)
    return tuple(total / (present * count) if count else 0.0 for count in counts)


def effective_number(counts: Sequence[int], beta: float) -> tuple[float, ...]:
    """Return (1 - beta) / (1 - beta^n_c), rescaled to mean 1 over the classes that have samples; 0 <= beta < 1."""
    raw = [(1.0 - beta) / -math.expm1(count * math.log(beta)) if count and beta > 0 else float(count > 0) for count in counts]
    total = sum(raw)
    present = sum(1 for count in counts if count)
    return tuple(weight * present / total for weight in raw) if total else tuple(raw)


def explicit(classes: int, weights: dict[str, float], names: Sequence[str]) -> tuple[float, ...]:
    """Return the written weight of each class, by name or by index; 1 where none is written."""
    keys = [(str(names[index]) if index < len(names) else str(index), str(index)) for index in range(classes)]
    return tuple(float(weights.get(name, weights.get(index, 1.0))) for name, index in keys)
