"""Every model of the language, built with Keras from what the language's reference says: the oracle of shapes and memory.

It reads the typed model and shares no line with the trainer or the linter, so that a misreading in one of them shows.
"""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

WRITER = Path(__file__).parent / "write_backbones.py"
# Names that the language writes otherwise than Keras' classes.
_SPECIAL = {"lstm": "LSTM", "gru": "GRU"}
_OWN_FIELDS = {"type", "bidirectional", "merge_mode"}


@contextmanager
def shapes_only() -> Iterator[None]:
    """Let models be built without drawing a single weight: shapes and counts are there, values are not."""
    from keras.src.backend.common.stateless_scope import StatelessScope

    with StatelessScope(initialize_variables=False):
        yield


def build(model: Any, shape: tuple[int, ...], units: int | None = None) -> Any:
    """Return the Keras model of a typed model for samples of ``shape``; ``units`` of the output where the spec leaves them open."""
    import keras

    inputs = keras.Input(shape)
    match model.type:
        case "cnn":
            end = _cnn(model, inputs, units)
        case "mlp":
            end = _mlp(model, inputs, units)
        case "transfer":
            end = _transfer(model, inputs, units)
        case "sequential":
            end = inputs
            for layer in model.layers:
                end = apply(layer, end)
            end = end if model.output is None else _output(end, model.output, units)
        case _:
            end = _graph(model, inputs, units)
    return keras.Model(inputs, end)


def _cnn(model: Any, x: Any, units: int | None) -> Any:
    for block in model.blocks:
        x = _block(x, block, model.activation)
    return _output(_head(x, model.head, model.activation), model.output, units)


def _mlp(model: Any, x: Any, units: int | None) -> Any:
    from keras import layers

    x = layers.Flatten()(x) if len(x.shape) > 2 else x
    return _output(_hidden(x, model, model.activation), model.output, units)


def _transfer(model: Any, x: Any, units: int | None) -> Any:
    import keras

    name = keras_backbone(model.backbone)
    body = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=tuple(x.shape[1:]))
    layers = body.layers
    learning = _learning(model.trainable, [layer.name for layer in layers])
    for index, layer in enumerate(layers):
        layer.trainable = index in learning
        if model.freeze_batch_norm:
            freeze_norms(layer)
    return _output(_head(body(x), model.head, model.activation), model.output, units)


def freeze_norms(layer: Any) -> None:
    """Freeze batch normalization, that of nested models, too."""
    for inner in getattr(layer, "layers", None) or ():
        freeze_norms(inner)
    if type(layer).__name__ == "BatchNormalization":
        layer.trainable = False


def _learning(trainable: Any, names: list[str]) -> range:
    if trainable == "all":
        return range(len(names))
    if trainable == "none":
        return range(0)
    first = names.index(trainable["from"]) if "from" in trainable else max(0, len(names) - trainable["last"])
    return range(first, len(names))


@cache
def _writer() -> dict[str, Any]:
    return runpy.run_path(str(WRITER))


def keras_backbone(name: str) -> str:
    """Return what Keras calls a backbone."""
    found: str = _writer()["keras_name"](name)
    return found


def _graph(model: Any, inputs: Any, units: int | None) -> Any:
    """Return the output of the last node; Keras drops those that lead nowhere."""
    tensors: dict[str, Any] = {"input": inputs}
    for node in model.layers:
        taken = [tensors[name] for name in node.inputs]
        joins = node.layer.type in {"add", "concatenate"}
        tensors[node.name] = _keras_layer(node.layer)(taken) if joins else apply(node.layer, taken[0])
    last = tensors[model.layers[-1].name]
    return last if model.output is None else _output(last, model.output, units)


def _block(x: Any, block: Any, activation: str) -> Any:
    from keras import layers

    axes = len(block.kernel)
    convolve, largest, mean = (getattr(layers, f"{name}{axes}D") for name in ("Conv", "MaxPooling", "AveragePooling"))
    for convolution in range(block.convolutions):
        x = convolve(block.filters, block.kernel, strides=1 if convolution else block.strides, padding=block.padding)(x)
        x = layers.BatchNormalization()(x) if block.batch_norm else x
        x = _activated(x, activation)
    if block.pooling is not None:
        x = (largest if block.pooling == "max" else mean)(block.pool_size)(x)
    return layers.Dropout(block.dropout)(x) if block.dropout else x


def _head(x: Any, head: Any, activation: str) -> Any:
    from keras import layers

    axes = len(x.shape) - 2
    kinds = {"flatten": "Flatten", "global_average": f"GlobalAveragePooling{axes}D", "global_max": f"GlobalMaxPooling{axes}D"}
    return _hidden(getattr(layers, kinds[head.pooling])()(x), head, activation)


def _hidden(x: Any, part: Any, activation: str) -> Any:
    from keras import layers

    if not part.hidden and part.dropout and part.dropout[0]:
        x = layers.Dropout(part.dropout[0])(x)
    for index, units in enumerate(part.hidden):
        x = layers.Dense(units)(x)
        x = layers.BatchNormalization()(x) if part.batch_norm else x
        x = _activated(x, activation)
        rate = part.dropout[index] if index < len(part.dropout) else 0.0
        x = layers.Dropout(rate)(x) if rate else x
    return x


def _output(x: Any, output: Any, units: int | None) -> Any:
    from keras import layers

    x = layers.Dense(output.units or units, use_bias=output.bias)(x)
    return _activated(x, output.activation)


def _activated(x: Any, activation: str) -> Any:
    from keras import layers

    return x if activation == "linear" else layers.Activation(activation)(x)


def apply(layer: Any, x: Any) -> Any:
    """Return the output of one explicit layer of the language; blocks are several of Keras'."""
    if layer.type == "residual_block":
        return _residual(layer, x)
    return _dense_block(layer, x) if layer.type == "dense_block" else _keras_layer(layer)(x)


def _residual(layer: Any, x: Any) -> Any:
    from keras import layers

    source, bias = x, not layer.batch_norm
    for index in range(layer.convolutions):
        strides = 1 if index else _pair(layer.strides)
        x = layers.Conv2D(layer.filters, _pair(layer.kernel_size), strides, "same", use_bias=bias)(x)
        x = layers.BatchNormalization()(x) if layer.batch_norm else x
        x = _activated(x, layer.activation) if index < layer.convolutions - 1 else x
    if x.shape != source.shape:
        source = layers.Conv2D(layer.filters, 1, _pair(layer.strides), "same", use_bias=bias)(source)
        source = layers.BatchNormalization()(source) if layer.batch_norm else source
    return _activated(layers.Add()([x, source]), layer.activation)


def _dense_block(layer: Any, x: Any) -> Any:
    from keras import layers

    for _ in range(layer.convolutions):
        y = layers.BatchNormalization()(x) if layer.batch_norm else x
        y = _activated(y, layer.activation)
        y = layers.Conv2D(layer.growth_rate, _pair(layer.kernel_size), padding="same", use_bias=not layer.batch_norm)(y)
        y = layers.Dropout(layer.dropout)(y) if layer.dropout else y
        x = layers.Concatenate()([x, y])
    return x


def _keras_layer(layer: Any) -> Any:
    from keras import layers

    fields = {key: value for key, value in layer._asdict().items() if key not in _OWN_FIELDS}
    fields = {key: value[0] if isinstance(value, tuple) and len(value) == 1 else value for key, value in fields.items()}
    name = _SPECIAL.get(layer.type) or "".join(part.capitalize() for part in layer.type.split("_")).replace("1d", "1D").replace("2d", "2D")
    built = getattr(layers, name)(**{key: _plain(value) for key, value in fields.items()})
    if getattr(layer, "bidirectional", False):
        return layers.Bidirectional(built, merge_mode=layer.merge_mode)
    return built


def _plain(value: Any) -> Any:
    """Drop initializers: they change no shape."""
    return "zeros" if hasattr(value, "_asdict") else value


def _pair(value: tuple[int, ...]) -> int | tuple[int, ...]:
    return value[0] if len(value) == 1 else value
