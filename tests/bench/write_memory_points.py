"""Asks XLA how much memory a training step takes, for many models, and keeps what it said beside the machine.

    KERAS_BACKEND=jax python -m tests.bench.write_memory_points            # all points, some minutes on two cores
    KERAS_BACKEND=jax python -m tests.bench.write_memory_points --only mlp  # those whose name starts so, printed only

For every point the real Keras model of the spec is built, and its own ``train_step`` is compiled as ``fit`` compiles it (the state
given away), never run. The peak is XLA's: arguments + outputs + temporaries - what outputs share with arguments. A frozen VGG
is not among the points: all of its forward pass becomes one library call, and XLA does not count what that holds inside.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from typing import Any, NamedTuple

from trainyard.linter import spec

CLASSES = 10
RESULT = "memory_xla.json"

CNN = {"type": "cnn", "blocks": [{"filters": 32}, {"filters": 64}]}
DEEP = {
    "type": "cnn",
    "blocks": [{"filters": 32, "convolutions": 2}, {"filters": 64, "convolutions": 2}, {"filters": 128, "convolutions": 2}],
}
NORMED = {
    "type": "cnn",
    "blocks": [{"filters": 32, "batch_norm": True, "dropout": 0.25}, {"filters": 64, "batch_norm": True, "dropout": 0.25}],
}
MEAN = {"type": "cnn", "blocks": [{"filters": 32, "pooling": "average"}, {"filters": 64, "pooling": "average"}]}
BARE = {
    "type": "cnn",
    "blocks": [{"filters": 32, "pooling": None}, {"filters": 64, "pooling": None}],
    "head": {"pooling": "global_average"},
}
MISH = {**CNN, "activation": "mish"}
GELU = {**DEEP, "activation": "gelu"}
MLP = {"type": "mlp", "hidden": [512, 512]}
WIDE = {"type": "mlp", "hidden": [4096, 4096], "dropout": 0.5}
LINEAR = {"type": "mlp", "hidden": []}
SIGNAL = {
    "type": "sequential",
    "layers": [
        {"type": "conv1d", "filters": 64, "kernel_size": 5, "activation": "relu"},
        {"type": "max_pooling1d"},
        {"type": "conv1d", "filters": 128, "kernel_size": 5, "activation": "relu"},
        {"type": "global_average_pooling1d"},
        {"type": "dense", "units": CLASSES, "activation": "softmax"},
    ],
}
TEXT = {
    "type": "sequential",
    "layers": [
        {"type": "embedding", "input_dim": 20000, "output_dim": 128},
        {"type": "lstm", "units": 64, "bidirectional": True},
        {"type": "dense", "units": CLASSES, "activation": "softmax"},
    ],
}
GATED = {
    "type": "sequential",
    "layers": [
        {"type": "gru", "units": 64, "return_sequences": True},
        {"type": "gru", "units": 32},
        {"type": "dense", "units": CLASSES, "activation": "softmax"},
    ],
}
SEPARABLE = {
    "type": "sequential",
    "layers": [
        {"type": "conv2d", "filters": 32, "kernel_size": 3, "padding": "same", "activation": "relu"},
        {"type": "separable_conv2d", "filters": 64, "kernel_size": 3, "padding": "same", "activation": "relu"},
        {"type": "max_pooling2d"},
        {"type": "separable_conv2d", "filters": 128, "kernel_size": 3, "padding": "same", "activation": "relu"},
        {"type": "global_average_pooling2d"},
        {"type": "dense", "units": CLASSES, "activation": "softmax"},
    ],
}
RESIDUAL = {
    "type": "sequential",
    "layers": [
        {"type": "conv2d", "filters": 16, "kernel_size": 3, "padding": "same"},
        {"type": "residual_block", "filters": 16},
        {"type": "residual_block", "filters": 32, "strides": 2},
        {"type": "residual_block", "filters": 64, "strides": 2},
        {"type": "global_average_pooling2d"},
        {"type": "dense", "units": CLASSES, "activation": "softmax"},
    ],
}
DENSE_NET = {
    "type": "sequential",
    "layers": [
        {"type": "conv2d", "filters": 24, "kernel_size": 3, "padding": "same"},
        {"type": "dense_block", "convolutions": 4, "growth_rate": 12},
        {"type": "average_pooling2d"},
        {"type": "dense_block", "convolutions": 4, "growth_rate": 12},
        {"type": "global_average_pooling2d"},
        {"type": "dense", "units": CLASSES, "activation": "softmax"},
    ],
}
CODER = {
    "type": "sequential",
    "layers": [
        {"type": "conv2d", "filters": 32, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"},
        {"type": "conv2d_transpose", "filters": 32, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"},
        {"type": "layer_normalization"},
        {"type": "flatten"},
        {"type": "dense", "units": CLASSES, "activation": "softmax"},
    ],
}
GRAPH = {
    "type": "graph",
    "layers": [
        {"name": "a", "inputs": ["input"], "layer": {"type": "conv2d", "filters": 32, "kernel_size": 3, "padding": "same"}},
        {"name": "b", "inputs": ["input"], "layer": {"type": "conv2d", "filters": 32, "kernel_size": 5, "padding": "same"}},
        {"name": "c", "inputs": ["a", "b"], "layer": {"type": "concatenate"}},
        {"name": "d", "inputs": ["c"], "layer": {"type": "activation", "activation": "relu"}},
        {"name": "e", "inputs": ["d"], "layer": {"type": "global_max_pooling2d"}},
        {"name": "f", "inputs": ["e"], "layer": {"type": "dense", "units": CLASSES, "activation": "softmax"}},
    ],
}
FROZEN = {"type": "transfer", "backbone": "mobilenet_v2", "weights": None}
THAWED = {"type": "transfer", "backbone": "mobilenet_v2", "weights": None, "trainable": "all", "freeze_batch_norm": False}
RESNET = {"type": "transfer", "backbone": "resnet50", "weights": None, "trainable": "all", "freeze_batch_norm": False}
LATE = {"type": "transfer", "backbone": "resnet50", "weights": None, "trainable": {"last": 20}}
EFFICIENT = {"type": "transfer", "backbone": "efficientnet_b0", "weights": None, "trainable": "all", "freeze_batch_norm": False}


def images(*layers: dict[str, Any]) -> dict[str, Any]:
    """Return a model with one convolution before these layers, and their mean behind them."""
    first = {"type": "conv2d", "filters": 32, "kernel_size": 3, "padding": "same", "activation": "relu"}
    last = [{"type": "global_average_pooling2d"}, {"type": "dense", "units": CLASSES, "activation": "softmax"}]
    return {"type": "sequential", "layers": [first, *layers, *last]}


def whole(backbone: str, **changes: Any) -> dict[str, Any]:
    """Return a backbone of which everything learns."""
    return {"type": "transfer", "backbone": backbone, "weights": None, "trainable": "all", "freeze_batch_norm": False} | changes


LAST = {"type": "dense", "units": CLASSES, "activation": "softmax"}
AGAIN = {"type": "conv2d", "filters": 32, "kernel_size": 3, "padding": "same", "activation": "relu"}
ENLARGED = {"type": "conv2d_transpose", "filters": 32, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"}
LARGEST = {"type": "sequential", "layers": [AGAIN, AGAIN, {"type": "global_max_pooling2d"}, LAST]}
FLAT = {"type": "sequential", "layers": [AGAIN, {"type": "flatten"}, LAST]}
GATES = {"type": "sequential", "layers": [{"type": "lstm", "units": 64, "return_sequences": True}, {"type": "lstm", "units": 32}, LAST]}
UPDATED = {"type": "sequential", "layers": [{"type": "gru", "units": 128}, LAST]}
WORDS = {
    "type": "sequential",
    "layers": [{"type": "embedding", "input_dim": 5000, "output_dim": 64}, {"type": "global_average_pooling1d"}, LAST],
}
WAVE = {"type": "conv1d", "filters": 64, "kernel_size": 7, "activation": "relu"}
WAVES = {"type": "sequential", "layers": [WAVE, WAVE, {"type": "global_average_pooling1d"}, LAST]}
SQUARE = {"type": "mlp", "hidden": [2048, 2048]}
FIXED = {"trainable": "none", "freeze_batch_norm": True}


class Point(NamedTuple):
    """One training step: a model on samples of a shape, a batch, an optimizer, a precision policy."""

    name: str
    model: dict[str, Any]
    shape: list[int]
    batch: int
    optimizer: str
    precision: str


_ROWS: list[tuple[str, dict[str, Any], list[int], int, str, str]] = [
    ("cnn-28", CNN, [28, 28, 1], 32, "adam", "float32"),
    ("cnn-28-large", CNN, [28, 28, 1], 512, "adam", "float32"),
    ("cnn-64", CNN, [64, 64, 1], 32, "sgd", "float32"),
    ("cnn-64-rms", CNN, [64, 64, 3], 128, "rmsprop", "float32"),
    ("cnn-128", CNN, [128, 128, 3], 16, "adam", "float32"),
    ("cnn-64-half", CNN, [64, 64, 3], 64, "adam", "mixed_bfloat16"),
    ("cnn-64-float16", CNN, [64, 64, 3], 64, "adam", "mixed_float16"),
    ("deep-32", DEEP, [32, 32, 3], 64, "adam", "float32"),
    ("deep-64", DEEP, [64, 64, 3], 32, "adamw", "float32"),
    ("deep-64-large", DEEP, [64, 64, 3], 128, "sgd", "float32"),
    ("deep-96", DEEP, [96, 96, 1], 16, "nadam", "float32"),
    ("deep-64-half", DEEP, [64, 64, 3], 32, "adam", "mixed_bfloat16"),
    ("normed-64", NORMED, [64, 64, 1], 32, "adam", "float32"),
    ("normed-32", NORMED, [32, 32, 3], 256, "adam", "float32"),
    ("normed-64-half", NORMED, [64, 64, 1], 64, "adam", "mixed_float16"),
    ("mean-64", MEAN, [64, 64, 1], 32, "adam", "float32"),
    ("mean-32", MEAN, [32, 32, 3], 128, "adagrad", "float32"),
    ("bare-32", BARE, [32, 32, 3], 64, "adam", "float32"),
    ("mish-64", MISH, [64, 64, 1], 32, "adam", "float32"),
    ("gelu-32", GELU, [32, 32, 3], 64, "adam", "float32"),
    ("mlp-784", MLP, [784], 32, "adam", "float32"),
    ("mlp-784-large", MLP, [784], 1024, "sgd", "float32"),
    ("mlp-wide", WIDE, [1024], 64, "adam", "float32"),
    ("mlp-wide-large", WIDE, [1024], 512, "adadelta", "float32"),
    ("mlp-wide-half", WIDE, [1024], 64, "adam", "mixed_bfloat16"),
    ("mlp-wide-whole", WIDE, [1024], 256, "lion", "bfloat16"),
    ("mlp-linear", LINEAR, [20000], 128, "adam", "float32"),
    ("mlp-amsgrad", MLP, [784], 128, "amsgrad", "float32"),
    ("signal", SIGNAL, [500, 8], 64, "adam", "float32"),
    ("signal-large", SIGNAL, [1000, 4], 128, "rmsprop", "float32"),
    ("text", TEXT, [200], 32, "adam", "float32"),
    ("text-large", TEXT, [100], 128, "adam", "float32"),
    ("gated", GATED, [100, 16], 64, "adam", "float32"),
    ("separable", SEPARABLE, [48, 48, 3], 32, "adam", "float32"),
    ("separable-large", SEPARABLE, [32, 32, 3], 128, "adamax", "float32"),
    ("residual", RESIDUAL, [32, 32, 3], 64, "sgd", "float32"),
    ("residual-large", RESIDUAL, [64, 64, 3], 64, "adam", "float32"),
    ("residual-half", RESIDUAL, [32, 32, 3], 128, "adam", "mixed_bfloat16"),
    ("dense-net", DENSE_NET, [32, 32, 3], 64, "sgd", "float32"),
    ("coder", CODER, [64, 64, 3], 32, "adam", "float32"),
    ("graph", GRAPH, [48, 48, 3], 32, "adam", "float32"),
    ("graph-large", GRAPH, [32, 32, 3], 256, "sgd", "float32"),
    ("frozen", FROZEN, [128, 128, 3], 32, "adam", "float32"),
    ("frozen-large", FROZEN, [224, 224, 3], 16, "adam", "float32"),
    ("thawed", THAWED, [96, 96, 3], 16, "adam", "float32"),
    ("thawed-large", THAWED, [128, 128, 3], 32, "sgd", "float32"),
    ("resnet", RESNET, [64, 64, 3], 16, "adam", "float32"),
    ("resnet-late", LATE, [96, 96, 3], 16, "adam", "float32"),
    ("efficient", EFFICIENT, [96, 96, 3], 16, "adam", "float32"),
    *[
        (f"opt-{name}", SQUARE, [2048], 8, name, "float32")
        for name in ("sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "lion", "amsgrad")
    ],
    ("opt-sgd-bf16", SQUARE, [2048], 8, "sgd", "bfloat16"),
    ("opt-adam-bf16", SQUARE, [2048], 8, "adam", "bfloat16"),
    ("opt-adam-f16", SQUARE, [2048], 8, "adam", "float16"),
    ("opt-adam-mf16", SQUARE, [2048], 8, "adam", "mixed_float16"),
    ("ln", images({"type": "layer_normalization"}), [64, 64, 3], 32, "adam", "float32"),
    ("gn", images({"type": "group_normalization", "groups": 8}), [64, 64, 3], 32, "adam", "float32"),
    ("bn", images({"type": "batch_normalization"}), [64, 64, 3], 32, "adam", "float32"),
    ("tr", images(ENLARGED), [32, 32, 3], 32, "adam", "float32"),
    ("fl", FLAT, [64, 64, 3], 32, "adam", "float32"),
    (
        "dw",
        images({"type": "depthwise_conv2d", "kernel_size": 3, "padding": "same", "activation": "relu"}),
        [64, 64, 3],
        32,
        "adam",
        "float32",
    ),
    ("sp", images({"type": "spatial_dropout2d", "rate": 0.2}, {"type": "dropout", "rate": 0.3}), [64, 64, 3], 32, "adam", "float32"),
    ("lstm", GATES, [100, 16], 64, "adam", "float32"),
    ("gru1", UPDATED, [80, 32], 64, "adam", "float32"),
    ("emb", WORDS, [200], 64, "adam", "float32"),
    ("mp3", images({"type": "max_pooling2d", "pool_size": 3, "strides": 2}), [64, 64, 3], 32, "adam", "float32"),
    ("ap", images({"type": "average_pooling2d"}, AGAIN), [64, 64, 3], 32, "adam", "float32"),
    ("gmp", LARGEST, [64, 64, 3], 32, "adam", "float32"),
    ("c1d", WAVES, [512, 4], 64, "adam", "float32"),
    ("b-mnv2-224", whole("mobilenet_v2"), [224, 224, 3], 8, "adam", "float32"),
    ("b-rn50-128", whole("resnet50"), [128, 128, 3], 16, "adam", "float32"),
    ("b-dn121", whole("densenet121"), [96, 96, 3], 8, "adam", "float32"),
    ("b-eff160", whole("efficientnet_b0"), [160, 160, 3], 8, "sgd", "float32"),
    ("b-cnx", whole("convnext_tiny"), [96, 96, 3], 8, "adam", "float32"),
    ("b-vgg", whole("vgg16"), [64, 64, 3], 16, "adam", "float32"),
    ("b-mn3", whole("mobilenet_v3_small"), [128, 128, 3], 16, "adam", "float32"),
    ("b-xc", whole("xception"), [96, 96, 3], 8, "adam", "float32"),
    ("b-rn50v2-fr", whole("resnet50_v2", **FIXED), [160, 160, 3], 16, "adam", "float32"),
    ("b-eff-fr", whole("efficientnet_b0", **FIXED), [224, 224, 3], 16, "adam", "float32"),
    ("b-eff-last", whole("efficientnet_b0", trainable={"last": 20}), [160, 160, 3], 16, "adam", "float32"),
]
POINTS = [Point(*row) for row in _ROWS]
# Small ones of four kinds, for the gate that measures anew in every run of the tests.
LIVE = ("cnn-28", "mlp-784", "signal", "mean-64")


def written(point: Point) -> dict[str, Any]:
    """Return the spec of a point."""
    kind: dict[str, Any] = {"type": "adam", "amsgrad": True} if point.optimizer == "amsgrad" else {"type": point.optimizer}
    kind |= {"momentum": 0.9} if point.optimizer == "sgd" else {}
    return {
        "version": "v1",
        "task": "classification",
        "dataset": {"type": "npz", "path": f"{point.name}.npz", "input_shape": point.shape, "facts": {"classes": CLASSES}},
        "model": point.model,
        "optimizer": kind,
        "training": {"batch_size": point.batch, "precision": point.precision},
    }


def measured(point: Point) -> dict[str, int]:
    """Return what XLA says of the compiled training step, in bytes."""
    import jax
    import keras
    import numpy as np
    from tests.unit.linter.shapes.conftest import build

    keras.backend.clear_session()
    typed = spec.typed(spec.resolve(written(point)))
    keras.config.set_dtype_policy(typed.training.precision)
    try:
        model = build(typed.model, tuple(point.shape), CLASSES)
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile(optimizer=_optimizer(point.optimizer), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    tokens = point.model.get("layers", [{}])[0].get("type") == "embedding"
    # Tokens are counted in whole numbers.
    x = np.zeros((point.batch, *point.shape), dtype="int32" if tokens else "float32")
    data = (x, np.zeros((point.batch,), dtype="int32"))
    model._symbolic_build(data_batch=data)
    model.optimizer.build(model.trainable_variables)
    state = tuple(
        [variable.value for variable in kind]
        for kind in (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables, model.metrics_variables)
    )
    compiled = jax.jit(model.train_step, donate_argnums=0).lower(state, data).compile()
    found: Any = compiled.memory_analysis()
    arguments, outputs = found.argument_size_in_bytes, found.output_size_in_bytes
    temporary, shared = found.temp_size_in_bytes, found.alias_size_in_bytes
    return {"peak": arguments + outputs + temporary - shared, "arguments": arguments, "temporary": temporary}


def _optimizer(name: str) -> Any:
    import keras

    if name == "amsgrad":
        return keras.optimizers.Adam(amsgrad=True)
    if name == "sgd":
        return keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True)
    return keras.optimizers.get(name)


def main() -> None:
    """Measure; keep the result of a whole run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--names", nargs="*", default=None)
    arguments = parser.parse_args()
    chosen = [point for point in POINTS if arguments.names is None or point.name in arguments.names]
    chosen = [point for point in chosen if arguments.only is None or any(point.name.startswith(start) for start in arguments.only)]
    figures = {}
    for point in chosen:
        figures[point.name] = measured(point)
        print(json.dumps({point.name: figures[point.name]}), flush=True)
    if len(chosen) == len(POINTS):
        _keep(figures)


def _keep(figures: dict[str, dict[str, int]]) -> None:
    import jax
    import keras
    from tests.bench.conftest import LINTERS, RESULTS, machine

    record = {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "machine": machine(LINTERS) | {"jax": jax.__version__, "keras": keras.__version__, "device": "cpu"},
        "figures": figures,
    }
    (RESULTS / RESULT).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"{len(figures)} points in {RESULT}", file=sys.stderr)


if __name__ == "__main__":
    main()
