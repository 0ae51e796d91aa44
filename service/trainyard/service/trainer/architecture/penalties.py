"""The spec's own penalties and its bound, laid on every kernel that has none of its own.

On the variables and not on the layers: so a backbone, a recurrent layer and a layer inside a block are reached alike, and the
saved model, which is not there to be trained, holds none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from trainyard.linter.spec.model.training import Regularization

_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")


def apply(model: Any, wanted: Regularization) -> None:
    """Give every kernel of ``model`` the penalties l1 and l2 and the largest norm that the spec asks for."""
    for kernel, axes in _kernels(model):
        if (wanted.l1 or wanted.l2) and kernel.regularizer is None:
            kernel.regularizer = keras.regularizers.L1L2(wanted.l1 or 0.0, wanted.l2 or 0.0)
        if wanted.max_norm is not None and kernel.constraint is None:
            kernel.constraint = keras.constraints.MaxNorm(wanted.max_norm, axis=axes)


def _kernels(model: Any) -> Iterator[tuple[Any, list[int]]]:
    """Yield every kernel that learns, with the axes over which the norm of one unit's weights is taken."""
    for layer in model._flatten_layers(include_self=False):  # noqa: SLF001 -- Keras' only walk that enters wrappers and cells
        for name in _KERNELS:
            kernel = getattr(layer, name, None)
            if isinstance(kernel, keras.Variable) and kernel.trainable:
                yield kernel, _unit_axes(type(layer).__name__, name, len(kernel.shape))


def _unit_axes(layer: str, name: str, rank: int) -> list[int]:
    """Return all axes but that of the outputs: (…, inputs, outputs), transposed (…, outputs, inputs), depthwise (…, inputs, each)."""
    if layer.startswith("Depthwise") or name == "depthwise_kernel":
        return list(range(rank - 2))
    if layer.endswith("Transpose"):
        return [*range(rank - 2), rank - 1]
    return list(range(rank - 1))
