"""The variables of a model in training, in and out: weights, optimizer, metrics, and the state of every random generator.

Keras counts the state of dropout and augmentation layers among a model's variables. Nothing in a step draws without a layer;
the generators of Python and NumPy are taken along all the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from trainyard.service.trainer.bundle.contents import Named
from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.failures import BundleError


def of_learner(learner: Any) -> tuple[Named, ...]:
    """Copy everything that the next step depends on."""
    return tuple(Named(name, _copy(variable)) for name, variable in _named(learner))


def put_back(learner: Any, saved: Sequence[Named]) -> None:
    """Lay saved values into a learner that was built alike; raises BundleError when it was not."""
    variables = list(_named(learner))
    if [name for name, _ in variables] != [one.name for one in saved]:
        raise BundleError("it belongs to a model with other variables")
    for (name, variable), one in zip(variables, saved, strict=True):
        if tuple(variable.shape) != one.value.shape or keras.backend.standardize_dtype(variable.dtype) != one.value.dtype.name:
            raise BundleError(
                f"{name} has the shape {list(one.value.shape)} in it, and {list(variable.shape)} in the model, or another type"
            )
        _assign(variable, one.value)


def weights(model: Any) -> tuple[Named, ...]:
    """Copy the weights of a model: what a saved model is made of, no optimizer and no generators."""
    return tuple(Named(variable.name, _copy(variable)) for variable in model.weights)


def put_weights(model: Any, saved: Sequence[Named]) -> None:
    """Lay saved weights into a model; raises BundleError when they are those of another one."""
    if len(saved) != len(model.weights):
        raise BundleError("it keeps weights of another model")
    for variable, one in zip(model.weights, saved, strict=True):
        if tuple(variable.shape) != one.value.shape:
            raise BundleError("it keeps weights of another model")
        _assign(variable, one.value)


def generators() -> dict[str, Any]:
    """Return the state of Python's and NumPy's generators, as JSON."""
    version, internal, gauss = random.getstate()
    kind, keys, place, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002 -- what Keras draws from
    return {
        "python": [version, list(internal), gauss],
        "numpy": [str(kind), np.asarray(keys).tolist(), int(place), int(has_gauss), float(cached)],
    }


def put_generators(saved: dict[str, Any]) -> None:
    """Set Python's and NumPy's generators."""
    version, internal, gauss = saved["python"]
    random.setstate((version, tuple(internal), gauss))
    kind, keys, place, has_gauss, cached = saved["numpy"]
    np.random.set_state((kind, np.asarray(keys, dtype=np.uint32), place, has_gauss, cached))  # noqa: NPY002 - what is restored is the old generator


def _named(learner: Any) -> Iterator[tuple[str, Any]]:
    """Name every variable by its group and its place: Keras numbers layers over the life of a process, so names differ."""
    groups: Iterable[tuple[str, Iterable[Any]]] = (
        ("model", learner.variables),
        ("optimizer", learner.optimizer.variables),
        ("metrics", learner.metrics_variables),
    )
    for group, variables in groups:
        for place, variable in enumerate(variables):
            yield f"{group}/{place}", variable


def _copy(variable: Any) -> Array:
    return np.array(keras.ops.convert_to_numpy(variable.value), copy=True)


def _assign(variable: Any, value: Array) -> None:
    # A copy: on JAX an assignment may share the buffer, and a step gives its buffers away.
    variable.assign(np.array(value, copy=True))
