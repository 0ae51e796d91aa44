"""How weights start, what penalty they carry and what condition they keep: values of the language to objects of Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

_INITIALIZERS: dict[str, Callable[..., Any]] = {
    "constant": keras.initializers.Constant,
    "random_normal": keras.initializers.RandomNormal,
    "random_uniform": keras.initializers.RandomUniform,
    "truncated_normal": keras.initializers.TruncatedNormal,
    "variance_scaling": keras.initializers.VarianceScaling,
    "orthogonal": keras.initializers.Orthogonal,
    "identity": keras.initializers.Identity,
}
_REGULARIZERS: dict[str, Callable[..., Any]] = {
    "l1": keras.regularizers.L1,
    "l2": keras.regularizers.L2,
    "l1_l2": keras.regularizers.L1L2,
    "orthogonal": keras.regularizers.OrthogonalRegularizer,
}
_CONSTRAINTS: dict[str, Callable[..., Any]] = {
    "max_norm": keras.constraints.MaxNorm,
    "min_max_norm": keras.constraints.MinMaxNorm,
    "non_neg": keras.constraints.NonNeg,
    "unit_norm": keras.constraints.UnitNorm,
}
_TABLES = {"_initializer": _INITIALIZERS, "_regularizer": _REGULARIZERS, "_constraint": _CONSTRAINTS}


def made(name: str, value: Any) -> Any:
    """Return the argument ``name`` of a layer as Keras takes it; each call makes an object of its own, as Keras wants it."""
    for ending, table in _TABLES.items():
        if name.endswith(ending) and hasattr(value, "_asdict"):
            parameters = value._asdict()
            return table[parameters.pop("type")](**parameters)
    return value
