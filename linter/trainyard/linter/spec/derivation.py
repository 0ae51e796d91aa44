"""Defaults that follow from other fields: what the schema says in words (``x-default``), said in code.

Everything that can be derived is written into the spec as a value, so that nothing is automatic without
being seen. What the author wrote is never touched. A section that a partial spec lacks is skipped.

The output, the loss and the task hang together: whichever the author left out follows from the others.
"""

from __future__ import annotations

from typing import Any

from trainyard.linter.spec import direction, head
from trainyard.linter.spec.nodes import DERIVED

Object = dict[str, Any]


def derive(spec: Object, classes: int | None) -> None:
    """Replace every ``DERIVED`` in a filled spec, in place.

    Args:
        spec: a spec whose schema defaults are in place.
        classes: number of classes that was read from the data; goes before the declared one.
    """
    dataset, model, task = spec["dataset"], spec["model"], spec["task"]
    if dataset is not None:
        _dataset(dataset, model, task, spec["experiment"]["seed"])
        classes = declared_classes(dataset) if classes is None else classes
    if model is not None:
        _model(model)
    head.derive(spec, task, classes)
    training = spec["training"]
    if training["loss_scale"] is DERIVED:
        training["loss_scale"] = "dynamic" if training["precision"] == "mixed_float16" else None
    if spec["imbalance"].get("method") is DERIVED:
        spec["imbalance"]["method"] = "balanced" if spec["imbalance"]["weights"] is None else "explicit"
    _watching(spec)


def declared_classes(dataset: Object) -> int | None:
    """Return how many classes a dataset section declares: by number, by names, or by counts."""
    facts = dataset["facts"]
    for declared in (facts["classes"], facts["class_counts"], facts["class_shares"]):
        if isinstance(declared, int):
            return declared
        if declared is not None:
            return len(declared)
    return None


def _dataset(dataset: Object, model: Object | None, task: str | None, seed: int) -> None:
    split = dataset["split"]
    if split["seed"] is DERIVED:
        split["seed"] = seed
    if split["method"] is DERIVED:
        by_class = "stratified" if task == "classification" else "random"
        split["method"] = by_class if split["group"] is None else "group"
    if dataset["scaling"] is DERIVED:
        dataset["scaling"] = _scaling(dataset["type"], model)
    if dataset["input_shape"] is DERIVED:
        dataset["input_shape"] = _input_shape(dataset)


def _scaling(kind: str, model: Object | None) -> str:
    if kind in {"csv", "parquet"}:
        return "standardize"
    if model is not None and model["type"] == "transfer":
        return "preprocess_input"
    return "unit" if kind == "image_directory" else "none"


def _input_shape(dataset: Object) -> list[int] | None:
    features = dataset.get("features")
    return [len(features)] if isinstance(features, list) and not dataset["categorical"] else None


def _model(model: Object) -> None:
    kind = model["type"]
    if kind == "cnn":
        _cnn(model)
    elif kind == "mlp":
        model["dropout"] = _rates(model["dropout"], len(model["hidden"] or ()))
    elif kind == "transfer":
        _head(model["head"], 0.0)
    elif kind == "graph":
        previous = "input"
        for node in model["layers"] or ():
            if node["inputs"] is DERIVED:
                node["inputs"] = [previous]
            previous = node["name"]


def _cnn(model: Object) -> None:
    shared = model.pop("dropout", None) or {}
    blocks = model["blocks"] or ()
    rates = _rates(shared.get("conv", 0.0), len(blocks))
    for at, block in enumerate(blocks):
        if block["dropout"] is DERIVED:
            block["dropout"] = rates[at] if at < len(rates) else 0.0
    _head(model["head"], shared.get("dense", 0.0))


def _head(layers: Object, shared: float | list[float]) -> None:
    dropout = shared if layers["dropout"] is DERIVED else layers["dropout"]
    layers["dropout"] = _rates(dropout, len(layers["hidden"]))


def _rates(rate: float | list[float], count: int) -> list[float]:
    """Return one rate per layer; without layers, the one rate that drops inputs of the output layer."""
    if isinstance(rate, list):
        return rate
    return [rate] * (count or (1 if rate else 0))


def _watching(spec: Object) -> None:
    dataset = spec["dataset"]
    validated = dataset is None or dataset["split"]["validation"] is not None
    monitor = "val_loss" if validated else "loss"
    epochs = spec["training"]["epochs"]
    for schedule in spec["scheduler"]:
        _schedule(schedule, epochs)
    callbacks = spec["callbacks"]
    if callbacks["tensorboard"] is None:
        callbacks["tensorboard"] = False
    for watcher in (*spec["scheduler"], callbacks["early_stopping"], callbacks["checkpoint"]):
        if watcher is not None and "monitor" in watcher:
            if watcher["monitor"] is DERIVED:
                watcher["monitor"] = monitor
            if watcher["mode"] is DERIVED:
                watcher["mode"] = direction.mode(watcher["monitor"], spec["metrics"])


def _schedule(schedule: Object, epochs: int) -> None:
    if schedule.get("size") is DERIVED:
        schedule["size"] = {"epochs": 30} if schedule["milestones"] is None else None
    if schedule.get("length") is DERIVED:
        warmup = schedule["warmup"] or {}
        schedule["length"] = {"epochs": epochs - warmup.get("epochs", 0)}
