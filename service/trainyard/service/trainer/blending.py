"""Blends pairs of samples within a batch: mix-up (Zhang 2018) and cut-mix (Yun 2019).

Keras has layers of these names for images with one-hot labels side by side. A model sees samples and its loss sees labels, so
these layers keep what they drew, for the loss of the same step; they also bear samples that are no images.
"""

from __future__ import annotations

import threading
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.special import betaincinv  # type: ignore[import-untyped,unused-ignore] # scipy ships no types

# A beta distribution as a table of its quantiles: drawing from it is one look-up, which every compiler can do.
_QUANTILES = 4096


class Blend(keras.layers.Layer):  # type: ignore[misc] # Keras ships no types
    """Blends every sample with another one of its batch, while training.

    After a call, ``partners`` holds the place of each sample's partner and ``shares`` how much of the sample itself is left,
    both of shape ``(batch,)``; they are valid within the step that called.
    """

    def __init__(self, alpha: float, seed: int) -> None:
        super().__init__(dtype="float32")
        self._table = betaincinv(alpha, alpha, (np.arange(_QUANTILES) + 0.5) / _QUANTILES).astype(np.float32)
        self._seeds = keras.random.SeedGenerator(seed)
        # Where several devices share a batch, each has a thread of its own that it is traced in.
        self._drawn = threading.local()

    @property
    def partners(self) -> Any:
        """The place of each sample's partner."""
        return self._drawn.partners

    @property
    def shares(self) -> Any:
        """How much is left of each sample."""
        return self._drawn.shares

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return samples of the same shape."""
        if not training:
            return inputs
        count = ops.shape(inputs)[0]
        self._drawn.partners = keras.random.shuffle(ops.arange(count), seed=self._seeds)
        drawn = keras.random.uniform((count,), 0.0, float(_QUANTILES), seed=self._seeds)
        wanted = ops.take(ops.convert_to_tensor(self._table), ops.cast(drawn, "int32"), axis=0)
        blended, self._drawn.shares = self._blend(inputs, ops.take(inputs, self.partners, axis=0), wanted)
        return blended

    def _blend(self, own: Any, other: Any, wanted: Any) -> tuple[Any, Any]:
        """Return blended samples, and the share that is really left of each; ``wanted`` is of shape ``(batch,)``."""
        raise NotImplementedError


class MixUp(Blend):
    """A weighted mean of both samples."""

    def _blend(self, own: Any, other: Any, wanted: Any) -> tuple[Any, Any]:
        weight = ops.reshape(wanted, (-1, *(1,) * (len(own.shape) - 1)))
        return weight * own + (1.0 - weight) * other, wanted


class CutMix(Blend):
    """A rectangle of the other picture at a random place of ``(batch, height, width, channels)``."""

    def _blend(self, own: Any, other: Any, wanted: Any) -> tuple[Any, Any]:
        side = ops.sqrt(1.0 - wanted)
        rows, columns = (self._window(own.shape[axis], side) for axis in (1, 2))
        window = ops.expand_dims(rows, 2) * ops.expand_dims(columns, 1)
        pasted = ops.expand_dims(window, -1)
        return own * (1.0 - pasted) + other * pasted, 1.0 - ops.mean(window, axis=(1, 2))

    def _window(self, length: int, side: Any) -> Any:
        """Return ones where a stretch of ``side * length`` lies at a random place, else zeros: ``(batch, length)``."""
        wide = ops.round(side * length)
        start = ops.floor(keras.random.uniform(ops.shape(side), seed=self._seeds) * (length - wide + 1.0))
        places = ops.expand_dims(ops.arange(length, dtype="float32"), 0)
        start, end = ops.expand_dims(start, 1), ops.expand_dims(start + wide, 1)
        return ops.cast(ops.logical_and(places >= start, places < end), "float32")
