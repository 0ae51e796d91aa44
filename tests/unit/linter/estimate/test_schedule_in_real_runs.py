"""Real ``fit`` of Keras is the oracle: the rate that every epoch trained with, and what a plateau decided on real values.

The schedules of these runs are Keras' own, or written down here from the language's reference where Keras has none; none of
them shares a line with the linter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter.estimate.plateau import scales
from trainyard.linter.estimate.schedule import Curve
from trainyard.linter.spec.model.scheduler import (
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    Step,
)
from trainyard.linter.spec.model.units import Length

pytestmark = [
    pytest.mark.keras,
    # Keras 3.15 calls NumPy the way of NumPy 1.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

RATE, STEPS, EPOCHS = 0.02, 4, 7
TOTAL = STEPS * EPOCHS
# (as written, in steps)
UNITS = {"epochs": (Length(3, None), 12), "steps": (Length(None, 11), 11)}
WARMUPS = {"none": (None, 0), "epochs": (Length(2, None), 8), "steps": (Length(None, 3), 3)}
Oracle = Callable[[int, int], Any]


def stepped(length: int, _after: int) -> Any:
    import keras

    # Keras counts a boundary to the piece before it, so the last step of a piece is one less.
    ends = [length - 1, 2 * length - 1]
    return keras.optimizers.schedules.PiecewiseConstantDecay(ends, [RATE, RATE * 0.3, RATE * 0.09])


def one_cycle(length: int, _after: int) -> Callable[[float], float]:
    peak = 0.3 * length
    low, last = RATE / 25, RATE / 25 / 1e4

    def at(step: float) -> float:
        if step < peak:
            return RATE + (low - RATE) * (1 + math.cos(math.pi * step / peak)) / 2
        done = min(1.0, (step - peak) / (length - peak))
        return last + (RATE - last) * (1 + math.cos(math.pi * done)) / 2

    return at


def kinds() -> dict[str, tuple[Callable[[Length, Length | None], Schedule], Oracle]]:
    """Return our schedule and the oracle of each, from a length and a warm-up."""
    from keras.optimizers import schedules as theirs

    return {
        "constant": (lambda _length, warm: Constant("constant", warm), lambda _length, _after: lambda _step: RATE),
        "cosine": (
            lambda length, warm: Cosine("cosine", length, 0.001, False, warm),
            lambda length, _after: theirs.CosineDecay(RATE, length, alpha=0.05),
        ),
        "cosine with restarts": (
            lambda length, warm: Cosine("cosine", length, 0.001, True, warm),
            lambda length, _after: theirs.CosineDecayRestarts(RATE, length, t_mul=1.0, m_mul=1.0, alpha=0.05),
        ),
        "step": (lambda length, warm: Step("step", length, None, 0.3, warm), stepped),
        "milestones": (
            lambda length, warm: Step("step", None, (length, Length(None, 19)), 0.3, warm),
            lambda length, _after: theirs.PiecewiseConstantDecay([length - 1, 18], [RATE, RATE * 0.3, RATE * 0.09]),
        ),
        "exponential": (
            lambda length, warm: Exponential("exponential", 0.9, length, False, warm),
            lambda length, _after: theirs.ExponentialDecay(RATE, length, 0.9),
        ),
        "exponential in stairs": (
            lambda length, warm: Exponential("exponential", 0.9, length, True, warm),
            lambda length, _after: theirs.ExponentialDecay(RATE, length, 0.9, staircase=True),
        ),
        "inverse time": (
            lambda length, warm: InverseTime("inverse_time", 0.5, length, False, warm),
            lambda length, _after: theirs.InverseTimeDecay(RATE, length, 0.5),
        ),
        "polynomial": (
            lambda length, warm: Polynomial("polynomial", length, 0.001, 2.0, warm),
            lambda length, _after: theirs.PolynomialDecay(RATE, length, 0.001, power=2.0),
        ),
        "one cycle": (lambda length, warm: OneCycle("one_cycle", length, 0.3, 25.0, 1e4, warm), one_cycle),
        "one cycle over the run": (
            lambda _length, warm: OneCycle("one_cycle", None, 0.3, 25.0, 1e4, warm),
            lambda _length, after: one_cycle(after, after),
        ),
    }


KINDS = (
    "constant",
    "cosine",
    "cosine with restarts",
    "step",
    "milestones",
    "exponential",
    "exponential in stairs",
    "inverse time",
    "polynomial",
    "one cycle",
    "one cycle over the run",
)


def data() -> tuple[Any, Any]:
    import numpy as np

    draw = np.random.default_rng(4)
    x = draw.standard_normal((STEPS * 4, 3)).astype("float32")
    return x, (x @ np.asarray([[1.0], [-2.0], [0.5]], dtype="float32") + draw.standard_normal((STEPS * 4, 1)) * 0.3).astype("float32")


def rates_of_a_run(schedule: Callable[[float], Any]) -> tuple[list[float], list[float]]:
    """Return the rate of every step, and what Keras reports at the end of every epoch, of a real run."""
    import keras

    class Written(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # Keras ships no types
        def __call__(self, step: Any) -> Any:
            return keras.ops.cast(schedule(float(step)), "float32")

    steps: list[float] = []
    ends: list[float] = []

    class Watch(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
        def on_train_batch_begin(self, *_told: Any, **_logs: Any) -> None:
            steps.append(float(self.model.optimizer.learning_rate))

        def on_epoch_end(self, *_told: Any, **_logs: Any) -> None:
            ends.append(float(self.model.optimizer.learning_rate))

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(Written()), loss="mse", run_eagerly=True)
    x, y = data()
    model.fit(x, y, batch_size=4, epochs=EPOCHS, verbose=0, callbacks=[Watch()])
    return steps, ends


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("warmup", WARMUPS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_curve_is_the_rate_of_every_step_and_epoch_of_a_real_run(kind: str, warmup: str, unit: str) -> None:
    ours, oracle = kinds()[kind]
    length, length_steps = UNITS[unit]
    warm, warm_steps = WARMUPS[warmup]
    inner = oracle(length_steps, TOTAL - warm_steps)

    def whole(step: float) -> Any:
        return inner(step - warm_steps) if step >= warm_steps else (step + 1) / warm_steps * float(inner(0))

    steps, ends = rates_of_a_run(whole)
    curve = Curve(RATE, (ours(length, warm),), STEPS, EPOCHS)
    assert steps == pytest.approx([curve.at(step) for step in range(TOTAL)], rel=1e-4, abs=1e-8)
    assert steps[STEPS - 1 :: STEPS] == pytest.approx([curve.at_epoch_end(epoch) for epoch in range(1, EPOCHS + 1)], rel=1e-4, abs=1e-8)
    # What Keras reports when an epoch has ended is the rate that the next one begins with.
    assert ends == pytest.approx([curve.at(epoch * STEPS) for epoch in range(1, EPOCHS + 1)], rel=1e-4, abs=1e-8)


@pytest.fixture(scope="module")
def watched() -> list[dict[str, float]]:
    """Losses and accuracies of a real run that is too hot to settle: 40 epochs that rise and fall."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(3)
    x, y = data()
    labels = (y[:, 0] > np.median(y)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer=keras.optimizers.SGD(1.0, momentum=0.9), loss="binary_crossentropy", metrics=["accuracy"])
    seen = model.fit(x, labels, batch_size=4, epochs=40, verbose=0, validation_data=(x[:9], labels[:9])).history
    return [{name: float(values[epoch]) for name, values in seen.items()} for epoch in range(40)]


PLATEAUS = [
    ReduceOnPlateau("reduce_on_plateau", monitor, mode, 0.5, patience, min_delta, cooldown, min_lr, None)
    for monitor, mode in (("val_loss", "min"), ("accuracy", "max"), ("val_accuracy", "max"))
    for patience in (1, 2, 4)
    for cooldown in (0, 1, 3)
    for min_delta in (0.0, 0.01)
    for min_lr in (0.0, 0.003, 0.5)
]


def test_a_plateau_decides_as_keras_does_on_the_values_of_a_real_run(watched: list[dict[str, float]]) -> None:
    decided = {plateau: decisions(plateau, watched) for plateau in PLATEAUS}
    for plateau, rates in decided.items():
        found = scales(plateau, [0.5] * len(watched), [logs[plateau.monitor] for logs in watched])
        assert [0.5 * scale for scale in found] == pytest.approx(rates, rel=1e-5), plateau
    assert len({tuple(rates) for rates in decided.values()}) > 15


def decisions(plateau: ReduceOnPlateau, watched: list[dict[str, float]]) -> list[float]:
    """Return the rate after each epoch, as Keras' callback leaves it."""
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
    theirs = keras.callbacks.ReduceLROnPlateau(
        plateau.monitor,
        plateau.factor,
        plateau.patience,
        mode=plateau.mode,
        min_delta=plateau.min_delta,
        cooldown=plateau.cooldown,
        min_lr=plateau.min_lr,
    )
    theirs.set_model(model)
    theirs.on_train_begin()
    rates = []
    for epoch, logs in enumerate(watched):
        theirs.on_epoch_end(epoch, dict(logs))
        rates.append(float(model.optimizer.learning_rate.numpy()))
    return rates
