import math

import numpy as np
import pytest

from trainyard.service.trainer import evaluation
from trainyard.service.trainer.callbacks.improvement import Improvement


def test_the_first_value_improves_and_less_than_min_delta_does_not() -> None:
    watched = Improvement("min", min_delta=0.1)

    assert [watched.seen(value) for value in (1.0, 0.95, 0.89, 0.80)] == [True, False, True, False]
    assert watched.best == 0.89


def test_larger_is_better_in_mode_max_and_nan_never_is() -> None:
    watched = Improvement("max")

    assert [watched.seen(value) for value in (math.nan, 0.5, 0.4, math.nan, 0.6)] == [False, True, False, False, True]


def test_a_class_that_is_never_predicted_has_zeros_and_no_warning() -> None:
    result = evaluation.of_classes(np.array([0, 1, 2, 2]), np.array([0, 0, 2, 2]), ("a", "b", "c"), per_class=True)

    assert result["accuracy"] == 0.75
    assert result["confusion_matrix"] == [[1, 0, 0], [1, 0, 0], [0, 0, 2]]
    assert result["per_class"][1] == {"class": "b", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    assert result["macro_f1"] == pytest.approx((2 / 3 + 0.0 + 1.0) / 3)


def test_labels_are_judged_flag_by_flag() -> None:
    truth, predicted = np.array([[1, 0], [1, 1]]), np.array([[1, 1], [1, 1]])

    result = evaluation.of_labels(truth, predicted, ("a", "b"), per_class=False)

    assert result["accuracy"] == 0.75
    assert result["exact_match"] == 0.5
    assert result["per_class"] == []


def test_one_sample_has_no_explained_variance() -> None:
    assert evaluation.of_numbers(np.array([[1.0]]), np.array([[3.0]])) == {
        "mean_squared_error": 4.0,
        "mean_absolute_error": 2.0,
        "r2_score": None,
    }
