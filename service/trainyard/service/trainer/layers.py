"""Names of the language to Keras layers: what shapes and parameters the linter predicted is what is built here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from trainyard.linter.spec.model.architecture import ConvBlock
from trainyard.linter.spec.model.training import Regularization

Layer = Callable[[Any], Any]

_FLATTEN = "flatten"
_POOLING: dict[str, Callable[..., Layer]] = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
_GLOBAL_POOLING: dict[str, Callable[[], Layer]] = {
    "global_max": keras.layers.GlobalMaxPooling2D,
    "global_average": keras.layers.GlobalAveragePooling2D,
}


@dataclass(frozen=True, slots=True)
class Bricks:
    """Makes layers under one spec: its activation, its penalties and its bound on kernels."""

    activation: str
    regularization: Regularization

    def conv_block(self, block: ConvBlock) -> list[Layer]:
        """Make ``convolutions`` times (convolution, batch normalization, activation), the first one taking the step;
        then pooling, then dropout.
        """  # noqa: D205 -- one sentence
        made: list[Layer] = []
        for index in range(block.convolutions):
            strides = block.strides if index == 0 else 1
            made.append(keras.layers.Conv2D(block.filters, block.kernel, strides, block.padding, **self._kernel()))
            made += self._activated(batch_norm=block.batch_norm)
        if block.pooling is not None:
            made.append(_POOLING[block.pooling](block.pool_size))
        return made + _dropout(block.dropout)

    def hidden(self, units: Sequence[int], dropout: Sequence[float], *, batch_norm: bool) -> list[Layer]:
        """Make dense layers with normalization, activation and dropout; without any, dropout falls on what the output sees."""
        if not units:
            return _dropout(dropout[0] if dropout else 0.0)
        made: list[Layer] = []
        for index, width in enumerate(units):
            made.append(keras.layers.Dense(width, **self._kernel()))
            made += self._activated(batch_norm=batch_norm)
            made += _dropout(dropout[index] if index < len(dropout) else 0.0)
        return made

    def output(self, units: int, activation: str, *, bias: bool) -> list[Layer]:
        """Make the last layer; its activation is computed in float32, because a softmax in float16 overflows."""
        dense = keras.layers.Dense(units, use_bias=bias, **self._kernel())
        return [dense, keras.layers.Activation(activation, dtype="float32", name="output")]

    def _activated(self, *, batch_norm: bool) -> list[Layer]:
        norm: list[Layer] = [keras.layers.BatchNormalization()] if batch_norm else []
        return [*norm, keras.layers.Activation(self.activation)] if self.activation != "linear" else norm

    def _kernel(self) -> dict[str, Any]:
        """Return penalty and bound of a kernel; a new object for each layer, as Keras wants it."""
        penalties = self.regularization
        arguments: dict[str, Any] = {}
        if penalties.l1 or penalties.l2:
            arguments["kernel_regularizer"] = keras.regularizers.L1L2(penalties.l1 or 0.0, penalties.l2 or 0.0)
        if penalties.max_norm is not None:
            arguments["kernel_constraint"] = keras.constraints.MaxNorm(penalties.max_norm)
        return arguments


def collapse(how: str) -> Layer:
    """Make the layer that turns a feature map into a vector: ``flatten``, ``global_max`` or ``global_average``."""
    if how == _FLATTEN:
        return flatten()
    return _GLOBAL_POOLING[how]()


def flatten() -> Layer:
    """Make the layer that lays all values of a sample in a row."""
    layer: Layer = keras.layers.Flatten()
    return layer


def _dropout(rate: float) -> list[Layer]:
    return [keras.layers.Dropout(rate)] if rate else []
