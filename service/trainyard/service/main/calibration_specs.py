"""The models that a box is measured with: small, and each dominated by something else: dispatch, arithmetic, memory, layers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

CLASSES, SAMPLES, BATCH, EPOCHS = 4, 1280, 32, 4
TRAINED, JUDGED, TESTED = 896, 256, 128
PICTURE, ROW = [16, 16, 3], [64]


def _mlp(*hidden: int, **of: Any) -> dict[str, Any]:
    return {"type": "mlp", "hidden": list(hidden), "dropout": 0.1, **of}


def _cnn(*filters: int, **of: Any) -> dict[str, Any]:
    return {"type": "cnn", "blocks": [{"filters": count, **of} for count in filters], "head": {"dropout": 0.3}}


#: Name, model, shape of a sample, batch size.
MODELS: tuple[tuple[str, dict[str, Any], list[int], int], ...] = (
    ("mlp-tiny", _mlp(8), ROW, 32),
    ("mlp-deep", _mlp(*[32] * 8), ROW, 32),
    ("mlp-wide", _mlp(1024, 1024), ROW, 64),
    ("mlp-huge", _mlp(2048, 2048), ROW, 128),
    ("cnn-small", _cnn(8, 16), PICTURE, 32),
    ("cnn-wide", _cnn(32, 64), PICTURE, 32),
    ("cnn-normed", _cnn(16, 32, batch_norm=True), PICTURE, 64),
    ("cnn-deep", _cnn(16, 32, convolutions=2), PICTURE, 32),
)


def spec(name: str, model: dict[str, Any], shape: list[int], batch: int, accepted: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """Return the spec of one measurement; ``accepted`` are findings (rule and place) that matter to learning only."""
    return {
        "version": "v1",
        "experiment": {"name": name},
        "task": "classification",
        "dataset": {
            "type": "npz",
            "path": f"{file_name(shape)}.npz",
            "input_shape": shape,
            "scaling": "none",
            "split": {"validation": JUDGED / SAMPLES, "test": TESTED / SAMPLES},
        },
        "model": model,
        "optimizer": {"type": "adam", "learning_rate": 0.001},
        "training": {"epochs": EPOCHS, "batch_size": batch},
        "callbacks": {"early_stopping": None},
        "$lint": [{"rule": rule, "pointer": pointer, "reason": "a measurement of time"} for rule, pointer in accepted],
    }


def file_name(shape: list[int]) -> str:
    """Name the file of the samples of a shape."""
    return "x".join(map(str, shape))


def write_data(folder: Path, shapes: list[list[int]]) -> None:
    """Write samples of these shapes whose class can be learned: as many of each class."""
    random = np.random.default_rng(0)
    for shape in shapes:
        labels = np.arange(SAMPLES) % CLASSES
        inputs = random.normal(size=(SAMPLES, *shape)).astype("float32") + labels.reshape(-1, *[1] * len(shape)) * 0.5
        np.savez(folder / f"{file_name(shape)}.npz", x=inputs.astype("float32"), y=labels)
