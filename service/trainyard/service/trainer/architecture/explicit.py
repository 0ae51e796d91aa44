"""Explicit layers of the language as layers of Keras: the same names, the same parameters, the same defaults.

A residual or a dense block is several layers and stands in ``composites``; a layer that learns from the data before
training (``normalization``) stands in ``adaptation``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from trainyard.linter.spec.model.layers import Layer
from trainyard.service.trainer.architecture import weights

_CLASSES: dict[str, Callable[..., Any]] = {
    "dense": keras.layers.Dense,
    "conv1d": keras.layers.Conv1D,
    "conv2d": keras.layers.Conv2D,
    "separable_conv1d": keras.layers.SeparableConv1D,
    "separable_conv2d": keras.layers.SeparableConv2D,
    "depthwise_conv1d": keras.layers.DepthwiseConv1D,
    "depthwise_conv2d": keras.layers.DepthwiseConv2D,
    "conv1d_transpose": keras.layers.Conv1DTranspose,
    "conv2d_transpose": keras.layers.Conv2DTranspose,
    "max_pooling1d": keras.layers.MaxPooling1D,
    "max_pooling2d": keras.layers.MaxPooling2D,
    "average_pooling1d": keras.layers.AveragePooling1D,
    "average_pooling2d": keras.layers.AveragePooling2D,
    "global_max_pooling1d": keras.layers.GlobalMaxPooling1D,
    "global_max_pooling2d": keras.layers.GlobalMaxPooling2D,
    "global_average_pooling1d": keras.layers.GlobalAveragePooling1D,
    "global_average_pooling2d": keras.layers.GlobalAveragePooling2D,
    "batch_normalization": keras.layers.BatchNormalization,
    "layer_normalization": keras.layers.LayerNormalization,
    "group_normalization": keras.layers.GroupNormalization,
    "dropout": keras.layers.Dropout,
    "spatial_dropout1d": keras.layers.SpatialDropout1D,
    "spatial_dropout2d": keras.layers.SpatialDropout2D,
    "flatten": keras.layers.Flatten,
    "reshape": keras.layers.Reshape,
    "embedding": keras.layers.Embedding,
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,
    "activation": keras.layers.Activation,
    "rescaling": keras.layers.Rescaling,
    "resizing": keras.layers.Resizing,
    "add": keras.layers.Add,
    "concatenate": keras.layers.Concatenate,
}
# Tuples with one number per axis; a single number stands for all axes.
_PER_AXIS = frozenset({"kernel_size", "strides", "dilation_rate", "pool_size", "output_padding"})
# What they are fed is raw: in half precision a value of 70,000 is infinite.
_ON_RAW_VALUES = frozenset({"rescaling", "resizing"})
_BFLOAT16 = "bfloat16"
_RECURRENT = frozenset({"lstm", "gru"})


def make(layer: Layer, **changes: Any) -> Any:
    """Make one layer; ``changes`` are arguments of Keras that replace the spec's (a name, a number format).

    Raises:
        ValueError: Keras refuses a value.
    """
    arguments: dict[str, Any] = {name: weights.made(name, value) for name, value in layer._asdict().items()}
    kind = arguments.pop("type")
    axes = 1 if "1d" in kind else 2
    for name in _PER_AXIS & arguments.keys():
        arguments[name] = per_axis(arguments[name], axes)
    if kind in _ON_RAW_VALUES:
        arguments["dtype"] = "float32"
    elif _is_orthogonal(arguments) and keras.config.dtype_policy().name == _BFLOAT16:
        arguments["dtype"] = f"mixed_{_BFLOAT16}"
    arguments.update(changes)
    if kind in _RECURRENT:
        return _recurrent(kind, arguments)
    return _CLASSES[kind](**arguments)


def per_axis(sizes: tuple[int, ...] | None, axes: int) -> tuple[int, ...] | None:
    """Return one number per axis; a single number stands for all."""
    return sizes * axes if sizes is not None and len(sizes) == 1 else sizes


def _is_orthogonal(arguments: dict[str, Any]) -> bool:
    """Tell whether weights start as an orthogonal matrix: no backend decomposes one in bfloat16, so they are kept in float32."""
    return any(isinstance(value, keras.initializers.Orthogonal) for value in arguments.values())


def _recurrent(kind: str, arguments: dict[str, Any]) -> Any:
    bidirectional, merge_mode = arguments.pop("bidirectional"), arguments.pop("merge_mode")
    if not bidirectional:
        return _CLASSES[kind](**arguments)
    name = arguments.pop("name", None)
    return keras.layers.Bidirectional(_CLASSES[kind](**arguments), merge_mode=merge_mode, name=name)
