"""Random changes of training samples, as Keras layers behind the scaling. A saved model holds none, but a crop's middle.

Each transform draws from a seed of its own, so that taking one out does not change the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from trainyard.linter.spec.model.augmentation import RandomCrop as Crop
from trainyard.linter.spec.model.augmentation import Transform
from trainyard.service.trainer.architecture.bricks import Layer
from trainyard.service.trainer.blending import Blend, CutMix, MixUp
from trainyard.service.trainer.cropping import RandomCrop, middle
from trainyard.service.trainer.scaling import Scaling

_LAYERS: dict[str, Callable[..., Layer]] = {
    "random_flip": keras.layers.RandomFlip,
    "random_rotation": keras.layers.RandomRotation,
    "random_zoom": keras.layers.RandomZoom,
    "random_translation": keras.layers.RandomTranslation,
    "random_shear": keras.layers.RandomShear,
    "random_brightness": keras.layers.RandomBrightness,
    "random_contrast": keras.layers.RandomContrast,
    "random_saturation": keras.layers.RandomSaturation,
    "random_hue": keras.layers.RandomHue,
    "random_sharpness": keras.layers.RandomSharpness,
    "random_grayscale": keras.layers.RandomGrayscale,
    "random_gaussian_blur": keras.layers.RandomGaussianBlur,
    "gaussian_noise": keras.layers.GaussianNoise,
    "random_erasing": keras.layers.RandomErasing,
    "rand_augment": keras.layers.RandAugment,
}
# Ours: Keras' layers of these names want labels beside the samples, or know no seed of the sample.
_OWN: dict[str, Callable[..., Layer]] = {
    "random_crop": RandomCrop,
    "mix_up": MixUp,
    "cut_mix": lambda factor, seed: CutMix(factor, seed=seed),
}
# Those that clip to, or count in, the range of the values they see.
_RANGED = frozenset(
    {
        "random_brightness",
        "random_contrast",
        "random_saturation",
        "random_hue",
        "random_sharpness",
        "random_gaussian_blur",
        "random_erasing",
        "rand_augment",
    }
)


def make(transforms: tuple[Transform, ...], scaling: Scaling, seed: int) -> list[Layer]:
    """Make one layer per transform, in order."""
    return [_layer(transform, scaling, seed + place) for place, transform in enumerate(transforms, start=1)]


def blends(layers: list[Layer]) -> tuple[Blend, ...]:
    """Return the layers that blend samples of a batch."""
    return tuple(layer for layer in layers if isinstance(layer, Blend))


def always(transforms: tuple[Transform, ...]) -> list[Layer]:
    """Make what the saved model needs of the augmentation: the window that a crop leaves, cut from the middle."""
    return [middle(crop.height, crop.width) for crop in transforms if isinstance(crop, Crop)]


def _layer(transform: Transform, scaling: Scaling, seed: int) -> Layer:
    arguments: dict[str, Any] = transform._asdict()
    kind = arguments.pop("type")
    if kind in _OWN:
        return _OWN[kind](**arguments, seed=seed)
    if kind in _RANGED:
        arguments["value_range"] = (scaling.low, scaling.high)
    return _LAYERS[kind](**arguments, seed=seed, dtype="float32")
