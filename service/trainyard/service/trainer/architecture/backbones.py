"""Backbones of Keras Applications: built, filled with weights that somebody put there, frozen as the spec says.

Nothing is downloaded, ever: a trainer has no business with the network. Which layers learn is decided by their place in
the table that the linter reads, because Keras numbers layers without a name of their own by what was built before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from trainyard.linter.shapes.transfer import backbone as described
from trainyard.linter.shapes.transfer import first_trained
from trainyard.linter.spec.model.architecture import Transfer
from trainyard.service.trainer.architecture import preprocessing
from trainyard.service.trainer.failures import SpecError

BACKBONE = "backbone"
_FAMILIES = {
    "convnext_xlarge": "ConvNeXtXLarge",
    "convnext_": "ConvNeXt",
    "densenet": "DenseNet",
    "efficientnet_b": "EfficientNetB",
    "efficientnet_v2_": "EfficientNetV2",
    "inception_resnet_v2": "InceptionResNetV2",
    "inception_v3": "InceptionV3",
    "mobilenet": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_": "MobileNetV3",
    "nasnet_": "NASNet",
    "resnet": "ResNet",
    "vgg": "VGG",
    "xception": "Xception",
}
# Where the published files are called neither by the language's name nor by it with "_weights" behind it.


def build(model: Transfer, shape: tuple[int, ...]) -> Any:
    """Build the backbone without its top, for samples of this shape, with random weights."""
    # Under Keras' own name: EfficientNetV2 reads from it how to prepare its input (keras/src/applications/efficientnet_v2.py).
    arguments: dict[str, Any] = {"include_top": False, "weights": None, "input_shape": shape}
    if preprocessing.knows_colours_only(model.backbone) and shape[-1] != preprocessing.COLOURS:
        arguments["include_preprocessing"] = False
    made = getattr(keras.applications, keras_name(model.backbone))(**arguments)
    made.name = BACKBONE
    freeze(made, model, model.trainable)
    return made


def freeze(backbone: Any, model: Transfer, trainable: str | dict[str, int | str]) -> None:
    """Let the layers learn that ``trainable`` names, and no others; batch statistics stay as the model says."""
    known = described(model.backbone)
    first = first_trained(model._replace(trainable=trainable), known)
    if first is None:
        raise SpecError(f"The backbone {model.backbone} has no layer called {trainable}.")
    # Counted from the end: a backbone without its own preprocessing has fewer layers in front.
    for place, layer in enumerate(backbone.layers, start=len(known.layers) - len(backbone.layers)):
        layer.trainable = place >= first
        if model.freeze_batch_norm:
            for norm in _batch_norms(layer):
                norm.trainable = False


def keras_name(name: str) -> str:
    """Return what Keras Applications calls a backbone of the language."""
    prefix = max((prefix for prefix in _FAMILIES if name.startswith(prefix)), key=len)
    variant = name.removeprefix(prefix).replace("_v2", "V2")
    spelt = variant.upper() if len(variant) == 1 else variant[:1].upper() + variant[1:]
    return _FAMILIES[prefix] + spelt


def _batch_norms(layer: Any) -> Iterator[Any]:
    if isinstance(layer, keras.layers.BatchNormalization):
        yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _batch_norms(inner)
