"""After ``trainyard calibrate``, the predicted warm epoch of specs that were not measured: median error at most a quarter.

.venv/bin/pytest tests/bench/test_time_calibration.py --run-bench     # ten minutes, on a machine that does nothing else

The specs are of every kind that the language can say, in sizes that the calibration has not; none of them had a part in a fit.
Each is trained by the trainer itself, as a job would be; the profile is measured before and stored.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.bench.conftest import TRAINERS, Bench

from trainyard.linter import spec as language
from trainyard.linter.estimate.hardware import HardwareProfile, profile
from trainyard.linter.estimate.time import Work, times
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.workload import works
from trainyard.service import wire
from trainyard.service.executor.environment import CPU, standby_environment
from trainyard.service.main.calibrating import calibrate

MOST_ERROR = 0.25
# Short epochs pass before what a run does beside its first ones (a bundle, a checkpoint) is over: of those there are more.
EPOCHS, SHORT_EPOCHS = 6, 40
SHORT = ("table", "digits-flat", "words-mean", "words-conv")
BACKENDS = ("tensorflow", "jax")
Sized = tuple[dict[str, Any], list[int], int, int, dict[str, Any]]


def mlp(*hidden: int, **of: Any) -> dict[str, Any]:
    return {"type": "mlp", "hidden": list(hidden), "dropout": of.pop("dropout", 0.2), **of}


def cnn(*filters: int, head: dict[str, Any] | None = None, **of: Any) -> dict[str, Any]:
    return {"type": "cnn", "blocks": [{"filters": count, **of} for count in filters], "head": head or {"dropout": 0.4, "hidden": [64]}}


def stack(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"type": "sequential", "layers": list(layers), "output": {}}


def layer(kind: str, **of: Any) -> dict[str, Any]:
    return {"type": kind, **of}


def base(backbone: str, trainable: Any = "none") -> dict[str, Any]:
    head = {"pooling": "global_average", "hidden": [32], "dropout": 0.2}
    return {"type": "transfer", "backbone": backbone, "weights": None, "trainable": trainable, "head": head}


WORDS = 5000
EMBEDDING = layer("embedding", input_dim=WORDS, output_dim=40)
FLIPS = {"augmentation": [{"type": "random_flip"}, {"type": "random_zoom", "height_factor": 0.1}]}
SGD = {"optimizer": {"type": "sgd", "learning_rate": 0.001, "momentum": 0.9}}
RMS = {"optimizer": {"type": "rmsprop", "learning_rate": 0.0001}}
#: Model, shape of a sample, batch size, samples, and what else differs.
SPECS: dict[str, Sized] = {
    "table-small": (mlp(24), [13], 16, 1500, {}),
    "table-usual": (mlp(64, 32), [30], 32, 4000, {}),
    "table-large-batch": (mlp(128, 64, 32, batch_norm=True), [50], 256, 20_000, {}),
    "table-wide": (mlp(768, 384), [200], 64, 6000, SGD),
    "table-many-layers": (mlp(*[80] * 6), [40], 64, 6000, RMS),
    "digits-flat": (mlp(300, 100), [28, 28, 1], 128, 8000, {}),
    "digits-cnn": (cnn(32, 64), [28, 28, 1], 64, 4000, {}),
    "digits-cnn-tiny": (cnn(6, 16), [28, 28, 1], 32, 4000, SGD),
    "colour-cnn": (cnn(32, 64, 128), [32, 32, 3], 64, 2000, {}),
    "colour-cnn-normed": (cnn(20, 40, batch_norm=True, convolutions=2), [32, 32, 3], 32, 1500, {}),
    "colour-cnn-augmented": (cnn(24, 48), [32, 32, 3], 64, 2000, FLIPS),
    "grey-cnn": (cnn(16, 32, 64, 64), [64, 64, 1], 32, 1200, {}),
    "large-cnn": (cnn(24, 48, 96, head={"pooling": "global_average", "hidden": [], "dropout": 0.3}), [96, 96, 3], 16, 400, {}),
    "residual": (
        stack(
            layer("conv2d", filters=24, kernel_size=3, padding="same"),
            layer("residual_block", filters=24),
            layer("residual_block", filters=48, strides=2),
            layer("global_average_pooling2d"),
        ),
        [32, 32, 3], 32, 1500, {},
    ),
    "dense-block": (
        stack(
            layer("conv2d", filters=16, kernel_size=3),
            layer("dense_block", convolutions=4, growth_rate=12),
            layer("global_max_pooling2d"),
        ),
        [28, 28, 1], 32, 1500, {},
    ),
    "separable": (
        stack(
            layer("conv2d", filters=24, kernel_size=3, strides=2, padding="same", activation="relu"),
            layer("separable_conv2d", filters=48, kernel_size=3, padding="same", activation="relu"),
            layer("batch_normalization"),
            layer("separable_conv2d", filters=96, kernel_size=3, strides=2, padding="same", activation="relu"),
            layer("global_average_pooling2d"),
        ),
        [48, 48, 3], 32, 1000, {},
    ),
    "words-mean": (
        stack(EMBEDDING, layer("global_average_pooling1d"), layer("dense", units=64, activation="relu")),
        [100], 64, 4000, {"words": True},
    ),
    "words-conv": (
        stack(
            EMBEDDING,
            layer("conv1d", filters=48, kernel_size=5, activation="relu"),
            layer("global_max_pooling1d"),
            layer("dropout", rate=0.3),
        ),
        [150], 32, 2000, {"words": True},
    ),
    "words-lstm": (stack(EMBEDDING, layer("lstm", units=48), layer("dropout", rate=0.3)), [50], 32, 1500, {"words": True}),
    "words-gru-both": (stack(EMBEDDING, layer("gru", units=32, bidirectional=True)), [40], 64, 1500, {"words": True}),
    "series-lstm": (stack(layer("lstm", units=64)), [48, 6], 64, 2000, {}),
    "base-mobilenet": (base("mobilenet"), [96, 96, 3], 16, 300, {}),
    "base-efficientnet": (base("efficientnet_b0"), [64, 64, 3], 16, 300, {}),
    "base-densenet": (base("densenet121"), [64, 64, 3], 16, 200, {}),
    "base-vgg-last": (base("vgg16", {"last": 4}), [48, 48, 3], 16, 300, {}),
    "base-small-learning": (base("mobilenet_v3_small", "all"), [64, 64, 3], 32, 400, {}),
}  # fmt: skip


def written(name: str) -> dict[str, Any]:
    model, shape, batch, samples, more = SPECS[name]
    return {
        "version": "v1",
        "experiment": {"name": name},
        "task": "classification",
        "dataset": {
            "type": "npz",
            "path": f"{name}.npz",
            "input_shape": shape,
            "scaling": "none",
            "split": {"validation": 0.2, "test": 0.1},
            "facts": {"classes": 5, "samples": samples},
        },
        "model": model,
        "training": {"epochs": SHORT_EPOCHS if name.startswith(SHORT) else EPOCHS, "batch_size": batch},
        "callbacks": {"early_stopping": None},
        "optimizer": {"type": "adam", "learning_rate": 0.0001},
        **{key: value for key, value in more.items() if key != "words"},
    }


def write_samples(name: str, folder: Path) -> None:
    _, shape, _, samples, more = SPECS[name]
    chance = np.random.default_rng(3)
    inputs: Any = chance.integers(0, 255, size=(samples, *shape)).astype("uint8")
    if more.get("words"):
        inputs = chance.integers(1, WORDS, size=(samples, *shape)).astype("int32")
    elif len(shape) < 3:
        inputs = chance.normal(size=(samples, *shape)).astype("float32")
    np.savez(folder / f"{name}.npz", x=inputs, y=np.arange(samples) % 5)


def work(resolved: dict[str, Any]) -> Work:
    """Return what the plan, the rules and the gate count."""
    return works(Case(language.typed(resolved), resolved))[-1]


def trained(name: str, resolved: dict[str, Any], folder: Path, backend: str) -> float:
    """Train a spec by the trainer itself and return the least seconds of a warm epoch: what disturbs one only makes it longer."""
    run = wire.RunFolder(folder / f"{backend}-{name}-{time.monotonic_ns()}")
    run.path.mkdir()
    run.resolved.write_text(json.dumps(resolved), encoding="utf-8")
    command = [sys.executable, "-P", "-m", "trainyard.service.trainer", str(run.path), "--data-root", str(folder)]
    environment = {**os.environ, **standby_environment(os.environ, slots=1, backend=backend)(CPU)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert not ended.returncode, ended.stderr[-2000:]
    lines = [wire.decode(line).body for line in run.events.read_bytes().splitlines()]
    return min([body.seconds for body in lines if isinstance(body, wire.EpochFinished)][1:])


def error(predicted: float, actual: float) -> float:
    """Return how far off a prediction is: 0.25 for four fifths of it and for five quarters alike."""
    return math.exp(abs(math.log(predicted / actual))) - 1


def judged(known: HardwareProfile, actual: dict[str, float]) -> dict[str, Any]:
    told = {name: times(work(language.resolve(written(name))), known).epoch for name in actual}
    errors = {name: error(told[name].middle, seconds) for name, seconds in actual.items()}
    return {
        "specs": len(actual),
        "median_error": round(statistics.median(errors.values()), 3),
        "within_the_interval": round(
            sum(told[name].low <= seconds <= told[name].high for name, seconds in actual.items()) / len(actual), 2
        ),
        "rows": {
            name: {"epoch_ms": round(1000 * seconds, 1), "predicted_over_actual": round(told[name].middle / seconds, 2)}
            for name, seconds in actual.items()
        },
    }


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_calibrated_box_predicts_epochs_that_it_never_measured(backend: str, bench: Bench, tmp_path: Path) -> None:
    if not bench.full:
        pytest.skip("minutes of training: with --run-bench")
    pytest.importorskip(backend)
    began = time.monotonic()
    described = calibrate("cpu", print, backend=backend)
    took = time.monotonic() - began
    actual = {}
    for name in SPECS:
        write_samples(name, tmp_path)
        actual[name] = trained(name, language.resolve(written(name)), tmp_path, backend)
        print(f"{name}: {actual[name] * 1000:.0f} ms an epoch")
    found = judged(profile(described), actual)
    bench.keep(f"time_calibration_{backend}", {"calibration_seconds": round(took), **found, "profile": described}, TRAINERS)
    assert found["specs"] >= 20
    assert found["median_error"] <= MOST_ERROR


@pytest.mark.gate
def test_the_specs_of_the_bench_are_understood_and_counted() -> None:
    assert all(work(language.resolve(written(name))).steps > 0 for name in SPECS)
