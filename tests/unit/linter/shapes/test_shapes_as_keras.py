"""Real Keras is the oracle of shapes and parameter counts: more than five hundred generated specs over all model types.

Every spec is one that the schema accepts. Keras builds each model without drawing weights, which makes a model cost
milliseconds; where the linter sees an obstacle, Keras has to refuse, and nowhere else.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.unit.linter.shapes.conftest import build, shapes_only

from trainyard.linter import spec
from trainyard.linter.shapes import Shapes, infer

pytestmark = pytest.mark.keras

Draw = random.Random
Drawn = tuple[dict[str, Any], list[int]]
WINDOWS = ("same", "valid")
CLASSES = 3
BACKBONES = ("mobilenet", "mobilenet_v2", "mobilenet_v3_small", "vgg16", "resnet50", "resnet50_v2", "densenet121", "xception")


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


def drawn_sequential(draw: Draw) -> Drawn:
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
    if draw.random() < 0.7:
        layers.append({"type": "dense", "units": CLASSES, **maybe(draw, use_bias=[True, False], activation=["softmax"])})
        return {"type": "sequential", "layers": layers}, shape
    return {"type": "sequential", "layers": layers, "output": drawn_output(draw)}, shape


def drawn_graph(draw: Draw) -> Drawn:
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
    nodes.append({"name": "end", "inputs": [names[-1]], "layer": {"type": f"global_{draw.choice(['max', 'average'])}_pooling2d"}})
    return {"type": "graph", "layers": nodes, **({"output": drawn_output(draw)} if draw.random() < 0.7 else {})}, [8, 8, 2]


def drawn_output(draw: Draw) -> dict[str, Any]:
    return maybe(draw, units=[CLASSES], activation=["softmax", "linear"], bias=[True, False])


def drawn_head(draw: Draw) -> dict[str, Any]:
    hidden = [draw.randint(1, 12) for _ in range(draw.randint(0, 3))]
    dropout = draw.choice([0.5, [draw.choice([0.0, 0.5]) for _ in hidden or (None,)]])
    pooling = ["flatten", "global_average", "global_max"]
    return {"hidden": hidden, **maybe(draw, pooling=pooling, batch_norm=[True, False], dropout=[dropout])}


def drawn_block(draw: Draw, axes: int) -> dict[str, Any]:
    kernel = draw.choice([1, 2, 3, [5, 3] if axes == 2 else [5]])
    return {
        "filters": draw.randint(1, 9),
        **maybe(draw, kernel=[kernel], convolutions=[1, 2, 3], strides=[1, 1, 2], padding=list(WINDOWS), batch_norm=[True, False]),
        **maybe(draw, pooling=["max", "average", None], pool_size=[2, 3], dropout=[0.0, 0.25]),
    }


def drawn_cnn(draw: Draw) -> Drawn:
    shape = [draw.randint(5, 40), draw.randint(5, 40), draw.choice([1, 3, 4])]
    blocks = [drawn_block(draw, 2) for _ in range(draw.randint(1, 4))]
    return {
        "type": "cnn",
        "blocks": blocks,
        **maybe(draw, head=[drawn_head(draw)], activation=["relu", "linear", "mish"], output=[drawn_output(draw)]),
    }, shape


def drawn_mlp(draw: Draw) -> Drawn:
    hidden = [draw.randint(1, 12) for _ in range(draw.randint(0, 3))]
    model = {"type": "mlp", "hidden": hidden, **maybe(draw, batch_norm=[True, False], dropout=[0.0, 0.5], output=[drawn_output(draw)])}
    return model, draw.choice([[7], [30], [4, 5], [6, 6, 2]])


def drawn_transfer(draw: Draw) -> Drawn:
    backbone = draw.choice(BACKBONES)
    trainable = draw.choice(["none", "all", {"last": draw.randint(1, 30)}])
    size = draw.choice([32, 48, 71, 96, 101])
    model = {"type": "transfer", "backbone": backbone, "weights": None, "trainable": trainable}
    return model | maybe(draw, head=[drawn_head(draw)], freeze_batch_norm=[True, False], output=[drawn_output(draw)]), [size, size, 3]


def written(model: dict[str, Any], shape: list[int]) -> dict[str, Any]:
    kind = "image_directory" if model["type"] == "transfer" else "npz"
    dataset = {"type": kind, "path": "x", "input_shape": shape, "facts": {"classes": CLASSES}}
    found = {"version": "v1", "task": "classification", "dataset": dataset, "model": model}
    assert spec.check(found) == ()
    return found


def described(theirs: Any) -> Counter[tuple[str, tuple[int, ...], int]]:
    """Return every layer but the input: what it is called, what it gives, what it holds."""
    layers = [layer for layer in theirs.layers if type(layer).__name__ != "InputLayer"]
    return Counter((type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params()) for layer in layers)


def assert_equal(ours: Shapes, theirs: Any) -> None:
    assert ours.parameters == theirs.count_params()
    assert ours.trainable == sum(int(weight.shape.num_elements()) for weight in theirs.trainable_weights)
    assert Counter((layer.kind, layer.output_shape, layer.parameters) for layer in ours.layers) == described(theirs)


def drawn(draw_one: Callable[[Draw], Drawn], seed: int, count: int) -> Iterator[Drawn]:
    draw = Draw(seed)
    for _ in range(count):
        yield draw_one(draw)


@pytest.mark.parametrize(
    "draw_one, seed, count",
    [
        (drawn_cnn, 7, 140),
        (drawn_mlp, 8, 60),
        (drawn_sequential, 11, 200),
        (drawn_graph, 12, 120),
        (drawn_transfer, 13, 24),
    ],
    ids=["cnn", "mlp", "sequential", "graph", "transfer"],
)
def test_generated_models_have_the_shapes_and_parameters_of_keras(draw_one: Callable[[Draw], Drawn], seed: int, count: int) -> None:

    refused = 0
    for model, shape in drawn(draw_one, seed, count):
        typed = spec.typed(spec.resolve(written(model, shape)))
        ours = infer(typed, None, CLASSES)
        assert ours is not None
        with shapes_only():
            if ours.obstacle is None:
                assert_equal(ours, build(typed.model, tuple(shape), CLASSES))
            else:
                refused += 1
                with pytest.raises((ValueError, ZeroDivisionError)):
                    build(typed.model, tuple(shape), CLASSES)
    assert refused < count / 2


def test_layers_come_in_the_order_in_which_keras_builds_them() -> None:
    for model, shape in drawn(drawn_cnn, 3, 5):
        typed = spec.typed(spec.resolve(written(model, shape)))
        ours = infer(typed, None, CLASSES)
        assert ours is not None
        if ours.obstacle is None:
            with shapes_only():
                theirs = build(typed.model, tuple(shape), CLASSES)
            built = [(type(layer).__name__, tuple(layer.output.shape[1:])) for layer in theirs.layers[1:]]
            assert [(layer.kind, layer.output_shape) for layer in ours.layers] == built


def test_a_layer_that_leads_nowhere_is_not_in_the_model() -> None:
    convolution = {"type": "conv2d", "filters": 4, "kernel_size": 3}
    nodes = [
        {"name": "loose", "inputs": ["input"], "layer": convolution},
        {"name": "looser", "inputs": ["loose"], "layer": convolution},
        {"name": "used", "inputs": ["input"], "layer": convolution},
        {"name": "end", "inputs": ["used"], "layer": {"type": "flatten"}},
    ]
    found = infer(spec.typed(spec.resolve(written({"type": "graph", "layers": nodes}, [8, 8, 2]))))
    assert found is not None
    assert [(layer.kind, layer.inputs) for layer in found.layers] == [("Conv2D", (0,)), ("Flatten", (1,))]
