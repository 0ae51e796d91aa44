"""Keras' own schedules and its plateau callback are the oracle of the closed forms."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from trainyard.linter.estimate.schedule import Curve, lowest_plateau_factor
from trainyard.linter.spec.model.scheduler import Cosine, Exponential, InverseTime, Polynomial, ReduceOnPlateau, Schedule, Step
from trainyard.linter.spec.model.units import Length

pytestmark = [
    pytest.mark.keras,
    # Keras 3.15 calls NumPy the way of NumPy 1.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

RATE, STEPS_PER_EPOCH, EPOCHS = 0.02, 10, 12
FORTY = Length(4, None)


def keras_schedules() -> list[tuple[Schedule, Callable[[int], float]]]:
    from keras.optimizers import schedules

    return [
        (Cosine("cosine", FORTY, 0.001, False, None), schedules.CosineDecay(RATE, 40, alpha=0.05)),
        (Cosine("cosine", FORTY, 0.001, True, None), schedules.CosineDecayRestarts(RATE, 40, t_mul=1.0, m_mul=1.0, alpha=0.05)),
        (Exponential("exponential", 0.9, FORTY, False, None), schedules.ExponentialDecay(RATE, 40, 0.9)),
        (Exponential("exponential", 0.9, FORTY, True, None), schedules.ExponentialDecay(RATE, 40, 0.9, staircase=True)),
        (InverseTime("inverse_time", 0.5, FORTY, False, None), schedules.InverseTimeDecay(RATE, 40, 0.5)),
        (InverseTime("inverse_time", 0.5, FORTY, True, None), schedules.InverseTimeDecay(RATE, 40, 0.5, staircase=True)),
        (Polynomial("polynomial", FORTY, 0.001, 2.0, None), schedules.PolynomialDecay(RATE, 40, 0.001, power=2.0)),
        # Keras counts a boundary to the piece before it, so its 39 is the last step of our first 40.
        (Step("step", FORTY, None, 0.1, None), schedules.PiecewiseConstantDecay([39, 79], [RATE, RATE / 10, RATE / 100])),
    ]


def test_every_schedule_equals_that_of_keras_at_every_step() -> None:
    for ours, theirs in keras_schedules():
        curve = Curve(RATE, (ours,), STEPS_PER_EPOCH, EPOCHS)
        for step in range(curve.steps):
            assert curve.at(step) == pytest.approx(float(theirs(step)), rel=1e-4, abs=1e-8), (ours, step)


@pytest.mark.parametrize("patience, cooldown", [(1, 0), (2, 0), (3, 1), (2, 2), (2, 5), (5, 0)])
def test_the_lowest_plateau_is_that_of_the_callback_fed_with_a_loss_that_never_falls(patience: int, cooldown: int) -> None:
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    callback = keras.callbacks.ReduceLROnPlateau("val_loss", 0.5, patience, mode="min", cooldown=cooldown, min_lr=0.0)
    callback.set_model(model)
    callback.on_train_begin()
    ours = ReduceOnPlateau("reduce_on_plateau", "val_loss", "auto", 0.5, patience, 1e-4, cooldown, 0.0, None)
    for epoch in range(1, 20):
        callback.on_epoch_end(epoch - 1, {"val_loss": 1.0})
        assert lowest_plateau_factor(ours, epoch) == pytest.approx(float(model.optimizer.learning_rate.numpy()))
