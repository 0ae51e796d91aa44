"""Every model type and every layer of the language: built as the linter predicts, trained by Keras."""

from typing import Any

import keras
import numpy as np
import pytest

from trainyard.linter.shapes import infer
from trainyard.service import wire
from trainyard.service.capability import untrainable

DENSE: dict[str, Any] = {"type": "dense", "units": 3, "activation": "softmax"}
L2: dict[str, Any] = {"type": "l2", "l2": 0.01}
PICTURE: list[dict[str, Any]] = [
    {"type": "rescaling", "scale": 0.5, "offset": -0.25},
    {"type": "resizing", "height": 10, "width": 9},
    {"type": "normalization"},
    {"type": "conv2d", "filters": 4, "kernel_size": [3, 2], "padding": "same", "activation": "mish", "kernel_regularizer": L2},
    {"type": "separable_conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "kernel_initializer": None}
    | {"depthwise_initializer": "he_normal", "pointwise_constraint": {"type": "unit_norm"}},
    {"type": "depthwise_conv2d", "kernel_size": 2, "depth_multiplier": 2, "activation": "gelu"},
    {"type": "batch_normalization", "momentum": 0.9, "beta_regularizer": "l1"},
    {"type": "max_pooling2d", "pool_size": 2, "padding": "same"},
    {"type": "conv2d_transpose", "filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
    {"type": "group_normalization", "groups": 2},
    {"type": "residual_block", "filters": 6, "strides": 2, "convolutions": 2},
    {"type": "residual_block", "filters": 6, "convolutions": 2, "batch_norm": False, "activation": "swish"},
    {"type": "dense_block", "convolutions": 2, "growth_rate": 3, "dropout": 0.1},
    {"type": "spatial_dropout2d", "rate": 0.1},
    {"type": "average_pooling2d", "pool_size": [1, 2]},
    {"type": "activation", "activation": "leaky_relu"},
    {"type": "global_max_pooling2d", "keepdims": True},
    {"type": "flatten"},
    {"type": "layer_normalization"},
    {"type": "dropout", "rate": 0.1},
    DENSE | {"kernel_initializer": {"type": "random_normal", "stddev": 0.1}, "bias_constraint": "non_neg"},
]
for each in PICTURE:
    each.pop("kernel_initializer", None) if each.get("kernel_initializer", "") is None else None
STEPS: list[dict[str, Any]] = [
    {"type": "reshape", "target_shape": [8, -1]},
    {"type": "conv1d", "filters": 4, "kernel_size": 2, "padding": "causal", "dilation_rate": 2},
    {"type": "separable_conv1d", "filters": 4, "kernel_size": 2},
    {"type": "depthwise_conv1d", "kernel_size": 2},
    {"type": "conv1d_transpose", "filters": 3, "kernel_size": 2, "strides": 2},
    {"type": "max_pooling1d", "pool_size": 2},
    {"type": "spatial_dropout1d", "rate": 0.1},
    {"type": "lstm", "units": 3, "bidirectional": True, "return_sequences": True, "dropout": 0.1, "recurrent_constraint": "max_norm"},
    {"type": "average_pooling1d", "pool_size": 2},
    {"type": "gru", "units": 4, "return_sequences": True, "kernel_regularizer": {"type": "orthogonal"}},
    {"type": "global_average_pooling1d"},
    DENSE,
]
TOKENS: list[dict[str, Any]] = [
    {"type": "embedding", "input_dim": 256, "output_dim": 5, "mask_zero": True},
    {"type": "gru", "units": 4, "reset_after": False, "go_backwards": True},
    DENSE,
]
GRAPH: list[dict[str, Any]] = [
    {"name": "left", "inputs": ["input"], "layer": {"type": "conv2d", "filters": 3, "kernel_size": 3, "padding": "same"}},
    {"name": "right", "inputs": ["input"], "layer": {"type": "conv2d", "filters": 3, "kernel_size": 1}},
    {"name": "sum", "inputs": ["left", "right"], "layer": {"type": "add"}},
    {"name": "both", "inputs": ["sum", "left", "right"], "layer": {"type": "concatenate"}},
    {"name": "one", "inputs": ["both"], "layer": {"type": "global_average_pooling2d"}},
]
SEVERAL: dict[str, Any] = {"dataset": {"facts": {"classes": 3}}}
MODELS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "sequential on pictures": (("images",), {"model": {"type": "sequential", "layers": PICTURE}}),
    "sequential on steps": (("images",), {"model": {"type": "sequential", "layers": STEPS}}),
    "tokens": (("tokens",), {"model": {"type": "sequential", "layers": TOKENS}}),
    "sequential with a written output": (
        ("table",),
        {"model": {"type": "sequential", "layers": [{"type": "dense", "units": 4}], "output": {}}, "dataset": {"input_shape": [4]}},
    ),
    "graph": (("images",), {"model": {"type": "graph", "layers": GRAPH, "output": {"bias": False}}}),
    "graph whose last layer is the output": (
        ("images",),
        {"model": {"type": "graph", "layers": [*GRAPH, {"name": "out", "inputs": ["one"], "layer": DENSE}]}},
    ),
    "cropped": (
        ("images",),
        {
            "model": {"type": "cnn", "blocks": [{"filters": 3}], "head": {"pooling": "flatten"}},
            "augmentation": [{"type": "random_crop", "height": 6, "width": 5}],
        },
    ),
}
# Layers in front that the linter does not count: they change neither shape nor weights.
UNCOUNTED = frozenset({"sample", "scaling"})


def built_layers(kept: Any) -> list[tuple[str, tuple[int, ...]]]:
    """Return kind and output shape of every layer."""
    return [
        (type(layer).__name__, tuple(layer.output.shape[1:]))
        for layer in kept.layers
        if layer.name not in UNCOUNTED and type(layer).__name__ != "CenterCrop"
    ]


@pytest.mark.parametrize("name", MODELS)
def test_layers_shapes_and_weights_are_those_that_the_linter_predicts(prepare: Any, name: str) -> None:
    ingredients, changes = MODELS[name]
    dataset = {**changes.get("dataset", {}), "facts": {"classes": 3}}
    prepared = prepare(*ingredients, **{**changes, "dataset": dataset})

    predicted = infer(prepared.spec)

    assert predicted is not None
    assert predicted.obstacle is None
    assert sorted(built_layers(prepared.built.kept)) == sorted((layer.kind, layer.output_shape) for layer in predicted.layers)
    assert prepared.built.parameters == predicted.parameters
    trained = sum(int(np.prod(weight.shape)) for weight in prepared.built.kept.trainable_weights)
    assert trained == predicted.trainable


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_trained_and_kept(train: Any, typed: Any, name: str) -> None:
    ingredients, changes = MODELS[name]
    assert untrainable(typed(*ingredients, **changes)) == ()

    result = train(*ingredients, **changes)

    assert result.verdict.outcome == wire.SUCCEEDED, result.verdict
    kept = keras.saving.load_model(result.folder.artifacts / "best.keras")
    assert kept.output.dtype == "float32"


@pytest.mark.parametrize("precision", ["mixed_float16", "bfloat16"])
def test_the_output_is_float32_whatever_the_precision(prepare: Any, precision: str) -> None:
    for layers in (
        STEPS,
        [*STEPS[:-2], {"type": "flatten"}, {"type": "dense", "units": 3}, {"type": "activation", "activation": "softmax"}],
    ):
        prepared = prepare("images", model={"type": "sequential", "layers": layers}, training={"precision": precision})
        assert prepared.built.kept.output.dtype == "float32"


def test_a_normalization_learns_from_the_training_part_what_is_not_written(prepare: Any) -> None:
    layers = [{"type": "rescaling", "scale": 2.0}, {"type": "normalization"}, {"type": "flatten"}, DENSE]
    prepared = prepare("images", model={"type": "sequential", "layers": layers}, dataset={"scaling": "none"})
    part = prepared.division.train

    inner = keras.Model(prepared.built.kept.input, prepared.built.kept.layers[2].output)
    seen = np.asarray(inner(part.inputs[part.indices]))

    assert seen.mean() == pytest.approx(0.0, abs=1e-4)
    assert seen.std() == pytest.approx(1.0, abs=1e-4)


def test_a_written_mean_stays_and_the_variance_comes_from_the_data(prepare: Any) -> None:
    layers = [{"type": "normalization", "mean": 10.0}, {"type": "flatten"}, DENSE]
    prepared = prepare("images", model={"type": "sequential", "layers": layers}, dataset={"scaling": "none"})
    part = prepared.division.train
    raw = part.inputs[part.indices].astype(np.float64)

    inner = keras.Model(prepared.built.kept.input, prepared.built.kept.layers[1].output)

    np.testing.assert_allclose(np.asarray(inner(raw)), (raw - 10.0) / raw.std(), rtol=1e-4)


def test_penalties_reach_every_kernel_that_has_none_of_its_own(prepare: Any) -> None:
    layers = [
        {"type": "reshape", "target_shape": [8, 8]},
        {"type": "lstm", "units": 3},
        {"type": "dense", "units": 3, "kernel_regularizer": L2},
    ]
    prepared = prepare("images", model={"type": "sequential", "layers": layers}, regularization={"l1": 0.5, "max_norm": 2.0})

    kernels = {weight.path: weight for weight in prepared.built.kept.trainable_weights if weight.name == "kernel"}

    assert [float(weight.regularizer.l1) if hasattr(weight.regularizer, "l1") else 0.0 for weight in kernels.values()] == [0.5, 0.0]
    assert all(weight.constraint.max_value == 2.0 for weight in kernels.values())
    assert len(prepared.built.learner.losses) == 2


def test_embeddings_are_learnt_and_judged_by_the_nearest_class(train: Any) -> None:
    """The circle loss: alike samples lie together, and a class is where its training samples lie on average."""
    output = {"units": 5, "activation": "linear"}
    changes = {
        "loss": {"type": "circle", "gamma": 16.0},
        "metrics": [],
        "training": {"epochs": 12},
        "optimizer": {"type": "adam", "learning_rate": 0.01},
    }
    result = train("images", model={"output": output}, **changes)

    assert result.verdict.outcome == wire.SUCCEEDED, result.verdict
    judged = result.json("evaluation.json")
    assert judged["accuracy"] > 0.6
    assert np.linalg.norm(judged["class_means"], axis=1) == pytest.approx(np.ones(3))
    kept = keras.saving.load_model(result.folder.artifacts / "best.keras")
    places = np.asarray(kept(np.random.default_rng(1).integers(0, 256, (4, 8, 8, 1))))
    assert np.linalg.norm(places, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
