"""Classes for a model whose output is a place in space: the class whose training samples lie nearest on average.

The mean of a class's training samples stands for it (Snell 2017, "Prototypical Networks"); outputs have length one, so that the
nearest mean is the one with the largest product.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trainyard.service.trainer.data.division import Part
from trainyard.service.trainer.data.samples import Array

_CHUNK = 1024


def class_means(kept: Any, train: Part, classes: int) -> Array:
    """Return the direction of each class, ``(classes, width)``; zeros for a class without training samples."""
    sums: Array = np.zeros((classes, kept.output_shape[-1]))
    for start in range(0, len(train), _CHUNK):
        rows = train.indices[start : start + _CHUNK]
        np.add.at(sums, train.targets[rows], np.asarray(kept.predict(train.inputs[rows], verbose=0), dtype=np.float64))
    lengths: Array = np.linalg.norm(sums, axis=1, keepdims=True)
    means: Array = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    return means


def classes_of(outputs: Array, means: Array) -> Array:
    """Return the class index of each output ``(samples, width)``."""
    return np.asarray((outputs @ means.T).argmax(axis=1))
