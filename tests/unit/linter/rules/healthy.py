"""Healthy specs at random: what practitioners write, over all model types and tasks, in ranges that published work uses.

Held against the linter in bulk: whatever is said above an info about one of them is a false alarm. No recipe is copied here; each
range is as wide as what the corpus of controls, Keras' documentation and the usual courses cover.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Spec = dict[str, Any]


def healthy(draw: random.Random) -> Spec:
    """Return one healthy spec."""
    spec = draw.choice(KINDS)(draw)
    spec["version"] = "v1"
    _run(draw, spec)
    _watching(draw, spec)
    return spec


def _counts(draw: random.Random, classes: int, low: int, high: int) -> list[int]:
    base = draw.randint(low, high)
    return [max(40, int(base * draw.uniform(0.6, 1.4))) for _ in range(classes)]


def _facts(draw: random.Random, classes: int, counts: list[int], **more: Any) -> Spec:
    if draw.random() < 0.5:
        return {"class_counts": counts, **more}
    return {"samples": sum(counts), "classes": classes, **more}


def _pictures(draw: random.Random, classes: int, low: int = 400, high: int = 6000) -> Spec:
    side = draw.choice([28, 32, 48, 64, 96, 128])
    channels = draw.choice([1, 3])
    content = "photo" if channels == 3 else draw.choice(["digits", "medical", "bytes"])
    facts = _facts(draw, classes, _counts(draw, classes, low, high), content=content)
    return {"type": "image_directory", "path": "images", "input_shape": [side, side, channels], "facts": facts}


def _augmentation(draw: random.Random, content: str) -> Any:
    if content == "photo":
        flip: Spec = {"type": "random_flip", "mode": "horizontal"}
        return draw.choice(["none", "light", "medium", [flip], [flip, {"type": "random_rotation", "factor": draw.choice([0.05, 0.1])}]])
    return draw.choice(["none", "light", [{"type": "random_translation", "height_factor": 0.1, "width_factor": 0.1}]])


def _cnn(draw: random.Random) -> Spec:
    classes = draw.choice([2, 3, 5, 10, 25, 43, 100])
    dataset = _pictures(draw, classes)
    norm = draw.random() < 0.5
    depth = draw.randint(2, 4)
    blocks = [
        {"filters": min(256, draw.choice([16, 32]) << at), "convolutions": draw.choice([1, 1, 2]), "batch_norm": norm}
        for at in range(depth)
    ]
    head = {"pooling": draw.choice(["flatten", "global_average"]), "hidden": draw.choice([[], [64], [128], [256], [256, 128]])}
    model: Spec = {
        "type": "cnn",
        "blocks": blocks,
        "head": head,
        "activation": draw.choice(["relu", "relu", "relu", "mish", "swish", "elu"]),
    }
    model["dropout"] = {"conv": draw.choice([0.0, 0.1, 0.25, 0.5]), "dense": draw.choice([0.3, 0.5, 0.7])}
    return {
        "task": "classification",
        "dataset": dataset,
        "augmentation": _augmentation(draw, dataset["facts"]["content"]),
        "model": model,
    }


def _layered(draw: random.Random) -> Spec:
    classes = draw.choice([2, 10, 20])
    dataset = _pictures(draw, classes)
    layers: list[Spec] = [{"type": "rescaling", "scale": 1 / 255}] if draw.random() < 0.3 else []
    if layers:
        dataset["scaling"] = "none"
    for at in range(draw.randint(1, 3)):
        padding = draw.choice(["same", "valid"])
        layers.append({"type": "conv2d", "filters": 32 << at, "kernel_size": 3, "activation": "relu", "padding": padding})
        if draw.random() < 0.4:
            layers.append({"type": "batch_normalization"})
        layers.append({"type": "max_pooling2d"})
    layers += [{"type": draw.choice(["flatten", "global_average_pooling2d"])}, {"type": "dropout", "rate": draw.choice([0.2, 0.5])}]
    if draw.random() < 0.6:
        layers.append({"type": "dense", "units": draw.choice([64, 128]), "activation": "relu"})
    binary = classes == 2 and draw.random() < 0.5
    logits = draw.random() < 0.3
    layers.append(
        {"type": "dense", "units": 1 if binary else classes, "activation": "linear" if logits else "sigmoid" if binary else "softmax"}
    )
    loss = {"type": "binary_crossentropy" if binary else "sparse_categorical_crossentropy", "from_logits": logits}
    return {
        "task": "classification",
        "dataset": dataset,
        "augmentation": _augmentation(draw, dataset["facts"]["content"]),
        "model": {"type": "sequential", "layers": layers},
        "loss": loss,
    }


def _table(draw: random.Random) -> Spec:
    classes = draw.choice([2, 2, 2, 3, 5, 10])
    counts = _counts(draw, classes, 60, 20_000)
    hidden = draw.choice([[8], [16], [32], [64], [32, 16], [64, 32], [128, 64], [64, 64, 64], [256, 128, 64]])
    wide = sum(counts) < 100 * classes
    model: Spec = {"type": "mlp", "hidden": hidden[:1] if wide else hidden, "dropout": draw.choice([0, 0.1, 0.2, 0.5])}
    if sum(hidden) > 64 and sum(counts) < 2000:
        model["dropout"] = 0.3
    model["batch_norm"] = draw.random() < 0.2
    spec: Spec = {
        "task": "classification",
        "dataset": {"type": "csv", "path": "table.csv", "target": "y", "input_shape": [draw.randint(4, 60)]},
        "model": model,
    }
    spec["dataset"]["facts"] = _facts(draw, classes, counts)
    if classes == 2 and draw.random() < 0.5:
        model["output"] = {"units": 1, "activation": "sigmoid"}
        spec["loss"] = {"type": draw.choice(["binary_crossentropy", "binary_crossentropy", "binary_focal_crossentropy"])}
    elif draw.random() < 0.3:
        spec["loss"] = {"type": "categorical_crossentropy", "label_smoothing": draw.choice([0, 0.05, 0.1])}
    return spec


def _linear(draw: random.Random) -> Spec:
    facts = _facts(draw, 2, _counts(draw, 2, 100, 5000))
    dataset = {"type": "csv", "path": "table.csv", "target": "y", "input_shape": [draw.randint(2, 60)], "facts": facts}
    return {"task": "classification", "dataset": dataset, "model": {"type": "mlp", "hidden": []}}


def _regression(draw: random.Random) -> Spec:
    samples = draw.choice([400, 2000, 20_000, 100_000])
    facts: Spec = {"samples": samples}
    if draw.random() < 0.5:
        facts["target"] = {
            "range": draw.choice([{"min": 0, "max": 1}, {"min": -3, "max": 3}, {"min": 5, "max": 50}, {"min": 0, "max": 10}])
        }
    loss = draw.choice(["mean_squared_error", "mean_absolute_error", "huber", "log_cosh"])
    hidden = draw.choice([[16], [64], [64, 64], [128, 64], [50, 50, 50]])
    dropout = draw.choice([0, 0, 0.1, 0.2])
    return {
        "task": "regression",
        "dataset": {"type": "csv", "path": "houses.csv", "target": "price", "input_shape": [draw.randint(4, 60)], "facts": facts},
        "model": {"type": "mlp", "hidden": hidden, "dropout": dropout, "activation": draw.choice(["relu", "relu", "tanh", "swish"])},
        "loss": {"type": loss},
    }


def _autoencoder(draw: random.Random) -> Spec:
    width, code = draw.choice([64, 256, 784]), draw.choice([8, 16, 32])
    layers = [
        {"type": "dense", "units": max(2 * code, width // 4), "activation": "relu"},
        {"type": "dense", "units": code, "activation": draw.choice(["relu", "linear"])},
        {"type": "dense", "units": max(2 * code, width // 4), "activation": "relu"},
        {"type": "dense", "units": width, "activation": "sigmoid"},
    ]
    facts = {"samples": draw.choice([20_000, 60_000]), "target": {"range": {"min": 0, "max": 1}}}
    return {
        "task": "regression",
        "dataset": {"type": "npz", "path": "digits.npz", "input_shape": [width], "scaling": "unit", "facts": facts},
        "model": {"type": "sequential", "layers": layers},
        "loss": {"type": draw.choice(["binary_crossentropy", "mean_squared_error"])},
    }


def _transfer(draw: random.Random) -> Spec:
    classes = draw.choice([2, 5, 10, 38, 120])
    facts = _facts(draw, classes, _counts(draw, classes, 60, 1500), content="photo")
    side = draw.choice([160, 192, 224])
    backbone = draw.choice(["mobilenet_v2", "efficientnet_b0", "resnet50", "vgg16", "densenet121", "xception", "inception_v3"])
    model: Spec = {"type": "transfer", "backbone": backbone, "head": {"dropout": draw.choice([0.2, 0.5])}}
    spec: Spec = {
        "task": "classification",
        "dataset": {"type": "image_directory", "path": "pets", "input_shape": [side, side, 3], "facts": facts},
        "augmentation": _augmentation(draw, "photo"),
        "model": model,
    }
    way = draw.choice(["frozen", "tuned", "staged"])
    if way == "tuned":
        model["trainable"] = draw.choice(["all", {"last": 20}])
        spec["optimizer"] = {"type": "adam", "learning_rate": draw.choice([1e-5, 3e-5, 1e-4])}
    elif way == "staged":
        spec["training"] = {"stages": [{"trainable": {"last": 30}, "learning_rate": 1e-5, "epochs": draw.randint(3, 10)}]}
    return spec


def _multilabel(draw: random.Random) -> Spec:
    labels = draw.choice([5, 14, 100])
    layers = [
        {"type": "dense", "units": draw.choice([128, 512]), "activation": "relu"},
        {"type": "dropout", "rate": 0.3},
        {"type": "dense", "units": labels, "activation": "sigmoid"},
    ]
    facts = {"samples": draw.choice([5000, 40_000]), "classes": labels, "labels": {"encoding": "multi_hot"}}
    return {
        "task": "multilabel",
        "dataset": {"type": "npz", "path": "texts.npz", "input_shape": [draw.choice([300, 5000])], "facts": facts},
        "model": {"type": "sequential", "layers": layers},
        "loss": {"type": "binary_crossentropy"},
        "metrics": ["binary_accuracy", {"type": "auc", "multi_label": True}],
    }


def _text(draw: random.Random) -> Spec:
    vocabulary, length = draw.choice([5000, 20_000]), draw.choice([80, 200, 400])
    middle: list[Spec] = draw.choice(
        [
            [{"type": "lstm", "units": 64}],
            [{"type": "gru", "units": 32, "bidirectional": True}],
            [{"type": "conv1d", "filters": 128, "kernel_size": 5, "activation": "relu"}, {"type": "global_max_pooling1d"}],
            [{"type": "global_average_pooling1d"}],
        ]
    )
    layers = [
        {"type": "embedding", "input_dim": vocabulary, "output_dim": draw.choice([50, 128])},
        *middle,
        {"type": "dropout", "rate": draw.choice([0.2, 0.5])},
        {"type": "dense", "units": 1, "activation": "sigmoid"},
    ]
    facts = {"samples": draw.choice([10_000, 25_000, 50_000]), "classes": 2, "sequence": {"length": length, "vocabulary": vocabulary}}
    return {
        "task": "classification",
        "dataset": {"type": "npz", "path": "reviews.npz", "input_shape": [length], "facts": facts},
        "model": {"type": "sequential", "layers": layers},
        "loss": {"type": "binary_crossentropy"},
    }


def _series(draw: random.Random) -> Spec:
    steps, channels = draw.choice([24, 120, 288]), draw.choice([1, 7, 14])
    layers: list[Spec] = draw.choice(
        [
            [{"type": "lstm", "units": 32}],
            [{"type": "gru", "units": 64, "dropout": 0.2}],
            [{"type": "lstm", "units": 32, "return_sequences": True}, {"type": "lstm", "units": 16}],
            [{"type": "conv1d", "filters": 32, "kernel_size": 3, "activation": "relu"}, {"type": "global_average_pooling1d"}],
        ]
    )
    facts = {"samples": draw.choice([3000, 30_000]), "order": "by_time"}
    split = {"method": "tail"}
    return {
        "task": "regression",
        "dataset": {"type": "npz", "path": "weather.npz", "input_shape": [steps, channels], "scaling": "standardize", "facts": facts}
        | {"split": split},
        "model": {"type": "sequential", "layers": [*layers, {"type": "dense", "units": 1}]},
        "loss": {"type": draw.choice(["mean_squared_error", "mean_absolute_error", "huber"])},
    }


def _signals(draw: random.Random) -> Spec:
    classes = draw.choice([2, 5, 8])
    counts = _counts(draw, classes, 200, 2000)
    layers: list[Spec] = []
    for filters in draw.choice([(64, 64), (64, 64, 64), (32, 64, 128)]):
        layers += [{"type": "conv1d", "filters": filters, "kernel_size": 3, "padding": "same"}]
        layers += [{"type": "batch_normalization"}, {"type": "activation", "activation": "relu"}]
    layers += [{"type": "global_average_pooling1d"}, {"type": "dense", "units": classes, "activation": "softmax"}]
    facts = _facts(draw, classes, counts, labels={"encoding": "integer", "min": 0, "max": classes - 1})
    return {
        "task": "classification",
        "dataset": {"type": "npz", "path": "signals.npz", "input_shape": [draw.choice([128, 500]), 3], "facts": facts},
        "model": {"type": "sequential", "layers": layers},
    }


def _two_ways(draw: random.Random) -> Spec:
    classes = draw.choice([3, 10])
    nodes = [
        {"name": "a", "inputs": ["input"], "layer": {"type": "dense", "units": 64, "activation": "relu"}},
        {"name": "b", "inputs": ["a"], "layer": {"type": "dense", "units": 64, "activation": "relu"}},
        {"name": "sum", "inputs": ["a", "b"], "layer": {"type": "add"}},
        {"name": "drop", "inputs": ["sum"], "layer": {"type": "dropout", "rate": 0.3}},
        {"name": "out", "inputs": ["drop"], "layer": {"type": "dense", "units": classes, "activation": "softmax"}},
    ]
    facts = _facts(draw, classes, _counts(draw, classes, 200, 5000))
    return {
        "task": "classification",
        "dataset": {"type": "parquet", "path": "rows.parquet", "target": "kind", "input_shape": [draw.randint(8, 40)], "facts": facts},
        "model": {"type": "graph", "layers": nodes},
    }


KINDS: tuple[Callable[[random.Random], Spec], ...] = (
    *(_cnn, _cnn, _layered, _layered, _table, _table, _linear, _regression, _autoencoder, _transfer, _transfer),
    *(_multilabel, _text, _series, _signals, _two_ways),
)


def _samples(spec: Spec) -> int:
    facts = spec["dataset"]["facts"]
    return int(0.7 * (facts.get("samples") or sum(facts["class_counts"])))


def _run(draw: random.Random, spec: Spec) -> None:
    """Add optimizer, schedule and the loop: enough updates, rates that the optimizer is used with."""
    samples = _samples(spec)
    training = spec.setdefault("training", {})
    largest = max(8, samples // 8)
    training["batch_size"] = draw.choice([size for size in (1, 4, 8, 10, 16, 20, 32, 50, 64, 100, 128, 256, 512, 1024) if size <= largest])
    if _normalizes(spec["model"]):
        training["batch_size"] = max(16, training["batch_size"])
    steps = max(1, samples // training["batch_size"])
    least = 2 if spec["model"]["type"] == "transfer" or steps > 600 else max(10, -(-300 // steps))
    training["epochs"] = draw.randint(least, max(least, draw.choice([10, 15, 30, 50, 100, 200, 1000])))
    if "optimizer" not in spec and draw.random() < 0.9:
        spec["optimizer"] = _optimizer(draw, spec)
    if draw.random() < 0.5:
        spec["scheduler"] = _schedule(draw, training["epochs"], spec.get("optimizer", {}).get("learning_rate", 0.001))
    if draw.random() < 0.15:
        spec["regularization"] = {"l2": draw.choice([1e-5, 1e-4, 5e-4, 1e-3, 0.01])}
    if draw.random() < 0.1:
        training["precision"] = draw.choice(["mixed_float16", "mixed_bfloat16"])


def _normalizes(model: Spec) -> bool:
    text = str(model)
    return "'batch_norm': True" in text or "batch_normalization" in text


def _optimizer(draw: random.Random, spec: Spec) -> Spec:
    kind = draw.choice(["adam", "adam", "adam", "adamw", "rmsprop", "nadam", "sgd", "sgd"])
    if kind == "sgd":
        rate = draw.choice([0.1, 0.05, 0.01]) if _normalizes(spec["model"]) else draw.choice([0.05, 0.01, 0.005])
        if spec["task"] == "regression":
            return {"type": "sgd", "learning_rate": 0.001, "momentum": 0.9}
        if draw.random() < 0.3:
            return {"type": "sgd", "learning_rate": draw.choice([0.01, 0.1]), "momentum": 0.0, "nesterov": False}
        return {"type": "sgd", "learning_rate": rate, "momentum": draw.choice([0.8, 0.9, 0.95]), "nesterov": draw.random() < 0.5}
    if draw.random() < 0.05:
        return {"type": draw.choice(["adagrad", "adamax"]), "learning_rate": 0.01}
    result: Spec = {"type": kind, "learning_rate": draw.choice([1e-4, 3e-4, 5e-4, 1e-3, 2e-3, 3e-3, 0.005, 0.01])}
    if kind == "adamw":
        result["weight_decay"] = draw.choice([1e-4, 0.01, 0.05])
    if draw.random() < 0.1:
        result["clipnorm"] = 1.0
    return result


def _schedule(draw: random.Random, epochs: int, rate: float) -> Spec:  # noqa: PLR0911 -- one return per schedule
    kind = draw.choice(["reduce_on_plateau", "reduce_on_plateau", "cosine", "step", "exponential", "one_cycle", "polynomial", "warm"])
    match kind:
        case "cosine":
            return {"type": "cosine", "t_max": {"epochs": epochs}, "eta_min": draw.choice([0.0, rate / 100])}
        case "step" if epochs >= 10:
            return {"type": "step", "milestones": [{"epochs": epochs // 2}, {"epochs": 3 * epochs // 4}], "gamma": draw.choice([0.1, 0.2])}
        case "exponential":
            return {"type": "exponential", "rate": draw.choice([0.9, 0.95, 0.97]) if epochs <= 60 else round(0.02 ** (1 / epochs), 4)}
        case "one_cycle":
            return {"type": "one_cycle", "length": {"epochs": epochs}}
        case "polynomial":
            return {"type": "polynomial", "length": {"epochs": epochs}, "end_lr": rate / 100, "power": draw.choice([0.9, 1.0, 2.0])}
        case "warm" if epochs >= 20:
            return {"type": "cosine", "t_max": {"epochs": epochs - epochs // 20}, "warmup": {"epochs": epochs // 20}}
        case _:
            return {
                "type": "reduce_on_plateau",
                "factor": draw.choice([0.1, 0.2, 0.5]),
                "patience": draw.choice([2, 3, 4]),
                "min_lr": rate / 1000,
            }


def _watching(draw: random.Random, spec: Spec) -> None:
    """Add callbacks and metrics, now and then."""
    callbacks: Spec = {}
    way = draw.random()
    if way < 0.3:
        callbacks["early_stopping"] = None
    elif way < 0.6:
        warmup = spec.get("scheduler", {}).get("warmup", {}).get("epochs", 0)
        callbacks["early_stopping"] = {
            "patience": max(warmup, draw.choice([8, 10, 15, 20])),
            "min_delta": draw.choice([0.0, 1e-4, 1e-3]),
            "restore_best": draw.random() < 0.7,
        }
    elif way < 0.7 and spec.get("scheduler", {}).get("type") != "reduce_on_plateau" and "warmup" not in spec.get("scheduler", {}):
        callbacks["early_stopping"] = {"patience": draw.choice([2, 3, 5])}
    if way < 0.3 and draw.random() < 0.3:
        callbacks["checkpoint"] = None
        if spec.get("scheduler", {}).get("type") != "reduce_on_plateau":
            spec["dataset"].setdefault("split", {})["validation"] = None
    elif spec["task"] == "classification" and draw.random() < 0.3:
        callbacks["checkpoint"] = {"monitor": "val_accuracy", "mode": "max"}
        spec.setdefault("metrics", ["accuracy"])
    if callbacks:
        spec["callbacks"] = callbacks
    if spec["task"] == "classification" and draw.random() < 0.2:
        spec.setdefault("metrics", draw.choice([["accuracy"], ["accuracy", "precision", "recall"], ["accuracy", {"type": "f1"}]]))
