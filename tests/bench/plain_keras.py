"""The script that a person would have written: same network, Keras' own loop, as the Keras guides teach.

    python plain_keras.py VARIANT RESOLVED_SPEC DATA_ROOT REPORT

``folder`` reads an image folder by ``image_dataset_from_directory``, ``arrays`` hands whole arrays to ``fit``. The network is
built by Trainyard's own builder, so that only the way of training differs; no callback but a stopwatch, no checkpoint.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # noqa: E402 -- the backend comes first
import numpy as np  # noqa: E402

from trainyard.linter import spec as language  # noqa: E402
from trainyard.linter.spec.model.spec import Spec  # noqa: E402
from trainyard.service.trainer import preparation  # noqa: E402


class Stopwatch(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """Seconds from one epoch's end to the next."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        del epoch, logs
        self.moments.append(time.perf_counter())


def folder(spec: Spec, root: Path) -> tuple[Any, Any]:
    """Read training and validation images as the guide on image classification from scratch does."""
    height, width, channels = spec.dataset.input_shape or (0, 0, 0)
    shared: dict[str, Any] = {
        "directory": root / spec.dataset.path,
        "validation_split": 0.3,
        "seed": 1,
        "image_size": (height, width),
        "color_mode": "grayscale" if channels == 1 else "rgb",
        "batch_size": spec.training.batch_size,
        "verbose": False,
    }
    parts = [keras.utils.image_dataset_from_directory(subset=subset, **shared) for subset in ("training", "validation")]
    return (parts[0].prefetch(-1),), parts[1].prefetch(-1)


def main(variant: str, resolved: str, data_root: str, report: str) -> None:
    spec = language.typed(json.loads(Path(resolved).read_text(encoding="utf-8")))
    keras.utils.set_random_seed(spec.experiment.seed)
    prepared = preparation.prepare(spec, Path(data_root))
    parts = prepared.division
    learner = prepared.built.learner
    learner.compile(
        optimizer=keras.optimizers.Adam(spec.optimizer.learning_rate),
        loss=prepared.objective.loss,
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    arrays = [
        (part.inputs[part.indices], prepared.objective.encode(part.targets[part.indices]))
        for part in (parts.train, parts.validation)
        if part
    ]
    data, judged = folder(spec, Path(data_root)) if variant == "folder" else (arrays[0], arrays[1])
    size = {} if variant == "folder" else {"batch_size": spec.training.batch_size}
    watch = Stopwatch()
    learner.fit(*data, validation_data=judged, epochs=spec.training.epochs, verbose=0, callbacks=[watch], **size)
    test = parts.test
    assert test is not None
    accuracy = float(np.mean(learner.predict(test.inputs[test.indices], verbose=0).argmax(axis=1) == test.targets[test.indices]))
    epochs = np.diff(watch.moments).tolist()
    Path(report).write_text(json.dumps({"epochs": epochs, "wall": time.perf_counter() - BEGAN, "accuracy": accuracy}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
