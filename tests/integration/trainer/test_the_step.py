"""What one update does: blended samples and labels, crops, accumulated gradients, scaled losses."""

from typing import Any

import keras
import numpy as np
import pytest

from trainyard.service.trainer.blending import CutMix, MixUp
from trainyard.service.trainer.cropping import RandomCrop

PICTURES = {"input_shape": [8, 8, 1], "scaling": "unit"}


def test_mix_up_is_the_weighted_mean_of_a_sample_and_its_partner() -> None:
    layer = MixUp(alpha=0.4, seed=3)
    raw = np.random.default_rng(1).normal(size=(64, 5)).astype(np.float32)

    mixed = np.asarray(layer(raw, training=True))
    shares, partners = np.asarray(layer.shares)[:, np.newaxis], np.asarray(layer.partners)

    np.testing.assert_allclose(mixed, shares * raw + (1 - shares) * raw[partners], rtol=1e-5, atol=1e-6)
    assert sorted(partners.tolist()) == list(range(64))
    np.testing.assert_array_equal(np.asarray(layer(raw)), raw)


def test_shares_are_drawn_from_the_beta_distribution() -> None:
    layer = MixUp(alpha=0.2, seed=3)
    layer(np.zeros((20_000, 1), np.float32), training=True)
    shares = np.asarray(layer.shares)

    assert shares.mean() == pytest.approx(0.5, abs=0.01)
    assert shares.var() == pytest.approx(1 / (4 * (2 * 0.2 + 1)), rel=0.03)


def test_cut_mix_pastes_a_rectangle_and_counts_its_area() -> None:
    layer = CutMix(1.0, seed=5)
    raw = np.arange(40, dtype=np.float32)[:, np.newaxis, np.newaxis, np.newaxis] * np.ones((40, 9, 7, 2), np.float32)

    mixed = np.asarray(layer(raw, training=True))
    shares, partners = np.asarray(layer.shares), np.asarray(layer.partners)

    for place in range(40):
        own = mixed[place] == raw[place]
        assert np.all(own | (mixed[place] == raw[partners[place]]))
        if partners[place] != place:
            assert own.mean() == pytest.approx(shares[place], abs=1e-6)
            rows, columns = np.nonzero(~own[..., 0])
            assert (~own[..., 0]).sum() == len(np.unique(rows)) * len(np.unique(columns))
    assert 0.3 < shares.mean() < 0.7


def test_a_crop_is_a_window_of_the_picture_and_each_sample_has_its_own() -> None:
    raw = np.arange(30 * 6 * 8, dtype=np.float32).reshape(30, 6, 8, 1)
    layer = RandomCrop(4, 5, seed=2)

    cut = np.asarray(layer(raw, training=True))

    assert cut.shape == (30, 4, 5, 1)
    corners = set()
    for place in range(30):
        first = int(cut[place, 0, 0, 0]) - place * 48
        row, column = divmod(first, 8)
        np.testing.assert_array_equal(cut[place], raw[place, row : row + 4, column : column + 5])
        corners.add((row, column))
    assert len(corners) > 5
    np.testing.assert_array_equal(np.asarray(layer(raw)), raw[:, 1:5, 1:6])


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_of_blended_samples_is_that_of_blended_labels(prepare: Any, loss: str, weighted: bool) -> None:
    imbalance = {"type": "class_weights", "weights": {"circle": 1.0, "cross": 2.0, "stripe": 0.5}} if weighted else {"type": "none"}
    prepared = prepare(
        "images",
        augmentation=[{"type": "mix_up", "alpha": 1.0}, {"type": "cut_mix"}],
        loss={"type": loss},
        model={"output": {"units": 3}},
        imbalance=imbalance,
    )
    learner = prepared.built.learner
    inputs, targets, *weights = prepared.train[0]
    outputs = learner(inputs, training=True)
    rows = np.eye(3)[prepared.division.train.targets[prepared.train.order[:16]]] * (weights[0][:, np.newaxis] if weighted else 1.0)
    for blend in learner.blends.layers:
        shares, partners = np.asarray(blend.shares)[:, np.newaxis], np.asarray(blend.partners)
        rows = shares * rows + (1 - shares) * rows[partners]
    wanted = -(rows * np.log(np.asarray(outputs))).sum() / 16

    found = learner.compute_loss(inputs, targets, outputs, weights[0] if weighted else None, training=True)

    assert float(found) == pytest.approx(wanted, rel=1e-4)
    assert len(learner.blends.layers) == 2


def test_accumulated_gradients_are_one_update_of_their_mean(prepare: Any) -> None:
    def after(steps: int, accumulation: int, size: int) -> list[Any]:
        prepared = prepare(
            optimizer={"type": "sgd", "learning_rate": 0.1, "momentum": 0.0},
            training={"batch_size": size, "gradient_accumulation": accumulation, "shuffle": False},
        )
        prepared.rates.begin(0)
        learner = prepared.built.learner
        learner.run_eagerly = True
        for step in range(steps):
            learner.train_on_batch(*prepared.train[step])
        return list(prepared.built.kept.get_weights())

    for one, other in zip(after(1, 1, 24), after(3, 3, 8), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_rates_are_those_of_the_batch_where_gradients_are_accumulated(prepare: Any) -> None:
    prepared = prepare(
        optimizer={"type": "sgd", "learning_rate": 0.3},
        scheduler={"type": "exponential", "rate": 0.5, "every": {"steps": 1}},
        training={"gradient_accumulation": 3, "epochs": 3},
    )
    optimizer = prepared.built.learner.optimizer
    counter = next(variable for variable in optimizer.variables if variable.name == "iteration")
    steps = len(prepared.train)
    counter.assign(steps)
    prepared.rates.begin(1)
    counter.assign(steps + 2)

    assert float(optimizer.learning_rate) == pytest.approx(0.3 * 0.5 ** ((steps + 2) / 3), rel=1e-5)


def test_a_fixed_loss_scale_leaves_the_update_as_it_is(prepare: Any) -> None:
    def after(scale: float | None) -> list[Any]:
        prepared = prepare(optimizer={"type": "sgd", "learning_rate": 0.1}, training={"loss_scale": scale, "shuffle": False})
        assert prepared.built.learner.optimizer.loss_scale_factor == scale
        prepared.rates.begin(0)
        prepared.built.learner.run_eagerly = True
        prepared.built.learner.train_on_batch(*prepared.train[0])
        return list(prepared.built.kept.get_weights())

    for one, other in zip(after(None), after(1024.0), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_every_draw_has_a_seed_of_its_own(prepare: Any) -> None:
    prepared = prepare("images", augmentation=[{"type": "mix_up"}, {"type": "cut_mix"}, {"type": "random_crop", "height": 7, "width": 7}])

    states = [np.asarray(variable).tolist() for variable in prepared.built.learner.variables if variable.name == "seed_generator_state"]

    assert len(states) >= 3
    assert len({tuple(state) for state in states}) == len(states)
    assert keras.backend.backend() in {"tensorflow", "jax"}
