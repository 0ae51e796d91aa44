"""A curve as plain numbers."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import pytest

from trainyard.client.errors import NotInstalled
from trainyard.client.values.event import EpochFinished
from trainyard.client.values.history import History, falls


@pytest.fixture
def history(make_epoch: Callable[..., EpochFinished]) -> History:
    epochs = (
        make_epoch(epoch=1, metrics={"loss": 2.0}),
        make_epoch(epoch=2, metrics={"loss": 1.0, "val_accuracy": 0.5}),
        make_epoch(epoch=3, metrics={"loss": math.nan, "val_accuracy": 0.25}),
    )
    return History("j", epochs)


def test_all_lists_are_equally_long_and_a_gap_is_no_number(history: History) -> None:
    lists = history.lists()
    assert list(lists)[:3] == ["epoch", "loss", "val_accuracy"]
    assert {len(values) for values in lists.values()} == {3}
    assert lists["epoch"] == [1, 2, 3]
    assert math.isnan(lists["val_accuracy"][0])
    assert lists["learning_rate"] == [0.002] * 3


def test_the_best_loss_is_the_least_and_the_best_score_the_most(history: History) -> None:
    assert [best.epoch if best else None for best in map(history.best, ("loss", "val_accuracy", "f1"))] == [2, 2, None]
    assert [falls(name) for name in ("val_loss", "mean_absolute_error", "rmse", "accuracy", "val_auc")] == [True, True, True, False, False]


def test_a_metric_that_was_not_measured_is_named_with_those_that_were(history: History) -> None:
    with pytest.raises(KeyError, match="there are loss, val_accuracy"):
        history.column("f1")


def test_a_frame_needs_pandas_and_says_so(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(NotInstalled, match="lists"):
        history.frame()
