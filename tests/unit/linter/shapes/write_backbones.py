"""Write what the linter knows of each backbone of Keras Applications, from Keras itself.

    python tests/unit/linter/shapes/write_backbones.py [NAME ...]

One JSON file per backbone below ``linter/trainyard/linter/shapes/backbones``: for every layer, in Keras' order, its name, the
weights that train, those of batch normalization among them, the weights that never train, the numbers in its output and its
multiply-adds for 224 x 224 pixels; and the windows that decide the size of the feature map. Tests hold the table to Keras.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[4] / "linter/trainyard/linter/shapes/backbones"
SIDE = 224
# Where the language and Keras spell a name differently.
NAMES = {
    "efficientnet_b": "EfficientNetB",
    "efficientnet_v2_": "EfficientNetV2",
    "convnext_xlarge": "ConvNeXtXLarge",
    "convnext_": "ConvNeXt",
    "nasnet_": "NASNet",
    "vgg": "VGG",
    "densenet": "DenseNet",
    "resnet": "ResNet",
    "inception_resnet_v2": "InceptionResNetV2",
    "inception_v3": "InceptionV3",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_": "MobileNetV3",
    "mobilenet": "MobileNet",
    "xception": "Xception",
}
# These pad by the parity of their input (keras/src/applications/imagenet_utils.py, correct_pad), which comes to ``same``.
PADS_BY_PARITY = ("mobilenet_v2", "mobilenet_v3", "efficientnet", "nasnet")
SMALLEST = {"inception_v3": 75, "inception_resnet_v2": 75, "xception": 71}


def keras_name(name: str) -> str:
    """Return what Keras calls the backbone."""
    prefix = max((prefix for prefix in NAMES if name.startswith(prefix)), key=len)
    rest = name.removeprefix(prefix).replace("_v2", "V2")
    if not rest:
        return NAMES[prefix]
    return NAMES[prefix] + (rest.upper() if len(rest) < 3 and not rest.isdigit() and "V" not in rest else rest[:1].upper() + rest[1:])


def build(name: str, side: int = SIDE, channels: int = 3) -> Any:
    """Return the backbone without its top, with weights that have a shape and no values."""
    return build_shaped(name, (side, side, channels))


def build_shaped(name: str, shape: tuple[int, ...]) -> Any:
    """Return the backbone for samples of ``shape``; nothing is drawn, so the largest takes seconds and no memory."""
    import keras
    from keras.src.backend.common.stateless_scope import StatelessScope

    # Layers without a name of their own are numbered within a session.
    keras.backend.clear_session()
    with StatelessScope(initialize_variables=False):
        return getattr(keras.applications, keras_name(name))(include_top=False, weights=None, input_shape=shape)


def describe(name: str) -> dict[str, Any]:
    """Return what the table holds of one backbone."""
    from math import prod

    model = build(name)
    layers = [
        [layer.name, *weights(layer), prod(shape_of(layer)[1:]) if index else 0, multiply_adds(layer)]
        for index, layer in enumerate(model.layers)
    ]
    return {
        "channels": int(model.output.shape[-1]),
        "smallest": SMALLEST.get(name, 32),
        "stem": stem(model),
        "windows": windows(model, name.startswith(PADS_BY_PARITY)),
        "layers": layers,
    }


def weights(layer: Any) -> tuple[int, int, int]:
    """Return the weights that train, those of batch normalization among them, and those that never train."""
    from math import prod

    trained = sum(prod(weight.shape) for weight in layer.trainable_weights)
    fixed = sum(prod(weight.shape) for weight in layer.non_trainable_weights)
    return trained, trained if type(layer).__name__ == "BatchNormalization" else 0, fixed


def multiply_adds(layer: Any) -> int:
    """Return the multiply-adds of one sample in a layer that convolves or multiplies matrices, nested ones among them."""
    from math import prod

    if getattr(layer, "layers", None):
        return sum(multiply_adds(inner) for inner in layer.layers)
    kind = type(layer).__name__
    if kind == "Dense":
        return int(prod(layer.kernel.shape) * prod(shape_of(layer)[1:-1]))
    if "Conv" not in kind:
        return 0
    names = ("depthwise_kernel", "pointwise_kernel") if kind == "SeparableConv2D" else ("kernel",)
    return int(sum(prod(getattr(layer, name).shape) for name in names) * prod(shape_of(layer)[1:-1]))


def shape_of(layer: Any) -> tuple[int, ...]:
    """Return the shape of a layer's (first) output."""
    found = layer.output
    return tuple((found[0] if isinstance(found, list) else found).shape)


def stem(model: Any) -> int:
    """Return how many weights the first convolution has for each channel of the input."""
    from math import prod

    first = next(layer for layer in every(model.layers) if type(layer).__name__ == "Conv2D")
    return int(prod(first.kernel.shape) // first.kernel.shape[-2])


def every(layers: Any) -> Any:
    """Yield layers, those inside of nested models too."""
    for layer in layers:
        inner = getattr(layer, "layers", None)
        if inner:
            yield from every(inner)
        else:
            yield layer


def windows(model: Any, by_parity: bool) -> list[list[Any]]:
    """Return [padding along an axis, window, stride, padded to the same size] of each layer on one way through the model."""
    found: list[list[Any]] = []
    for layer in way(model):
        kind = type(layer).__name__
        if kind == "ZeroPadding2D":
            found.append([sum(layer.padding[0]), 1, 1, False])
        elif kind == "Cropping2D":
            found.append([-sum(layer.cropping[0]), 1, 1, False])
        elif kind in {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D"}:
            size = (layer.kernel_size if hasattr(layer, "kernel_size") else layer.pool_size)[0]
            same, stride = layer.padding == "same", layer.strides[0]
            if by_parity and stride > 1 and not same and found and found[-1][1:3] == [1, 1]:
                found.pop()
                same = True
            if stride > 1 or (size > 1 and not same):
                found.append([0, size, stride, same])
    return found


def way(model: Any) -> list[Any]:
    """Return the layers on one way from the input to the output, in order."""
    by_output = {
        id(output): layer for layer in model.layers for output in [layer.output if not isinstance(layer.output, list) else layer.output[0]]
    }
    tensor = model.output
    found: list[Any] = []
    while id(tensor) in by_output:
        layer = by_output[id(tensor)]
        inner = getattr(layer, "layers", None)
        found += reversed(way(layer)) if inner else [layer]
        inputs = layer.input
        if type(layer).__name__ == "InputLayer":
            break
        tensor = inputs[0] if isinstance(inputs, list) else inputs
    return list(reversed(found))


def main(names: list[str]) -> None:
    """Write the files of these backbones."""
    FOLDER.mkdir(exist_ok=True)
    for name in names:
        found = describe(name)
        text = json.dumps({key: value for key, value in found.items() if key != "layers"})[:-1]
        rows = ",\n".join(json.dumps(row) for row in found["layers"])
        (FOLDER / f"{name}.json").write_text(f'{text}, "layers": [\n{rows}\n]}}\n', encoding="utf-8")
        print(name, sum(row[1] + row[3] for row in found["layers"]), flush=True)


if __name__ == "__main__":
    schema = json.loads((FOLDER.parents[1] / "spec/schema/v1.json").read_text(encoding="utf-8"))
    main(sys.argv[1:] or schema["$defs"]["Transfer"]["properties"]["backbone"]["enum"])
