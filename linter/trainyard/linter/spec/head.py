"""What the last layer, the loss and the metrics are when the author left them out.

Sources of the pairs: Keras' documentation of each loss says which output it expects. A classification
gets one softmax output per class and the sparse loss whatever the number of classes, so that the default
does not change shape with the data; one written unit, or a written binary loss, gets the binary pair.
"""

from __future__ import annotations

from typing import Any

from trainyard.linter.spec.grammar import record
from trainyard.linter.spec.nodes import DERIVED

Object = dict[str, Any]
_BINARY_LOSSES = frozenset({"binary_crossentropy", "binary_focal_crossentropy", "hinge", "squared_hinge"})
_MARGIN_LOSSES = frozenset({"hinge", "squared_hinge", "categorical_hinge"})
_METRICS: dict[str | None, tuple[Object, ...]] = {
    "classification": ({"type": "accuracy"}, {"type": "f1"}),
    "multilabel": ({"type": "binary_accuracy"}, {"type": "f1", "threshold": 0.5}),
    "regression": ({"type": "mean_absolute_error"},),
}


def derive(spec: Object, task: str | None, classes: int | None) -> None:
    """Fill in loss, output and metrics of a spec, in place, as far as they are not written."""
    model = spec["model"]
    output = model.get("output") if model is not None else None
    if spec["loss"] is DERIVED:
        spec["loss"] = _loss(task, *_written_output(model, output))
    if output is not None:
        _output(output, task, spec["loss"], classes, _targets(spec["dataset"]))
    if spec["metrics"] is DERIVED:
        metric = record("Metric")
        spec["metrics"] = [metric.fill(each) for each in _METRICS.get(task, ())]


def _written_output(model: Object | None, output: Object | None) -> tuple[int | None, str | None]:
    """Return units and activation of the output as far as the author wrote them."""
    if output is not None:
        units, activation = output["units"], output["activation"]
        return (None if units is DERIVED else units), (None if activation is DERIVED else activation)
    layers = model.get("layers") if model is not None else None
    if not layers:
        return None, None
    last = _layer(layers[-1])
    if last.get("type") == "activation" and len(layers) > 1:
        return _layer(layers[-2]).get("units"), last["activation"]
    return last.get("units"), last.get("activation")


def _layer(entry: Object) -> Object:
    """Return a layer, or the layer inside a node of a graph."""
    layer: Object = entry.get("layer", entry) or {}
    return layer


def _loss(task: str | None, units: int | None, activation: str | None) -> Object | None:
    if task == "classification":
        name = "binary_crossentropy" if units == 1 else "sparse_categorical_crossentropy"
        return _filled({"type": name, "from_logits": activation == "linear"})
    if task == "multilabel":
        return _filled({"type": "binary_crossentropy", "from_logits": activation == "linear"})
    return _filled({"type": "mean_squared_error"}) if task == "regression" else None


def _filled(loss: Object) -> Object:
    filled: Object = record("Loss").fill(loss)
    return filled


def _output(output: Object, task: str | None, loss: Object | None, classes: int | None, targets: int) -> None:
    kind = loss["type"] if loss else ""
    if output["units"] is DERIVED:
        output["units"] = targets if task == "regression" else 1 if _is_binary(task, kind, classes) else classes
    if output["activation"] is DERIVED:
        logits = kind in _MARGIN_LOSSES or bool(loss and loss.get("from_logits"))
        output["activation"] = "linear" if logits else _activation(task, kind, output["units"])
    if output["units"] is None:
        del output["units"]


def _is_binary(task: str | None, loss: str, classes: int | None) -> bool:
    return task == "classification" and loss in _BINARY_LOSSES and (classes is None or classes <= 2)


def _activation(task: str | None, loss: str, units: int | None) -> str:
    if task == "multilabel" or (task == "classification" and (units == 1 or loss in _BINARY_LOSSES)):
        return "sigmoid"
    return "softmax" if task == "classification" else "linear"


def _targets(dataset: Object | None) -> int:
    """Return how many values a regression predicts: one per target column."""
    target = dataset.get("target") if dataset is not None else None
    return len(target) if isinstance(target, list) else 1
