"""The models that a box is measured with: small, and each dominated by another kind of work, narrow and wide, few samples and many.

Nobody wants them to learn: what counts is what a step of them takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = 4
_ROW, _PICTURE, _LARGE, _WIDE = [64], [16, 16, 3], [32, 32, 3], [64, 64, 3]
_TOKENS, _LONG = [40], [80]
_VOCABULARY = 1000
_ADAM: Mapping[str, Any] = {"type": "adam", "learning_rate": 0.0001}
_VALIDATION, _TEST = 0.25, 0.1
_EPOCHS = 16


def _layer(kind: str, **of: Any) -> dict[str, Any]:
    return {"type": kind, **of}


def _mlp(*hidden: int, dropout: float = 0.1, **of: Any) -> dict[str, Any]:
    return {"type": "mlp", "hidden": list(hidden), "dropout": dropout, **of}


def _cnn(*filters: int, **of: Any) -> dict[str, Any]:
    return {"type": "cnn", "blocks": [{"filters": count, **of} for count in filters], "head": {"dropout": 0.3}}


def _conv(filters: int, kernel: int = 3, strides: int = 1, kind: str = "conv2d") -> dict[str, Any]:
    return _layer(kind, filters=filters, kernel_size=kernel, strides=strides, padding="same")


def _depthwise(kernel: int = 3) -> dict[str, Any]:
    return _layer("depthwise_conv2d", kernel_size=kernel, padding="same")


def _stack(*layers: dict[str, Any], end: str = "global_average_pooling2d") -> dict[str, Any]:
    return {"type": "sequential", "layers": [*layers, *([_layer(end)] if end else [])], "output": {}}


def _text(*layers: dict[str, Any], width: int = 32, end: str = "") -> dict[str, Any]:
    return _stack(_layer("embedding", input_dim=_VOCABULARY, output_dim=width), *layers, end=end)


def _base(backbone: str, trainable: str) -> dict[str, Any]:
    head = {"pooling": "global_average", "hidden": [], "dropout": 0.2}
    return {"type": "transfer", "backbone": backbone, "weights": None, "trainable": trainable, "head": head}


_NORM, _RELU = _layer("batch_normalization"), _layer("activation", activation="relu")
_SWISH, _DROP = _layer("activation", activation="swish"), _layer("dropout", rate=0.2)
_MAX = _layer("max_pooling2d", pool_size=2, strides=1, padding="same")
_MEAN = _layer("average_pooling2d", pool_size=2, strides=1, padding="same")

#: Name: model, shape of a sample, batch size, and what differs from the usual spec.
MODELS: dict[str, tuple[dict[str, Any], list[int], int, dict[str, Any]]] = {
    "mlp-tiny": (_mlp(8), _ROW, 32, {}),
    "mlp-deep": (_mlp(*[32] * 8), _ROW, 32, {}),
    "mlp-deep-plain": (_mlp(*[32] * 8, dropout=0.0), _ROW, 32, {}),
    "mlp-middle": (_mlp(256, 256), _ROW, 32, {}),
    "mlp-wide": (_mlp(1024, 1024), _ROW, 64, {}),
    "mlp-wide-many": (_mlp(1024, 1024), _ROW, 512, {}),
    "mlp-huge": (_mlp(2048, 2048), _ROW, 128, {}),
    "mlp-normed": (_mlp(128, 128, 128, batch_norm=True), _ROW, 64, {}),
    "mlp-sgd": (_mlp(512, 512, dropout=0.0), _ROW, 64, {"optimizer": {"type": "sgd", "learning_rate": 0.001}}),
    "mlp-dropped": (_mlp(512, dropout=0.5), _ROW, 512, {}),
    "cnn-small": (_cnn(8, 16), _PICTURE, 32, {}),
    "cnn-middle": (_cnn(32, 64), _PICTURE, 32, {}),
    "cnn-double": (_cnn(64, convolutions=2), _LARGE, 32, {}),
    "cnn-channels": (_cnn(128, 128), _PICTURE, 64, {}),
    "cnn-narrow": (_cnn(4, 4), _WIDE, 32, {}),
    "cnn-even": (_cnn(16, 16), _WIDE, 32, {}),
    "conv-points": (_stack(_conv(32), _conv(128, 1), _conv(32, 1), _conv(128, 1)), _PICTURE, 64, {}),
    "conv-fives": (_stack(_conv(16, 5), _conv(32, 5, 2)), _LARGE, 32, {}),
    "conv-normed": (_stack(_conv(32), _NORM, _RELU, _conv(32), _NORM, _RELU), _LARGE, 64, {}),
    "conv-plain": (_stack(_conv(32), _RELU, _conv(32), _RELU), _LARGE, 64, {}),
    "norms": (_stack(_conv(32, 1), *[_NORM] * 6), _LARGE, 32, {}),
    "relus": (_stack(_conv(32, 1), *[_RELU] * 6), _LARGE, 32, {}),
    "swishes": (_stack(_conv(32, 1), *[_SWISH] * 4), _LARGE, 32, {}),
    "dropouts": (_stack(_conv(32, 1), *[_DROP] * 4), _LARGE, 32, {}),
    "maxima": (_stack(_conv(32, 1), *[_MAX] * 3), _LARGE, 32, {}),
    "means": (_stack(_conv(32, 1), *[_MEAN] * 3), _LARGE, 32, {}),
    "depthwise-few": (_stack(_conv(32, 1), _depthwise(), _depthwise(), _depthwise()), _LARGE, 32, {}),
    "depthwise-many": (_stack(_conv(128, 1), _depthwise(), _depthwise(5)), _PICTURE, 64, {}),
    "separable": (_stack(_conv(64, kind="separable_conv2d"), _conv(64, kind="separable_conv2d")), _LARGE, 32, {}),
    "lstm-small": (_text(_layer("lstm", units=32)), _TOKENS, 32, {}),
    "lstm-wide": (_text(_layer("lstm", units=128), width=64), _TOKENS, 64, {}),
    "gru-long": (_text(_layer("gru", units=64)), _LONG, 32, {}),
    "conv-text": (_text(_layer("conv1d", filters=64, kernel_size=5), end="global_max_pooling1d"), _LONG, 32, {}),
    "words": (_text(width=64, end="global_average_pooling1d"), _LONG, 32, {}),
    "turned": (_cnn(8, 16), _LARGE, 32, {"augmentation": [{"type": "random_rotation", "factor": 0.05}]}),
    "flipped": (_cnn(8, 16), _LARGE, 32, {"augmentation": [{"type": "random_flip"}, {"type": "random_contrast", "factor": 0.1}]}),
    "base-frozen": (_base("mobilenet_v2", "none"), _WIDE, 16, {"samples": 256}),
    "base-learning": (_base("mobilenet_v2", "all"), _WIDE, 16, {"samples": 256}),
    "base-large": (_base("resnet50", "none"), _WIDE, 16, {"samples": 256}),
}
#: Those that are trained as a whole besides, by the program that trains.
WHOLE = ("mlp-middle", "cnn-small")


def spec(name: str, accepted: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
    """Return the spec of one measurement; ``accepted`` are findings (rule and place) that matter to learning only."""
    model, shape, batch, more = MODELS[name]
    return {
        "version": "v1",
        "experiment": {"name": name},
        "task": "classification",
        "dataset": {
            "type": "npz",
            "path": f"{file_name(shape, _samples(name))}.npz",
            "input_shape": shape,
            "scaling": "none",
            "split": {"validation": _VALIDATION, "test": _TEST},
            "facts": {"classes": CLASSES},
        },
        "model": model,
        "augmentation": more.get("augmentation", []),
        "optimizer": more.get("optimizer", dict(_ADAM)),
        "training": {"epochs": _EPOCHS, "batch_size": batch},
        "callbacks": {"early_stopping": None},
        "$lint": [{"rule": rule, "pointer": pointer, "reason": "a measurement of time"} for rule, pointer in accepted],
    }


def steps(name: str) -> tuple[float, float]:
    """Return the steps of training and of judging in an epoch of a model, a last batch by its share."""
    samples, batch = _samples(name), MODELS[name][2]
    return samples * (1 - _VALIDATION - _TEST) / batch, samples * _VALIDATION / batch


def file_name(shape: list[int], samples: int) -> str:
    """Name the file of so many samples of a shape."""
    return f"{'x'.join(map(str, shape))}-{samples}"


def write_data(folder: Path) -> None:
    """Write the samples of all models: pictures as bytes, tokens as numbers of words, rows as floats."""
    random = np.random.default_rng(0)
    for shape, samples in {(tuple(MODELS[name][1]), _samples(name)) for name in MODELS}:
        size = (samples, *shape)
        if len(shape) > 1:
            inputs: Any = random.integers(0, 255, size=size).astype("uint8")
        elif list(shape) in (_TOKENS, _LONG):
            inputs = random.integers(1, _VOCABULARY, size=size).astype("int32")
        else:
            inputs = random.normal(size=size).astype("float32")
        np.savez(folder / f"{file_name(list(shape), samples)}.npz", x=inputs, y=np.arange(samples) % CLASSES)


def _samples(name: str) -> int:
    return int(MODELS[name][3].get("samples", 2048))
