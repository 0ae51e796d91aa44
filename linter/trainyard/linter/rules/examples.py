"""Healthy specs that the rules' examples are merged onto. Every rule is silent on them, apart from data that nobody read.

Imported by tests and by whatever writes the rules' pages, never on the way of a check.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

IMAGES: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {
        "type": "image_directory",
        "path": "digits/images",
        "input_shape": [28, 28, 1],
        "facts": {"classes": 10, "class_counts": [600, 580, 610, 600, 590, 600, 620, 600, 600, 600], "content": "digits"},
    },
    "model": {
        "type": "cnn",
        "blocks": [{"filters": 32, "dropout": 0.1}, {"filters": 64, "dropout": 0.2}],
        "head": {"hidden": [64], "dropout": 0.3},
    },
    "optimizer": {"type": "adam", "learning_rate": 0.001},
    "training": {"epochs": 30, "batch_size": 32},
}

TABLE: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {
        "type": "csv",
        "path": "patients.csv",
        "target": "diagnosis",
        "input_shape": [30],
        "facts": {"class_counts": {"benign": 357, "malignant": 212}},
    },
    "model": {"type": "mlp", "hidden": [32, 16], "dropout": 0.2},
    "optimizer": {"type": "adam", "learning_rate": 0.002},
    "training": {"epochs": 80, "batch_size": 16},
}

REGRESSION: dict[str, Any] = {
    "version": "v1",
    "task": "regression",
    "dataset": {"type": "csv", "path": "houses.csv", "target": "price", "input_shape": [8], "facts": {"samples": 20000}},
    "model": {"type": "mlp", "hidden": [64, 64], "dropout": 0.1},
    "training": {"epochs": 50, "batch_size": 64},
}

TRANSFER: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {
        "type": "image_directory",
        "path": "pets",
        "input_shape": [224, 224, 3],
        "facts": {"classes": ["cat", "dog"], "class_counts": [1500, 1500], "content": "photo"},
    },
    "augmentation": [{"type": "random_flip", "mode": "horizontal"}],
    "model": {"type": "transfer", "backbone": "mobilenet_v2", "head": {"dropout": 0.2}},
    "optimizer": {"type": "adam", "learning_rate": 0.001},
    "training": {"epochs": 10, "batch_size": 32},
}

LAYERS: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {
        "type": "npz",
        "path": "signals.npz",
        "input_shape": [64, 3],
        "scaling": "standardize",
        "facts": {"classes": 4, "class_counts": [900, 900, 900, 900], "labels": {"encoding": "integer", "min": 0, "max": 3}},
    },
    "model": {
        "type": "sequential",
        "layers": [
            {"type": "conv1d", "filters": 16, "kernel_size": 3, "activation": "relu"},
            {"type": "max_pooling1d"},
            {"type": "global_average_pooling1d"},
            {"type": "dropout", "rate": 0.3},
            {"type": "dense", "units": 32, "activation": "relu"},
            {"type": "dense", "units": 4, "activation": "softmax"},
        ],
    },
    "training": {"epochs": 30, "batch_size": 32},
}

BASES = {"images": IMAGES, "table": TABLE, "regression": REGRESSION, "transfer": TRANSFER, "layers": LAYERS}


def merged(fragment: Mapping[str, Any], onto: str) -> dict[str, Any]:
    """Return the healthy spec with the fragment merged in.

    Objects merge key by key, anything else replaces. An object with another ``type`` replaces the old one whole,
    since the old one's fields are unknown to it.
    """
    return _merge(BASES[onto], fragment)


def _merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    if "type" in new and new["type"] != old.get("type"):
        return deepcopy(dict(new))
    result = deepcopy(dict(old))
    for key, value in new.items():
        before = result.get(key)
        result[key] = _merge(before, value) if isinstance(value, Mapping) and isinstance(before, Mapping) else deepcopy(value)
    return result
