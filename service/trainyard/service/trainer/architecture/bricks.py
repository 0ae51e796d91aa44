"""Blocks, heads and hidden layers of ``cnn``, ``mlp`` and ``transfer`` models, in the order that the linter counts them in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from trainyard.linter.spec.model.architecture import ConvBlock, Head, Output

Layer = Callable[[Any], Any]

OUTPUT = "output"
_FLATTEN = "flatten"
_LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class Bricks:
    """Makes layers with one activation between them."""

    activation: str

    def conv_block(self, block: ConvBlock) -> list[Layer]:
        """Make convolutions, each with batch normalization and activation and the first one taking the step; pooling; dropout."""
        axes = len(block.kernel)
        made: list[Layer] = []
        for index in range(block.convolutions):
            strides = block.strides if index == 0 else 1
            made.append(_of("Conv{}D", axes)(block.filters, block.kernel, strides, block.padding))
            made += self._activated(batch_norm=block.batch_norm)
        if block.pooling is not None:
            made.append(_of(f"{block.pooling.capitalize()}Pooling{{}}D", axes)(block.pool_size))
        return made + _dropout(block.dropout)

    def head(self, head: Head, axes: int) -> list[Layer]:
        """Make what leads from a feature map with so many spatial axes to the output."""
        return [collapse(head.pooling, axes), *self.hidden(head.hidden, head.dropout, batch_norm=head.batch_norm)]

    def hidden(self, units: Sequence[int], dropout: Sequence[float], *, batch_norm: bool) -> list[Layer]:
        """Make dense layers with normalization, activation and dropout; without any, dropout falls on what the output sees."""
        if not units:
            return _dropout(dropout[0] if dropout else 0.0)
        made: list[Layer] = []
        for index, width in enumerate(units):
            made.append(keras.layers.Dense(width))
            made += self._activated(batch_norm=batch_norm)
            made += _dropout(dropout[index] if index < len(dropout) else 0.0)
        return made

    def _activated(self, *, batch_norm: bool) -> list[Layer]:
        norm: list[Layer] = [keras.layers.BatchNormalization()] if batch_norm else []
        return [*norm, keras.layers.Activation(self.activation)] if self.activation != _LINEAR else norm


def output(wanted: Output, units: int) -> list[Layer]:
    """Make the last layer; its activation is computed in float32, because a softmax in float16 overflows."""
    dense = keras.layers.Dense(units, use_bias=wanted.bias)
    if wanted.activation == _LINEAR and keras.config.dtype_policy().compute_dtype == "float32":
        return [dense]
    return [dense, keras.layers.Activation(wanted.activation, dtype="float32", name=OUTPUT)]


def collapse(how: str, axes: int) -> Layer:
    """Make the layer that turns a feature map into a vector: ``flatten``, ``global_max`` or ``global_average``."""
    if how == _FLATTEN:
        return flatten()
    kind = how.removeprefix("global_").capitalize()
    made: Layer = _of(f"Global{kind}Pooling{{}}D", axes)()
    return made


def flatten() -> Layer:
    """Make the layer that lays all values of a sample in a row."""
    layer: Layer = keras.layers.Flatten()
    return layer


def _of(name: str, axes: int) -> Callable[..., Layer]:
    """Return the layer class for so many spatial axes."""
    found: Callable[..., Layer] = getattr(keras.layers, name.format(axes))
    return found


def _dropout(rate: float) -> list[Layer]:
    return [keras.layers.Dropout(rate)] if rate else []
