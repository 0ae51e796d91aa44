"""A window out of every picture: at a random place while training, in the middle otherwise.

Keras' own ``RandomCrop`` cuts one place for a whole batch and slices by values that a compiler does not know.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class RandomCrop(keras.layers.Layer):  # type: ignore[misc] # Keras ships no types
    """Cuts ``(height, width)`` out of ``(batch, height, width, channels)``; smaller pictures are enlarged by ``middle``."""

    def __init__(self, height: int, width: int, seed: int) -> None:
        super().__init__(dtype="float32")
        self._size = (height, width)
        self._middle = middle(height, width)
        self._seeds = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the layer that cuts the middle; there are no weights."""
        self._middle.build(input_shape)
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the windows."""
        fits = all(real >= wanted for real, wanted in zip(inputs.shape[1:3], self._size, strict=True))
        if not training or not fits:
            return self._middle(inputs)
        for axis, wanted in enumerate(self._size, start=1):
            places = self._places(ops.shape(inputs)[0], inputs.shape[axis], wanted)
            shape = [-1, 1, 1, 1]
            shape[axis] = wanted
            inputs = ops.take_along_axis(inputs, ops.reshape(places, shape), axis=axis)
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the windows."""
        return (input_shape[0], *self._size, input_shape[3])

    def _places(self, count: Any, length: int, wanted: int) -> Any:
        """Return ``wanted`` neighbouring places below ``length`` for each sample: ``(count, wanted)``."""
        start = keras.random.uniform((count, 1), 0.0, float(length - wanted + 1), seed=self._seeds)
        # A draw may round up to the bound itself.
        first = ops.minimum(ops.cast(start, "int32"), length - wanted)
        return first + ops.expand_dims(ops.arange(wanted, dtype="int32"), 0)


def middle(height: int, width: int) -> Any:
    """Make the layer of plain Keras that cuts the middle out; what is smaller is enlarged until it fills the window."""
    return keras.layers.CenterCrop(height, width, dtype="float32")
