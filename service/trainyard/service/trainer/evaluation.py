"""How good the finished model is on samples it never saw: per class through scikit-learn, which knows no Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.metrics

from trainyard.service.trainer.data.samples import Array


def of_classes(truth: Array, predicted: Array, classes: tuple[str, ...], *, per_class: bool) -> dict[str, Any]:
    """Judge class indices ``(samples,)`` against class indices."""
    labels = range(len(classes))
    report = _per_class(truth, predicted, list(labels), classes)
    matrix = sklearn.metrics.confusion_matrix(truth, predicted, labels=list(labels))
    return {
        "accuracy": float(np.mean(truth == predicted)),
        "macro_f1": _mean(row["f1"] for row in report),
        "classes": list(classes),
        "per_class": report if per_class else [],
        "confusion_matrix": matrix.tolist(),
    }


def of_labels(truth: Array, predicted: Array, classes: tuple[str, ...], *, per_class: bool) -> dict[str, Any]:
    """Judge flags ``(samples, classes)`` against flags; accuracy is that of single flags."""
    report = _per_class(truth, predicted, list(range(len(classes))), classes)
    matrices = sklearn.metrics.multilabel_confusion_matrix(truth, predicted)
    return {
        "accuracy": float(np.mean(truth == predicted)),
        "exact_match": float(np.mean((truth == predicted).all(axis=1))),
        "macro_f1": _mean(row["f1"] for row in report),
        "classes": list(classes),
        "per_class": report if per_class else [],
        "confusion_matrices": matrices.tolist(),
    }


def of_numbers(truth: Array, predicted: Array) -> dict[str, Any]:
    """Judge numbers ``(samples, targets)`` against numbers."""
    return {
        "mean_squared_error": float(sklearn.metrics.mean_squared_error(truth, predicted)),
        "mean_absolute_error": float(sklearn.metrics.mean_absolute_error(truth, predicted)),
        "r2_score": float(sklearn.metrics.r2_score(truth, predicted)) if len(truth) > 1 else None,
    }


def _per_class(truth: Array, predicted: Array, labels: list[int], classes: tuple[str, ...]) -> list[dict[str, Any]]:
    precision, recall, f1, support = sklearn.metrics.precision_recall_fscore_support(
        truth, predicted, labels=labels, average=None, zero_division=0.0
    )
    return [
        {
            "class": name,
            "precision": float(precision[place]),
            "recall": float(recall[place]),
            "f1": float(f1[place]),
            "support": int(support[place]),
        }
        for place, name in enumerate(classes)
    ]


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))
