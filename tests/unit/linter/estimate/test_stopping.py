"""Early-stopping likelihood: counting as Keras counts, on a corpus that is there, whole and quick to ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard.linter.estimate.stopping import CORPUS, RESOLUTION, Rule, likelihood, pack, stops_at, unpack

histories = st.lists(st.integers(0, 400).map(lambda units: units * RESOLUTION), min_size=100, max_size=100)


def test_the_corpus_holds_enough_histories_of_both_monitors() -> None:
    losses, shares = (unpack(CORPUS.read_bytes(), series) for series in (0, 1))
    assert len(losses) >= 150
    assert len(shares) >= 100
    assert {len(history) for history in (*losses, *shares)} == {100}
    assert all(0 <= value * RESOLUTION <= 1 for history in shares for value in history)
    assert CORPUS.stat().st_size < 80_000


@settings(max_examples=30, deadline=None)
@given(st.lists(histories, max_size=3), st.lists(histories, max_size=3))
def test_what_is_packed_comes_back_to_within_the_resolution(first: list[list[float]], second: list[list[float]]) -> None:
    packed = pack(first, second)
    for series, written in enumerate((first, second)):
        assert unpack(packed, series) == tuple(tuple(round(value / RESOLUTION) for value in history) for history in written)


def test_a_history_of_another_length_is_not_packed() -> None:
    with pytest.raises(ValueError, match="99 epochs"):
        pack([[0.5] * 99])


def test_more_patience_and_fewer_epochs_make_stopping_less_likely() -> None:
    shares = [found.share for patience in (1, 3, 10, 30, 99) if (found := likelihood(Rule(patience, 1e-4), "val_loss", 100))]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.5
    assert shares[-1] == 0.0
    short, long = (likelihood(Rule(10, 1e-4), "val_loss", epochs) for epochs in (15, 100))
    assert short is not None
    assert long is not None
    assert short.share < long.share


def test_a_larger_min_delta_makes_stopping_likelier() -> None:
    fine, coarse = (likelihood(Rule(10, delta), "val_loss", 100) for delta in (0.0, 0.01))
    assert fine is not None
    assert coarse is not None
    assert fine.share < coarse.share
    assert fine.low <= fine.share <= fine.high


def test_a_run_longer_than_the_histories_is_told_as_at_least() -> None:
    found = likelihood(Rule(10, 1e-4), "val_loss", 500)
    assert found is not None
    assert found.at_least
    assert found.high == 1.0


def test_shares_of_right_answers_are_counted_on_accuracy_and_the_rest_is_unknown() -> None:
    found = likelihood(Rule(10, 1e-4, "max"), "val_f1", 100)
    assert found is not None
    assert found.monitor == "val_accuracy"
    assert likelihood(Rule(10), "loss", 100) is None
    assert likelihood(Rule(10), "val_mae", 100) is None


def test_patience_beyond_the_epochs_never_stops() -> None:
    found = likelihood(Rule(10), "val_loss", 10)
    assert found is not None
    assert (found.share, found.median_epoch, found.saved) == (0.0, None, 0.0)
    none = likelihood(Rule(0), "val_loss", 0)
    assert none is not None
    assert none.share == 0.0


def test_a_question_costs_a_fraction_of_a_yardstick(cost: Callable[[Callable[[], object]], float]) -> None:
    likelihood(Rule(10), "val_loss", 100)
    assert cost(lambda: likelihood(Rule(10, 1e-4), "val_loss", 100)) < 0.07
    assert cost(lambda: unpack(CORPUS.read_bytes(), 0)) < 0.07


def keras_stops_at(values: list[float], rule: Rule) -> int | None:
    import keras

    class Model:
        stop_training = False
        optimizer = None

    callback = keras.callbacks.EarlyStopping(
        "watched", min_delta=rule.min_delta, patience=rule.patience, mode=rule.mode, start_from_epoch=rule.start_from_epoch
    )
    model: Any = Model()
    callback._model = model
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"watched": value})
        if model.stop_training:
            return epoch + 1
    return None


@pytest.mark.keras
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("patience", [0, 1, 3, 7])
@pytest.mark.parametrize("start", [0, 4])
def test_keras_own_callback_stops_at_the_same_epoch(mode: str, patience: int, start: int) -> None:
    import random

    draw = random.Random(patience)
    for min_delta in (0.0, 0.0011, 0.0501):
        rule = Rule(patience, min_delta, mode, start)
        for _ in range(25):
            values = [round(draw.uniform(0.5, 1.0) + 0.3 / (epoch + 1), 3) for epoch in range(30)]
            assert stops_at(values, rule) == keras_stops_at(values, rule)
