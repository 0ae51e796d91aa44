"""What the backbones of Keras Applications expect of their input, as one layer of plain Keras inside the model.

Keras offers functions for it (keras/src/applications/imagenet_utils.py); a function is not saved with a model, a layer is.
Values are bytes, 0 to 255; data whose range is known to end at 1 is brought there first.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

CAFFE, TORCH, TENSORFLOW = "caffe", "torch", "tf"
# Mean of each colour of ImageNet, red first, and its deviation (imagenet_utils.py).
_MEAN = np.array([123.68, 116.779, 103.939])
_TORCH_MEAN = np.array([0.485, 0.456, 0.406])
_TORCH_DEVIATION = np.array([0.229, 0.224, 0.225])
_BYTE_HIGH = 255.0
COLOURS = 3
_MODES = {
    "densenet": TORCH,
    "inception": TENSORFLOW,
    "mobilenet": TENSORFLOW,
    "mobilenet_v2": TENSORFLOW,
    "nasnet": TENSORFLOW,
    "resnet": CAFFE,
    "vgg": CAFFE,
    "xception": TENSORFLOW,
}
# These hold their preprocessing themselves.
_INSIDE = ("convnext", "efficientnet", "mobilenet_v3")
# And this one holds constants for three colours in it.
_COLOURS_ONLY = "convnext"


def knows_colours_only(backbone: str) -> bool:
    """Tell whether the backbone's own preprocessing takes red, green and blue and nothing else."""
    return backbone.startswith(_COLOURS_ONLY)


def mode(backbone: str, channels: int = COLOURS) -> str | None:
    """Return how the backbone wants its input: ``caffe``, ``torch``, ``tf``, or None where it does the work itself."""
    if channels != COLOURS and knows_colours_only(backbone):
        return TORCH
    if backbone.startswith(_INSIDE):
        return None
    if backbone.startswith("resnet") and backbone.endswith("_v2"):
        return TENSORFLOW
    return _MODES[max((prefix for prefix in _MODES if backbone.startswith(prefix)), key=len)]


def layer(how: str | None, channels: int, high: float, name: str) -> tuple[Any, float, float]:
    """Return the layer (None where nothing is to be done) and the smallest and largest value behind it.

    Args:
        how: as ``mode`` tells it.
        channels: of a sample; where they are not red, green and blue, each gets the mean of the three.
        high: largest value before the layer, 255 or 1; the smallest is 0.
        name: of the layer.
    """
    factor = _BYTE_HIGH / high
    if how is None:
        made = keras.layers.Rescaling(factor, dtype="float32", name=name) if factor != 1 else None
        return made, 0.0, _BYTE_HIGH
    if how == TENSORFLOW:
        return keras.layers.Rescaling(2 / high, -1.0, dtype="float32", name=name), -1.0, 1.0
    if how == TORCH:
        mean, deviation = _per_channel(_TORCH_MEAN, channels), _per_channel(_TORCH_DEVIATION, channels)
        made = keras.layers.Normalization(
            mean=(mean * high).tolist(), variance=np.square(deviation * high).tolist(), dtype="float32", name=name
        )
        return made, float((-mean / deviation).min()), float(((1 - mean) / deviation).max())
    mean = _per_channel(_MEAN, channels)
    return _reversed_minus(mean, factor, channels, name), float(-mean.max()), float(_BYTE_HIGH - mean.min())


def _reversed_minus(mean: Any, factor: float, channels: int, name: str) -> Any:
    """Make the layer that turns red, green, blue around and takes the mean away: a 1x1 convolution that does not learn."""
    swap = np.eye(channels)[::-1] if channels == COLOURS else np.eye(channels)
    made = keras.layers.Conv2D(channels, 1, dtype="float32", name=name, trainable=False)
    made.build((None, None, None, channels))
    made.set_weights([(swap * factor).reshape(1, 1, channels, channels), -(mean[::-1] if channels == COLOURS else mean)])
    return made


def _per_channel(values: Any, channels: int) -> Any:
    return values if channels == COLOURS else np.full(channels, values.mean())
