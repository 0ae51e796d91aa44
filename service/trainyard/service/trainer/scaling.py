"""What is done to inputs before the model, as a layer inside it: a saved model takes raw samples.

Statistics come from the training part alone. Always computed in float32: a raw feature of 70,000 is infinite in float16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from trainyard.linter.spec.model.dataset import Facts
from trainyard.service.trainer.architecture import preprocessing
from trainyard.service.trainer.data.division import Part
from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.data.statistics import measure
from trainyard.service.trainer.failures import DataError, SpecError

NAME = "scaling"
_BYTE_HIGH = 255.0


@dataclass(frozen=True, slots=True)
class Scaling:
    """A layer, or None where nothing is done, and the range of values behind it (what augmentation clips to)."""

    layer: Any
    low: float
    high: float


def make(how: str, part: Part, facts: Facts, backbone: str | None = None) -> Scaling:
    """Make the scaling for a training part; ``backbone`` is whose ``preprocess_input`` is meant.

    Raises:
        DataError: it needs a range that nobody knows.
        SpecError: it is a backbone's, and there is no backbone.
    """
    if how == "preprocess_input":
        return _preprocessing(backbone, part, facts)
    if how == "unit":
        low, high = _value_range(part, facts)
        scale = 1.0 / (high - low)
        return Scaling(keras.layers.Rescaling(scale, -low * scale, dtype="float32", name=NAME), 0.0, 1.0)
    if how == "standardize":
        seen = measure(part)
        spread = np.sqrt(_positive(seen.variance))
        low, high = ((seen.low - seen.mean) / spread).min(), ((seen.high - seen.mean) / spread).max()
        return Scaling(_affine(seen.mean, seen.variance), float(low), float(high))
    if how == "min_max":
        seen = measure(part)
        return Scaling(_affine(seen.low, np.square(seen.high - seen.low)), 0.0, 1.0)
    low, high = _known_range(part, facts) or _measured_range(part)
    return Scaling(None, low, high)


def _preprocessing(backbone: str | None, part: Part, facts: Facts) -> Scaling:
    if backbone is None:
        raise SpecError("dataset.scaling is preprocess_input, which belongs to a backbone, and the model has none.")
    _, high = _known_range(part, facts) or _measured_range(part)
    # Published backbones learnt from bytes; data that ends at 1 is bytes divided by 255.
    largest = 1.0 if high <= 1.0 else _BYTE_HIGH
    channels = part.inputs.shape[-1]
    return Scaling(*preprocessing.layer(preprocessing.mode(backbone, channels), channels, largest, NAME))


def _affine(shift: Array, squared_scale: Array) -> Any:
    """Make the layer (x - shift) / sqrt(squared_scale), per channel; a channel that never changes is only shifted."""
    return keras.layers.Normalization(
        mean=shift.astype(np.float32), variance=_positive(squared_scale).astype(np.float32), dtype="float32", name=NAME
    )


def _positive(squares: Array) -> Array:
    return np.where(squares > 0, squares, 1.0)


def _value_range(part: Part, facts: Facts) -> tuple[float, float]:
    """Return the range that ``unit`` divides by: the declared one, that of bytes, or the one of the training samples."""
    low, high = _known_range(part, facts) or _measured_range(part)
    if low >= high:
        raise DataError(
            f'dataset.scaling is "unit", which divides by the range of the values, and that goes from {low:g} to {high:g}: '
            'write "none", or mend dataset.facts.input_range.'
        )
    return low, high


def _known_range(part: Part, facts: Facts) -> tuple[float, float] | None:
    """Return the range by declaration or by type; bytes go from 0 to 255 whether or not a sample shows it."""
    declared = facts.input_range
    if declared is not None and declared.min is not None and declared.max is not None:
        return declared.min, declared.max
    return (0.0, _BYTE_HIGH) if part.inputs.dtype == np.uint8 else None


def _measured_range(part: Part) -> tuple[float, float]:
    seen = measure(part)
    return float(seen.low.min()), float(seen.high.max())
