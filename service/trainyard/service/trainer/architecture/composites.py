"""Blocks of the language that are several layers of Keras, in the order in which the linter counts them."""

from __future__ import annotations

from typing import Any

import keras

from trainyard.linter.spec.model.layers import DenseBlock, ResidualBlock
from trainyard.service.trainer.architecture.explicit import per_axis


def residual_block(block: ResidualBlock, value: Any) -> Any:
    """Return convolutions of ``value`` added to itself (He 2016); where the shape changes, it passes a 1x1 convolution."""
    strides = per_axis(block.strides, 2)
    inner = value
    for index in range(block.convolutions):
        inner = _convolution(block, block.kernel_size, (1, 1) if index else strides)(inner)
        inner = _normalized(inner, batch_norm=block.batch_norm)
        if index < block.convolutions - 1:
            inner = activated(block.activation, inner)
    if inner.shape != value.shape:
        value = _normalized(_convolution(block, (1, 1), strides)(value), batch_norm=block.batch_norm)
    return activated(block.activation, keras.layers.Add()([inner, value]))


def dense_block(block: DenseBlock, value: Any) -> Any:
    """Return ``value`` joined along the channels by convolutions that each see all before them (Huang 2017)."""
    for _ in range(block.convolutions):
        inner = activated(block.activation, _normalized(value, batch_norm=block.batch_norm))
        kernel = per_axis(block.kernel_size, 2)
        inner = keras.layers.Conv2D(block.growth_rate, kernel, padding="same", use_bias=not block.batch_norm)(inner)
        if block.dropout:
            inner = keras.layers.Dropout(block.dropout)(inner)
        value = keras.layers.Concatenate()([value, inner])
    return value


def activated(name: str, value: Any) -> Any:
    """Return the activation of ``value``; ``linear`` is no layer."""
    return value if name == "linear" else keras.layers.Activation(name)(value)


def _convolution(block: ResidualBlock, kernel: tuple[int, ...], strides: tuple[int, ...] | None) -> Any:
    return keras.layers.Conv2D(block.filters, per_axis(kernel, 2), strides, "same", use_bias=not block.batch_norm)


def _normalized(value: Any, *, batch_norm: bool) -> Any:
    return keras.layers.BatchNormalization()(value) if batch_norm else value
