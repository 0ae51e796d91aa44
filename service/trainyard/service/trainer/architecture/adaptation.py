"""Layers that learn from the training part before training: ``normalization`` without a written mean or variance.

What they see is what reaches them, so the layers before them are run over the training part, in bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from trainyard.linter.spec.model.layers import Normalization
from trainyard.service.trainer.data.division import Part
from trainyard.service.trainer.data.samples import Array

_CHUNK_VALUES = 4_000_000


def normalization(layer: Normalization, sample: Any, value: Any, train: Part) -> Any:
    """Return ``value`` normalized; ``sample`` is the model's input, ``train`` what the missing statistics are taken from."""
    axis = layer.axis
    if layer.mean is not None and layer.variance is not None:
        return _fixed(axis, layer.mean, layer.variance)(value)
    seen = keras.layers.Normalization(axis=axis, dtype="float32")
    seen.build(value.shape)
    seen.adapt(_reaching(sample, value, train))
    if layer.mean is not None:
        # With a mean of its own the layer holds constants, and no weights.
        variance = keras.ops.convert_to_numpy(seen.adapt_variance)
        return _fixed(axis, np.broadcast_to(layer.mean, variance.shape), variance)(value)
    if layer.variance is not None:
        seen.adapt_variance.assign(np.broadcast_to(layer.variance, seen.adapt_variance.shape))
        seen.finalize_state()
    return seen(value)


def _fixed(axis: Any, mean: Any, variance: Any) -> Any:
    return keras.layers.Normalization(axis=axis, mean=_plain(mean), variance=_plain(variance), dtype="float32")


def _plain(value: Any) -> Any:
    """Return numbers that a saved model's configuration can hold."""
    return value if isinstance(value, float | int) else np.asarray(value, dtype=np.float64).tolist()


def _reaching(sample: Any, value: Any, train: Part) -> Iterator[Array]:
    """Yield what the training part becomes on its way from ``sample`` to ``value``."""
    before = None if value is sample else keras.Model(sample, value)
    per_chunk = max(1, _CHUNK_VALUES // max(1, int(np.prod(train.inputs.shape[1:]))))
    for start in range(0, len(train), per_chunk):
        chunk = train.inputs[train.indices[start : start + per_chunk]].astype(np.float32)
        yield chunk if before is None else keras.ops.convert_to_numpy(before(chunk, training=False)).astype(np.float32)
