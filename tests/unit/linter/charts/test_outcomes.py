"""Charts of what came of a run."""

from __future__ import annotations

from trainyard.linter.charts.outcomes import confusion_matrix, training_curve
from trainyard.linter.charts.svg import draw
from trainyard.linter.charts.tables import table


def test_training_is_solid_and_validation_dashed_and_the_kept_model_is_marked() -> None:
    chart = training_curve("loss", [1.0, 0.5, 0.25], [1.1, 0.6, 0.7], best_epoch=2)
    assert [(series.name, series.dashed) for series in chart.series] == [("train", False), ("validation", True)]
    assert chart.series[1].points == ((1.0, 1.1), (2.0, 0.6), (3.0, 0.7))
    assert [(mark.x, mark.y) for mark in chart.marks] == [(2.0, 0.6)]
    assert chart.summary == "3 epochs: train ends at 0.25, validation ends at 0.7; the model that was kept is that of epoch 2."


def test_what_was_not_measured_is_a_gap_and_a_run_that_was_resumed_counts_on() -> None:
    chart = training_curve("loss", [None, 0.5, None], first_epoch=8)
    assert chart.series[0].points == ((8.0, None), (9.0, 0.5), (10.0, None))
    assert table(chart).rows == (("8", "-"), ("9", "0.5"), ("10", "-"))
    assert draw(chart, 600, "a")


def test_a_run_without_an_epoch_is_still_a_picture() -> None:
    assert draw(training_curve("loss", []), 600, "a")
    assert "nan" not in draw(training_curve("loss", [float("nan"), float("inf"), 1.0]), 600, "a")


def test_a_confusion_matrix_says_what_is_right_and_what_is_confused_most() -> None:
    chart = confusion_matrix(("cat", "dog"), ((8, 2), (1, 9)))
    assert chart.summary == "85 % of 20 samples are right; most often cat was taken for dog (2)."
    assert table(chart).rows == (("cat", "8", "2"), ("dog", "1", "9"))


def test_a_confusion_matrix_of_nothing_says_so() -> None:
    assert confusion_matrix(("a",), ((0,),)).summary == "none of 0 samples are right."
    assert draw(confusion_matrix((), ()), 300, "a")
