"""The metrics of the language as Keras metrics, on whatever form targets and outputs have.

A spec names a metric, not the shape of its labels: here class indices, one-hot rows and single outputs become what each
Keras metric wants. Sample weights never reach a metric: metrics are plain, only the loss is weighted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
from keras import ops

from trainyard.linter.spec.model.metrics import Metric

Make = Callable[..., Any]

_PLAIN: dict[str, Make] = {
    "mean_squared_error": keras.metrics.MeanSquaredError,
    "root_mean_squared_error": keras.metrics.RootMeanSquaredError,
    "mean_absolute_error": keras.metrics.MeanAbsoluteError,
    "mean_absolute_percentage_error": keras.metrics.MeanAbsolutePercentageError,
    "mean_squared_logarithmic_error": keras.metrics.MeanSquaredLogarithmicError,
    "log_cosh": keras.metrics.LogCoshError,
    "r2_score": keras.metrics.R2Score,
    "pearson_correlation": keras.metrics.PearsonCorrelation,
    "concordance_correlation": keras.metrics.ConcordanceCorrelation,
    "cosine_similarity": keras.metrics.CosineSimilarity,
    "binary_crossentropy": keras.metrics.BinaryCrossentropy,
    "categorical_crossentropy": keras.metrics.CategoricalCrossentropy,
    "kl_divergence": keras.metrics.KLDivergence,
    "poisson": keras.metrics.Poisson,
    "hinge": keras.metrics.Hinge,
    "squared_hinge": keras.metrics.SquaredHinge,
    "categorical_hinge": keras.metrics.CategoricalHinge,
    "sparse_categorical_crossentropy": keras.metrics.CategoricalCrossentropy,
    "top_k_accuracy": keras.metrics.TopKCategoricalAccuracy,
}
_ON_PROBABILITIES: dict[str, Make] = {
    "auc": keras.metrics.AUC,
    "binary_accuracy": keras.metrics.BinaryAccuracy,
    "precision": keras.metrics.Precision,
    "recall": keras.metrics.Recall,
    "precision_at_recall": keras.metrics.PrecisionAtRecall,
    "recall_at_precision": keras.metrics.RecallAtPrecision,
    "sensitivity_at_specificity": keras.metrics.SensitivityAtSpecificity,
    "specificity_at_sensitivity": keras.metrics.SpecificityAtSensitivity,
    "true_positives": keras.metrics.TruePositives,
    "true_negatives": keras.metrics.TrueNegatives,
    "false_positives": keras.metrics.FalsePositives,
    "false_negatives": keras.metrics.FalseNegatives,
}


@dataclass(frozen=True, slots=True)
class Form:
    """How targets and outputs look while training.

    ``sparse``: targets are class indices ``(batch,)``, else ``(batch, units)``. ``units``: width of the output.
    ``exclusive``: exactly one class per sample. ``logits``: outputs are not probabilities yet. ``threshold``: the
    probability from which on a single output or a label counts as yes. ``classes``: how many of several outputs the data has
    classes for, the first ones; 0 where that is all of them.
    """

    sparse: bool
    units: int
    exclusive: bool
    logits: bool
    threshold: float
    classes: int = 0

    def rows(self, targets: Any) -> Any:
        """Return targets as rows as wide as the output."""
        if not self.sparse:
            return targets
        return ops.one_hot(ops.cast(ops.reshape(targets, (-1,)), "int32"), self.units)

    def probabilities(self, outputs: Any) -> Any:
        """Return outputs as probabilities."""
        if not self.logits:
            return outputs
        return ops.softmax(outputs) if self.exclusive and self.units > 1 else ops.sigmoid(outputs)


class OnRows(keras.metrics.Metric):  # type: ignore[misc] # Keras ships no types
    """Another metric, shown targets as rows and outputs as probabilities, and no sample weights."""

    def __init__(self, inner: Any, form: Form, change: Callable[[Any], Any] | None = None) -> None:
        super().__init__(name=inner.name)
        self._inner = inner
        self._form = form
        self._change = change or (lambda values: values)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in."""
        del sample_weight
        self._inner.update_state(self._change(self._form.rows(y_true)), self._change(self._form.probabilities(y_pred)))

    def result(self) -> Any:
        """Return the value over all batches since the last reset."""
        return self._inner.result()

    def reset_state(self) -> None:
        """Start anew."""
        self._inner.reset_state()


def make(metric: Metric, form: Form) -> Any:
    """Make the Keras metric for targets and outputs of this form."""
    arguments: dict[str, Any] = metric._asdict()
    kind = arguments.pop("type")
    if kind == "accuracy":
        return _accuracy(arguments["name"], form)
    if kind in {"f1", "fbeta"}:
        return _f_score(arguments, form)
    if kind in _ON_PROBABILITIES:
        return OnRows(_ON_PROBABILITIES[kind](**_renamed(kind, arguments)), form)
    if kind == "sparse_categorical_crossentropy":
        arguments.pop("ignore_class")
    return _with_form(_PLAIN[kind](**arguments), form)


def _renamed(kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments under Keras' names; probabilities are made before the metric sees them."""
    if kind == "auc":
        return {**arguments, "curve": arguments["curve"].upper(), "from_logits": False}
    if kind != "binary_accuracy" and "threshold" in arguments:
        arguments["thresholds"] = arguments.pop("threshold")
    return arguments


def _with_form(metric: Any, form: Form) -> Any:
    """Show a metric rows instead of indices, and outputs as they are."""
    return OnRows(metric, replace(form, logits=False)) if form.sparse else metric


def _accuracy(name: str, form: Form) -> Any:
    if form.sparse:
        return keras.metrics.SparseCategoricalAccuracy(name=name)
    if form.exclusive and form.units > 1:
        return keras.metrics.CategoricalAccuracy(name=name)
    return OnRows(keras.metrics.BinaryAccuracy(name=name, threshold=form.threshold), form)


def _f_score(arguments: dict[str, Any], form: Form) -> Any:
    """Make an F score over classes. A single output stands for two classes, so that macro means the mean over both."""
    threshold = arguments.pop("threshold")
    if form.exclusive and 0 < form.classes < form.units:
        return OnRows(keras.metrics.FBetaScore(**arguments, threshold=0.5), form, lambda values: _named(values, form))
    inner = keras.metrics.FBetaScore(**arguments, threshold=None if form.exclusive else threshold or form.threshold)
    if form.exclusive and form.units == 1:
        limit = form.threshold if threshold is None else threshold
        return OnRows(inner, form, lambda values: _two_columns(values, limit))
    return OnRows(inner, form)


def _named(values: Any, form: Form) -> Any:
    """Return the answers, a one in the column of the class: a mean over classes is no mean over outputs without one."""
    return ops.one_hot(ops.argmax(values, axis=-1), form.units)[:, : form.classes]


def _two_columns(values: Any, limit: float) -> Any:
    """Return (no, yes) columns of a single column of probabilities or 0/1 targets."""
    yes = ops.cast(ops.reshape(values, (-1, 1)) > limit, "float32")
    return ops.concatenate([1.0 - yes, yes], axis=-1)
