"""Class weights follow their formulae, and behave where a class is empty."""

from __future__ import annotations

import pytest
from tests.corpora.malimg import COUNTS

from trainyard.linter.estimate.weights import class_weights
from trainyard.linter.spec.model.training import ClassWeights

MALIMG = tuple(COUNTS.values())
LARGEST, RAREST = 2, 19


def asked(method: str, beta: float = 0.999, weights: dict[str, float] | None = None) -> ClassWeights:
    return ClassWeights("class_weights", method, beta, weights)


def test_balanced_weights_are_total_over_classes_times_count() -> None:
    weights = class_weights(MALIMG, asked("balanced"))
    assert weights[LARGEST] == pytest.approx(0.127, abs=5e-4)
    assert weights[RAREST] == pytest.approx(4.67, abs=5e-3)
    assert sum(w * n for w, n in zip(weights, MALIMG, strict=True)) == pytest.approx(sum(MALIMG))


@pytest.mark.parametrize("beta, low, high", [(0.99, 0.79, 1.43), (0.999, 0.16, 2.02), (0.9999, 0.07, 2.10)])
def test_effective_number_weights_span_what_cui_2019_gives(beta: float, low: float, high: float) -> None:
    weights = class_weights(MALIMG, asked("effective_number", beta))
    assert (min(weights), max(weights)) == pytest.approx((low, high), abs=6e-3)
    assert sum(weights) / len(weights) == pytest.approx(1.0)


def test_beta_zero_weighs_every_class_alike() -> None:
    assert class_weights((5, 50), asked("effective_number", 0.0)) == (1.0, 1.0)


def test_a_class_without_samples_weighs_nothing_and_does_not_dilute_the_others() -> None:
    assert class_weights((10, 0, 30), asked("balanced")) == pytest.approx((2.0, 0.0, 2 / 3))
    assert class_weights((10, 0, 10), asked("effective_number")) == (1.0, 0.0, 1.0)
    assert class_weights((0, 0), asked("effective_number")) == (0.0, 0.0)
    assert class_weights((0, 0), asked("balanced")) == (0.0, 0.0)


def test_an_explicit_map_is_read_by_name_or_index_and_leaves_the_rest_at_one() -> None:
    wanted = asked("explicit", weights={"cat": 2.0, "2": 3.0})
    assert class_weights((1, 1, 1), wanted, ("cat", "dog", "emu")) == (2.0, 1.0, 3.0)
