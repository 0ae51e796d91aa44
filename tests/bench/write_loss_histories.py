"""Writes the corpus of loss histories that early-stopping likelihoods are counted on: small real trainings, many settings.

Run it in slices if you like, what is done stays done; the whole corpus takes some ten minutes on two cores:

    KERAS_BACKEND=jax python tests/bench/write_loss_histories.py --runs 240 --seconds 420 --scratch /tmp/histories.jsonl

Once all runs are there, the packed corpus is written into the linter (``--pack`` writes it at once from what there is).
Real data that comes with scikit-learn; label noise, sample sizes, models, optimizers, rates, schedules and batch sizes
are drawn from a fixed seed, good settings and poor ones alike, because users try both.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent.parent
TARGET = ROOT / "linter/trainyard/linter/estimate/histories.bin"
EPOCHS = 100
SEED = 2026
DATA = ("digits", "digits", "breast_cancer", "wine", "iris", "diabetes")
LARGEST = 10.0


def settings(number: int) -> dict[str, Any]:
    """Return the settings of one run: a pure function of its number."""
    draw = random.Random(SEED * 10_000 + number)
    data = draw.choice(DATA)
    sgd = draw.random() < 0.3
    return {
        "data": data,
        "noise": draw.choice([0.0, 0.0, 0.1, 0.3]),
        "share": draw.choice([0.15, 0.4, 0.7, 0.7]),
        "model": draw.choice(["linear", "narrow", "wide", "deep"] + ["convolution"] * 2 * (data == "digits")),
        "dropout": draw.choice([0.0, 0.0, 0.25, 0.5]),
        "l2": draw.choice([0.0, 0.0, 1e-4, 1e-3]),
        "optimizer": "sgd" if sgd else draw.choice(["adam", "adam", "adamw", "rmsprop"]),
        "learning_rate": draw.choice([0.3, 0.1, 0.03, 0.01, 0.003] if sgd else [1e-2, 3e-3, 1e-3, 1e-3, 1e-3, 3e-4, 1e-4]),
        "schedule": draw.choice(["constant", "constant", "cosine"]),
        "batch_size": draw.choice([16, 32, 32, 64, 128]),
        "seed": number,
    }


def main() -> None:
    """Train what is still missing, then pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=240)
    parser.add_argument("--seconds", type=float, default=420.0)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--pack", action="store_true")
    arguments = parser.parse_args()
    if not arguments.pack:
        _train_missing(arguments.scratch, arguments.runs, arguments.seconds)
    rows = _rows(arguments.scratch)
    print(f"{len(rows)} of {arguments.runs} runs")
    if arguments.pack or len(rows) >= arguments.runs:
        _write(rows)


def _rows(scratch: Path) -> list[dict[str, Any]]:
    if not scratch.exists():
        return []
    rows = [json.loads(line) for line in scratch.read_text(encoding="utf-8").splitlines()]
    return sorted(rows, key=lambda row: row["number"])


def _train_missing(scratch: Path, runs: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    done = {row["number"] for row in _rows(scratch)}
    with scratch.open("a", encoding="utf-8") as file:
        for number in range(runs):
            if time.monotonic() > end:
                return
            if number not in done:
                row = {"number": number, **train(settings(number))}
                file.write(json.dumps(row) + "\n")
                file.flush()


def train(chosen: dict[str, Any]) -> dict[str, list[float]]:
    """Return the validation loss, and for classes the accuracy, of every epoch.

    The model, its losses and its optimizer are Keras'; the epochs run inside one compiled loop, which costs a tenth of
    ``fit`` for models as small as these.
    """
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(chosen["seed"])
    inputs, targets, classes = _data(chosen)
    learn, judge = _parts(len(inputs), chosen)
    model = _model(chosen, inputs.shape[1:], classes)
    batch = min(chosen["batch_size"], len(learn))
    optimizer = _optimizer(chosen, len(learn) // batch * EPOCHS)
    optimizer.build(model.trainable_variables)
    noisy = _noisy(targets, learn, classes, chosen)
    compiled = Compiled(model, optimizer, classes)
    losses, hits = _run(compiled, (inputs[learn], noisy[learn]), (inputs[judge], targets[judge]), batch)
    seen = {"val_loss": losses, "val_accuracy": hits} if classes else {"val_loss": losses}
    return {name: [_kept(float(value)) for value in values] for name, values in seen.items()}


class Compiled(NamedTuple):
    """What is trained, and by what; without classes it is a regression."""

    model: Any
    optimizer: Any
    classes: int


def _kept(value: float) -> float:
    return round(min(LARGEST, value), 6) if math.isfinite(value) else LARGEST


def _run(compiled: Compiled, learn: tuple[Any, Any], judge: tuple[Any, Any], batch: int) -> tuple[Any, Any]:
    """Return validation loss and accuracy of every epoch; a last batch that is not full is left out."""
    import jax
    import keras
    from jax import numpy as jnp

    model, optimizer, classes = compiled
    steps = len(learn[0]) // batch

    def loss_of(weights: Any, others: Any, x: Any, y: Any, training: Any) -> tuple[Any, tuple[Any, Any]]:
        out, others, penalties = model.stateless_call(weights, others, x, training=training, return_losses=True)
        each = keras.losses.sparse_categorical_crossentropy(y, out) if classes else jnp.square(out[:, 0] - y)
        return jnp.mean(each) + sum(penalties), (others, out)

    def step(state: Any, rows: Any) -> tuple[Any, None]:
        weights, others, slots = state
        x, y = learn[0][rows], learn[1][rows]
        (_, (others, _)), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights, others, x, y, True)
        weights, slots = optimizer.stateless_apply(slots, gradients, weights)
        return (weights, others, slots), None

    def epoch(state: Any, key: Any) -> tuple[Any, tuple[Any, Any]]:
        order = jax.random.permutation(key, len(learn[0]))[: steps * batch].reshape(steps, batch)
        state, _ = jax.lax.scan(step, state, order)
        loss, (_, out) = loss_of(state[0], state[1], *judge, False)
        hits = jnp.mean(jnp.argmax(out, axis=-1) == judge[1]) if classes else jnp.zeros(())
        return state, (loss, hits)

    learn = (jnp.asarray(learn[0]), jnp.asarray(learn[1]))
    kinds = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    state = tuple([jnp.copy(one.value) for one in kind] for kind in kinds)
    keys = jax.random.split(jax.random.key(len(learn[0])), EPOCHS)
    _, (losses, hits) = jax.jit(lambda start, each: jax.lax.scan(epoch, start, each))(state, keys)
    return losses, hits


def _data(chosen: dict[str, Any]) -> tuple[Any, Any, int]:
    import numpy as np
    from sklearn import datasets

    found = getattr(datasets, f"load_{chosen['data']}")()
    spread = found.data.std(axis=0)
    inputs = ((found.data - found.data.mean(axis=0)) / np.where(spread > 0, spread, 1.0)).astype("float32")
    if chosen["data"] == "diabetes":
        return inputs, ((found.target - found.target.mean()) / found.target.std()).astype("float32"), 0
    if chosen["model"] == "convolution":
        inputs = (found.data.reshape(-1, 8, 8, 1) / 16.0).astype("float32")
    return inputs, found.target.astype("int32"), int(found.target.max()) + 1


def _parts(samples: int, chosen: dict[str, Any]) -> tuple[Any, Any]:
    """Return the indices to learn from and a fifth of the set (at most) to judge by."""
    import numpy as np

    order = np.random.default_rng(chosen["seed"]).permutation(samples)
    judge = samples // 5
    return order[judge : judge + max(24, int(chosen["share"] * samples))], order[:judge]


def _noisy(targets: Any, learn: Any, classes: int, chosen: dict[str, Any]) -> Any:
    """Return targets of which some that are learnt from are wrong."""
    import numpy as np

    draw = np.random.default_rng(chosen["seed"] + 1)
    noisy = targets.copy()
    if not classes:
        noisy[learn] += chosen["noise"] * draw.standard_normal(len(learn)).astype("float32")
        return noisy
    wrong = learn[draw.random(len(learn)) < chosen["noise"]]
    noisy[wrong] = draw.integers(0, classes, len(wrong))
    return noisy


def _model(chosen: dict[str, Any], shape: tuple[int, ...], classes: int) -> Any:
    import keras
    from keras import layers

    widths = {"linear": (), "narrow": (16,), "wide": (256,), "deep": (64, 64, 64), "convolution": (32,)}[chosen["model"]]
    penalty = keras.regularizers.L2(chosen["l2"]) if chosen["l2"] else None
    stack = [keras.Input(shape)]
    if chosen["model"] == "convolution":
        stack += [layers.Conv2D(16, 3, activation="relu", kernel_regularizer=penalty), layers.MaxPooling2D(), layers.Flatten()]
    for width in widths:
        stack += [layers.Dense(width, activation="relu", kernel_regularizer=penalty), layers.Dropout(chosen["dropout"])]
    stack.append(layers.Dense(classes, activation="softmax") if classes else layers.Dense(1))
    return keras.Sequential(stack)


def _optimizer(chosen: dict[str, Any], steps: int) -> Any:
    import keras

    rate: Any = chosen["learning_rate"]
    if chosen["schedule"] == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    match chosen["optimizer"]:
        case "sgd":
            return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
        case "adamw":
            return keras.optimizers.AdamW(rate, weight_decay=0.01)
        case "rmsprop":
            return keras.optimizers.RMSprop(rate)
        case _:
            return keras.optimizers.Adam(rate)


def _write(rows: list[dict[str, Any]]) -> None:
    from trainyard.linter.estimate.stopping import pack

    packed = pack([row["val_loss"] for row in rows], [row["val_accuracy"] for row in rows if "val_accuracy" in row])
    TARGET.write_bytes(packed)
    print(f"{TARGET.name}: {len(packed)} bytes, {len(rows)} runs")


if __name__ == "__main__":
    main()
