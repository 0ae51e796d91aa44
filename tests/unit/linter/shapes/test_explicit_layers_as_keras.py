"""Real Keras is the oracle of explicit layers: generated sequences and graphs of everything the language can say."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter import spec
from trainyard.linter.shapes import Shapes, infer

pytestmark = pytest.mark.keras

CASES = 220
Draw = random.Random
WINDOWS = ("same", "valid")
# Names that the language writes otherwise than Keras' classes.
SPECIAL = {"lstm": "LSTM", "gru": "GRU"}
OWN_FIELDS = {"type", "bidirectional", "merge_mode"}


def maybe(draw: Draw, **choices: Any) -> dict[str, Any]:
    return {key: draw.choice(values) for key, values in choices.items() if draw.random() < 0.6}


def convolution(draw: Draw, axes: int) -> dict[str, Any]:
    kind = draw.choice([f"conv{axes}d", f"separable_conv{axes}d", f"depthwise_conv{axes}d", f"conv{axes}d_transpose"])
    size = draw.choice([1, 2, 3, [3] * axes, [2] * axes])
    strided = draw.random() < 0.3
    layer: dict[str, Any] = {"type": kind, "kernel_size": size, "padding": draw.choice(WINDOWS), **maybe(draw, use_bias=[True, False])}
    layer |= {"strides": 2} if strided else maybe(draw, dilation_rate=[1, 2])
    if "transpose" in kind and not strided:
        layer.pop("dilation_rate", None)
    if "depthwise" not in kind:
        layer["filters"] = draw.choice([2, 4, 6])
    if "separable" in kind or "depthwise" in kind:
        layer |= maybe(draw, depth_multiplier=[1, 2])
        layer.pop("dilation_rate", None)
    if kind == "conv1d" and draw.random() < 0.3:
        layer["padding"] = "causal"
    return layer | maybe(draw, activation=["relu", "tanh"])


def normalization(draw: Draw) -> dict[str, Any]:
    kind = draw.choice(["batch_normalization", "layer_normalization", "group_normalization"])
    extra = {"groups": draw.choice([1, 2, -1])} if kind == "group_normalization" else {}
    return {"type": kind, **extra, **maybe(draw, center=[True, False], scale=[True, False])}


def plain(draw: Draw) -> dict[str, Any]:
    return draw.choice(
        [
            {"type": "dropout", "rate": 0.3},
            {"type": "activation", "activation": "relu"},
            {"type": "rescaling", "scale": 0.5},
            {"type": "normalization", "mean": 0.0, "variance": 1.0},
            {"type": "normalization"},
        ]
    )


def spatial(draw: Draw, axes: int) -> dict[str, Any]:
    choices: list[Callable[[], dict[str, Any]]] = [
        lambda: convolution(draw, axes),
        lambda: convolution(draw, axes),
        lambda: {
            "type": draw.choice([f"max_pooling{axes}d", f"average_pooling{axes}d"]),
            "padding": draw.choice(WINDOWS),
            **maybe(draw, pool_size=[2, 3], strides=[1, 2]),
        },
        lambda: normalization(draw),
        lambda: plain(draw),
        lambda: {"type": f"spatial_dropout{axes}d", "rate": 0.2},
    ]
    if axes == 2:
        choices += [
            lambda: {
                "type": "residual_block",
                "filters": draw.choice([2, 4]),
                **maybe(draw, strides=[1, 2], convolutions=[1, 2, 3], batch_norm=[True, False]),
            },
            lambda: {
                "type": "dense_block",
                "convolutions": draw.choice([1, 2]),
                "growth_rate": 2,
                **maybe(draw, batch_norm=[True, False], dropout=[0.0, 0.2]),
            },
            lambda: {"type": "resizing", "height": draw.randint(4, 20), "width": draw.randint(4, 20)},
        ]
    return draw.choice(choices)()


def recurrent(draw: Draw) -> dict[str, Any]:
    kind = draw.choice(["lstm", "gru"])
    extra = maybe(draw, reset_after=[True, False]) if kind == "gru" else {}
    both = maybe(draw, merge_mode=["concat", "sum", "ave"]) | {"bidirectional": True} if draw.random() < 0.5 else {}
    return {"type": kind, "units": draw.randint(1, 5), "return_sequences": True, **extra, **both, **maybe(draw, use_bias=[True, False])}


def drawn_layers(draw: Draw) -> tuple[list[dict[str, Any]], list[int]]:
    """Return layers that mostly fit each other, and the shape of their samples."""
    family = draw.choice(["pictures", "signals", "tokens"])
    axes = 2 if family == "pictures" else 1
    shape = {
        "pictures": [draw.randint(6, 30), draw.randint(6, 30), draw.choice([1, 2, 4])],
        "signals": [draw.randint(6, 40), 4],
        "tokens": [draw.randint(4, 20)],
    }[family]
    layers = [{"type": "embedding", "input_dim": 50, "output_dim": 4}] if family == "tokens" else []
    layers += [recurrent(draw) if family == "tokens" and draw.random() < 0.7 else spatial(draw, axes) for _ in range(draw.randint(1, 5))]
    end = draw.choice(["flatten", "pool", "reshape"])
    if end == "flatten":
        layers.append({"type": "flatten"})
    elif end == "pool":
        layers.append({"type": f"global_{draw.choice(['max', 'average'])}_pooling{axes}d", **maybe(draw, keepdims=[True, False])})
    else:
        layers.append({"type": "reshape", "target_shape": [-1, 1]})
    layers.append({"type": "dense", "units": 3, **maybe(draw, use_bias=[True, False], activation=["softmax"])})
    return layers, shape


def written(model: dict[str, Any], shape: list[int]) -> dict[str, Any]:
    dataset = {"type": "npz", "path": "x.npz", "input_shape": shape, "facts": {"classes": 3}}
    found = {"version": "v1", "task": "classification", "dataset": dataset, "model": model}
    assert spec.check(found) == ()
    return found


def keras_layer(layer: Any) -> Any:
    from keras import layers

    fields = {key: value for key, value in layer._asdict().items() if key not in OWN_FIELDS}
    fields = {key: value[0] if isinstance(value, tuple) and len(value) == 1 else value for key, value in fields.items()}
    name = SPECIAL.get(layer.type) or "".join(part.capitalize() for part in layer.type.split("_")).replace("1d", "1D").replace("2d", "2D")
    name = name.replace("1DTranspose", "1DTranspose").replace("2DTranspose", "2DTranspose")
    fields = {key: _plain(value) for key, value in fields.items()}
    built = getattr(layers, name)(**fields)
    if getattr(layer, "bidirectional", False):
        return layers.Bidirectional(built, merge_mode=layer.merge_mode)
    return built


def _plain(value: Any) -> Any:
    """Drop initializers: they change no shape."""
    if hasattr(value, "_asdict"):
        return "zeros"
    return value


def apply(layer: Any, x: Any) -> Any:
    from keras import layers

    if layer.type == "residual_block":
        source = x
        for index in range(layer.convolutions):
            x = layers.Conv2D(
                layer.filters, _pair(layer.kernel_size), 1 if index else _pair(layer.strides), "same", use_bias=not layer.batch_norm
            )(x)
            x = layers.BatchNormalization()(x) if layer.batch_norm else x
            x = layers.Activation(layer.activation)(x) if index < layer.convolutions - 1 else x
        if x.shape != source.shape:
            source = layers.Conv2D(layer.filters, 1, _pair(layer.strides), "same", use_bias=not layer.batch_norm)(source)
            source = layers.BatchNormalization()(source) if layer.batch_norm else source
        return layers.Activation(layer.activation)(layers.Add()([x, source]))
    if layer.type == "dense_block":
        for _ in range(layer.convolutions):
            y = layers.BatchNormalization()(x) if layer.batch_norm else x
            y = layers.Activation(layer.activation)(y)
            y = layers.Conv2D(layer.growth_rate, _pair(layer.kernel_size), padding="same", use_bias=not layer.batch_norm)(y)
            y = layers.Dropout(layer.dropout)(y) if layer.dropout else y
            x = layers.Concatenate()([x, y])
        return x
    return keras_layer(layer)(x)


def _pair(value: tuple[int, ...]) -> int | tuple[int, ...]:
    return value[0] if len(value) == 1 else value


def assert_equal(ours: Shapes, theirs: Any) -> None:
    assert ours.parameters == theirs.count_params()
    assert ours.trainable == sum(int(weight.shape.num_elements()) for weight in theirs.trainable_weights)
    built = sorted(
        (type(layer).__name__, layer.output.shape[1:], layer.count_params())
        for layer in theirs.layers
        if type(layer).__name__ != "InputLayer"
    )
    assert sorted((layer.kind, layer.output_shape, layer.parameters) for layer in ours.layers) == built


def chained(model: Any, x: Any) -> Any:
    for layer in model.layers:
        x = apply(layer, x)
    return x


def test_generated_sequences_have_the_shapes_and_parameters_of_keras() -> None:
    import keras

    draw = random.Random(11)
    refused = 0
    for _ in range(CASES):
        layers, shape = drawn_layers(draw)
        typed = spec.typed(spec.resolve(written({"type": "sequential", "layers": layers}, shape)))
        ours = infer(typed)
        assert ours is not None
        inputs = keras.Input(shape)
        if ours.obstacle is not None:
            refused += 1
            with pytest.raises((ValueError, ZeroDivisionError)):
                chained(typed.model, inputs)
        else:
            assert_equal(ours, keras.Model(inputs, chained(typed.model, inputs)))
    assert refused < CASES / 3


def test_generated_graphs_have_the_shapes_and_parameters_of_keras() -> None:
    import keras

    draw = random.Random(12)
    built = 0
    for _ in range(CASES // 2):
        nodes = drawn_graph(draw)
        typed = spec.typed(spec.resolve(written({"type": "graph", "layers": nodes}, [8, 8, 2])))
        ours = infer(typed)
        assert ours is not None
        tensors: dict[str, Any] = {"input": keras.Input((8, 8, 2))}
        graph: Any = typed.model
        try:
            for node in graph.layers:
                taken = [tensors[name] for name in node.inputs]
                joins = node.layer.type in {"add", "concatenate"}
                tensors[node.name] = keras_layer(node.layer)(taken) if joins else apply(node.layer, taken[0])
        except ValueError:
            assert ours.obstacle is not None, nodes
            continue
        assert ours.obstacle is None, ours.obstacle
        built += 1
        model = keras.Model(tensors["input"], [tensors[node["name"]] for node in nodes])
        assert_equal(ours, model)
    assert built > CASES / 6


def drawn_graph(draw: Draw) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    names = ["input"]
    for index in range(draw.randint(2, 7)):
        name = f"n{index}"
        if len(names) > 2 and draw.random() < 0.4:
            inputs = draw.sample(names, 2)
            layer: dict[str, Any] = {"type": draw.choice(["add", "concatenate"])}
        else:
            inputs = [draw.choice(names)]
            layer = {"type": "conv2d", "filters": draw.choice([2, 4]), "kernel_size": 3, "padding": "same"}
            layer = layer if draw.random() < 0.7 else spatial(draw, 2)
        nodes.append({"name": name, "inputs": inputs, "layer": layer})
        names.append(name)
    return nodes
