"""The script that a person would have written: same network, same samples, Keras' own loop, as the Keras guides teach.

    python plain_keras.py VARIANT RESOLVED_SPEC PARTS REPORT

It imports nothing of Trainyard. ``PARTS`` holds ``train``, ``validation`` and ``test``: folders of one folder of images per class,
or tables ``train.csv`` … whose last column is the class. ``folder`` reads images by ``image_dataset_from_directory``, ``arrays``
hands whole arrays to ``fit``. Of the spec it understands what the benches ask: plain convolutional and dense networks.
"""

import csv
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
from keras import layers  # noqa: E402
from PIL import Image  # noqa: E402

PARTS = ("train", "validation", "test")
Data = tuple[Any, ...]


class Stopwatch(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """When each epoch ended."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        del epoch, logs
        self.moments.append(time.perf_counter())


def from_folders(spec: dict[str, Any], parts: Path) -> list[Data]:
    """Read images as the guide on image classification from scratch does."""
    height, width, channels = spec["dataset"]["input_shape"]
    shared: dict[str, Any] = {
        "image_size": (height, width),
        "color_mode": "grayscale" if channels == 1 else "rgb",
        "batch_size": spec["training"]["batch_size"],
        "verbose": False,
    }
    read = keras.utils.image_dataset_from_directory
    return [(read(parts / name, shuffle=name == "train", seed=1, **shared).prefetch(-1),) for name in PARTS]


def from_images(spec: dict[str, Any], parts: Path) -> list[Data]:
    """Decode all images into arrays, once."""
    height, width, channels = spec["dataset"]["input_shape"]
    read = []
    for name in PARTS:
        files = sorted((parts / name).glob("*/*"))
        classes = sorted({path.parent.name for path in files})
        pixels = np.empty((len(files), height, width, channels), np.uint8)
        for place, path in enumerate(files):
            image = Image.open(path).convert("L" if channels == 1 else "RGB").resize((width, height), Image.Resampling.BILINEAR)
            pixels[place] = np.asarray(image).reshape(height, width, channels)
        read.append((pixels, np.array([classes.index(path.parent.name) for path in files])))
    return read


def from_tables(parts: Path) -> list[Data]:
    """Read the tables; numbers are standardized by what the training part says."""
    read = []
    for name in PARTS:
        with (parts / f"{name}.csv").open(newline="") as file:
            _, *rows = csv.reader(file)
        read.append((np.array([[float(cell) for cell in row[:-1]] for row in rows], np.float32), [row[-1] for row in rows]))
    classes = sorted(set(read[0][1]))
    mean, deviation = read[0][0].mean(axis=0), read[0][0].std(axis=0)
    return [((numbers - mean) / deviation, np.array([classes.index(word) for word in words])) for numbers, words in read]


def convolutional(spec: dict[str, Any], outputs: int) -> Any:
    model = keras.Sequential([keras.Input(spec["dataset"]["input_shape"]), layers.Rescaling(1 / 255)])
    for block in spec["model"]["blocks"]:
        for _ in range(block["convolutions"]):
            model.add(layers.Conv2D(block["filters"], block["kernel"], padding=block["padding"], activation="relu"))
        model.add(layers.MaxPooling2D())
        if block["dropout"]:
            model.add(layers.Dropout(block["dropout"]))
    head = spec["model"]["head"]
    model.add(layers.Flatten() if head["pooling"] == "flatten" else layers.GlobalAveragePooling2D())
    return ended(model, head["hidden"], head["dropout"], 0.0, outputs)


def dense(spec: dict[str, Any], outputs: int) -> Any:
    model = keras.Sequential([keras.Input(spec["dataset"]["input_shape"])])
    return ended(model, spec["model"]["hidden"], spec["model"]["dropout"], spec["regularization"]["l2"], outputs)


def ended(model: Any, hidden: list[int], dropouts: list[float], l2: float, outputs: int) -> Any:
    for units, dropout in zip(hidden, dropouts, strict=True):
        penalty = keras.regularizers.L2(l2) if l2 else None
        model.add(layers.Dense(units, activation="relu", kernel_regularizer=penalty))
        if dropout:
            model.add(layers.Dropout(dropout))
    model.add(layers.Dense(outputs, activation="softmax"))
    return model


def balanced(labels: Any) -> dict[int, float]:
    counts = np.bincount(labels)
    return {label: len(labels) / (len(counts) * count) for label, count in enumerate(counts)}


def main(variant: str, resolved: str, folder: str, report: str) -> None:
    spec, parts = json.loads(Path(resolved).read_text(encoding="utf-8")), Path(folder)
    keras.utils.set_random_seed(spec["experiment"]["seed"])
    table = (parts / "train.csv").exists()
    train, validation, test = (
        from_tables(parts) if table else from_folders(spec, parts) if variant == "folder" else from_images(spec, parts)
    )
    outputs = len(np.unique(train[1])) if len(train) > 1 else len(list((parts / "train").iterdir()))
    model = dense(spec, outputs) if table else convolutional(spec, outputs)
    model.compile(keras.optimizers.Adam(spec["optimizer"]["learning_rate"]), "sparse_categorical_crossentropy", metrics=["accuracy"])
    size = {"batch_size": spec["training"]["batch_size"]} if len(train) > 1 else {}
    weights = balanced(train[1]) if table else None
    watch = Stopwatch()
    fitted = model.fit(
        *train,
        validation_data=validation if len(validation) > 1 else validation[0],
        epochs=spec["training"]["epochs"],
        class_weight=weights,
        verbose=0,
        callbacks=[watch],
        **size,
    )
    model.evaluate(*test, verbose=0, **size)
    told = {
        "epochs": np.diff(watch.moments).tolist(),
        "wall": time.perf_counter() - BEGAN,
        "accuracy": fitted.history["val_accuracy"][-1],
        "parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
    }
    Path(report).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
