"""What training makes small and what is measured: loss, metrics, class weights, and the form targets take for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from trainyard.linter.estimate.weights import class_weights
from trainyard.linter.spec.model.loss import Loss
from trainyard.linter.spec.model.spec import Spec
from trainyard.linter.spec.model.training import ClassWeights, FocalLoss
from trainyard.service.trainer import metrics
from trainyard.service.trainer.batches import Encode
from trainyard.service.trainer.data.division import Division
from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.failures import SpecError
from trainyard.service.trainer.metrics import Form

SPARSE = "sparse_categorical_crossentropy"
# Its output is a place in space, the same for alike samples, and not one number per class.
EMBEDDING = "circle"
# Losses that take class indices; Keras' generalized cross-entropy makes its own one-hot rows.
_SPARSE = frozenset({SPARSE, "categorical_generalized_cross_entropy", EMBEDDING})
_LOSSES: dict[str, Callable[..., Any]] = {
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
    "binary_focal_crossentropy": keras.losses.BinaryFocalCrossentropy,
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "categorical_focal_crossentropy": keras.losses.CategoricalFocalCrossentropy,
    "categorical_generalized_cross_entropy": keras.losses.CategoricalGeneralizedCrossEntropy,
    SPARSE: keras.losses.SparseCategoricalCrossentropy,
    "categorical_hinge": keras.losses.CategoricalHinge,
    "hinge": keras.losses.Hinge,
    "squared_hinge": keras.losses.SquaredHinge,
    "cosine_similarity": keras.losses.CosineSimilarity,
    "kl_divergence": keras.losses.KLDivergence,
    "poisson": keras.losses.Poisson,
    "mean_squared_error": keras.losses.MeanSquaredError,
    "mean_absolute_error": keras.losses.MeanAbsoluteError,
    "mean_absolute_percentage_error": keras.losses.MeanAbsolutePercentageError,
    "mean_squared_logarithmic_error": keras.losses.MeanSquaredLogarithmicError,
    "log_cosh": keras.losses.LogCosh,
    "huber": keras.losses.Huber,
    "dice": keras.losses.Dice,
    "tversky": keras.losses.Tversky,
    EMBEDDING: keras.losses.Circle,
}


@dataclass(frozen=True, slots=True)
class Objective:
    """``encode`` turns targets as read into what the loss wants; ``weights`` are per class, for training alone."""

    loss: Any
    measured: tuple[Any, ...]
    encode: Encode
    weights: tuple[float, ...] | None
    form: Form


def make(spec: Spec, division: Division, units: int) -> Objective:
    """Make the objective for an output of ``units``; raises SpecError when loss and data do not fit."""
    loss = _loss(spec)
    kind = loss.pop("type")
    sparse = kind in _SPARSE
    if sparse and (spec.task != "classification" or units == 1):
        raise SpecError(f"The loss {kind} tells classes apart: it needs one output per class and the task classification.")
    form = Form(
        sparse=sparse,
        units=units,
        exclusive=spec.task == "classification",
        logits=bool(loss.get("from_logits")),
        threshold=spec.evaluation.threshold,
        classes=len(division.whole.classes),
    )
    weights = _weights(spec, division)
    plain = (keras.metrics.MeanMetricWrapper(_LOSSES[kind](**{**loss, "reduction": None}), name="unweighted_loss"),) if weights else ()
    measured = tuple(metrics.make(metric, form) for metric in spec.metrics)
    return Objective(_LOSSES[kind](**loss), measured + plain, _encoder(spec.task, units, sparse=sparse), weights, form)


def _loss(spec: Spec) -> dict[str, Any]:
    """Return type and parameters of the loss, focal weighting applied."""
    if spec.loss is None:
        raise SpecError("The spec names no loss.")
    loss: Loss = spec.loss
    written: dict[str, Any] = loss._asdict()
    return _focal(written, spec.imbalance) if isinstance(spec.imbalance, FocalLoss) else written


def _focal(loss: dict[str, Any], focal: FocalLoss) -> dict[str, Any]:
    """Return the focal form of a cross-entropy (Lin 2017); without alpha, classes weigh alike."""
    shared: dict[str, Any] = {key: loss[key] for key in ("from_logits", "label_smoothing", "axis", "reduction") if key in loss}
    if loss["type"] == "binary_crossentropy":
        balancing: dict[str, Any] = {
            "apply_class_balancing": focal.alpha is not None,
            "alpha": 0.25 if focal.alpha is None else focal.alpha,
        }
        return {"type": "binary_focal_crossentropy", "gamma": focal.gamma, **balancing, **shared}
    alpha = 1.0 if focal.alpha is None else focal.alpha
    return {"type": "categorical_focal_crossentropy", "gamma": focal.gamma, "alpha": alpha, **shared}


def _weights(spec: Spec, division: Division) -> tuple[float, ...] | None:
    if not isinstance(spec.imbalance, ClassWeights):
        return None
    return class_weights(division.class_counts, spec.imbalance, division.whole.classes)


def _encoder(task: str, units: int, *, sparse: bool) -> Encode:
    if sparse:
        return lambda targets: targets
    if task != "classification":
        return lambda targets: targets.astype(np.float32, copy=False)
    if units == 1:
        return lambda targets: targets.astype(np.float32).reshape(-1, 1)
    rows: Array = np.eye(units, dtype=np.float32)
    return lambda targets: rows[targets]
