"""What is measured, against the task: a metric that cannot say anything misleads whoever reads it."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import listed
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

# Metrics that count right answers, of which a regression has none.
_COUNTING = frozenset(
    {"accuracy", "binary_accuracy", "top_k_accuracy", "f1", "fbeta", "precision", "recall", "auc", "precision_at_recall"}
    | {"recall_at_precision", "sensitivity_at_specificity", "specificity_at_sensitivity"}
    | {"true_positives", "true_negatives", "false_positives", "false_negatives"}
)
_COUNTED_LOSSES = frozenset({"binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "dice", "tversky"})


class MetricOfAnotherTask(Rule):
    """A regression is judged by a metric that counts right answers.

    What it checks:
        A regression whose loss is one for numbers, and metrics such as accuracy, precision, recall, F1 or AUC.

    Why it fails:
        They compare numbers for equality or against a threshold: accuracy stays near 0 however good the model is, and whatever watches it
        stops or keeps at random.

    Evidence:
        keras/src/metrics/accuracy_metrics.py (equality). Among the fixes of DeepFD's benchmark, posts 48934338 and 45442843 measured a
        regression by accuracy; a common question is why it stays at 0.

    When to ignore:
        When the targets really are whole numbers that are to be hit exactly.
    """

    code = "MET001"
    name = "metric-of-another-task"
    severity = Severity.WARNING
    reads = ("/metrics", "/task", "/loss")
    optional = ("/loss",)
    VALID = (Valid({"metrics": ["mean_absolute_error", "r2_score"]}, onto="regression"), Valid({"metrics": ["accuracy", "auc"]}))
    INVALID = (
        Invalid({"metrics": ["accuracy"]}, "/metrics", "accuracy", fix=["mean_absolute_error"], onto="regression"),
        Invalid({"metrics": ["mean_squared_error", "precision"]}, "/metrics", "precision", fix=["mean_squared_error"], onto="regression"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look for metrics that count."""
        loss = "" if case.spec.loss is None else case.spec.loss.type
        if case.spec.task != "regression" or loss in _COUNTED_LOSSES or not case.wrote("/metrics"):
            return
        wrong = [metric.type for metric in case.spec.metrics if metric.type in _COUNTING]
        if not wrong:
            return
        written = case.written.get("metrics")
        entries = written if isinstance(written, list) else []
        kept = [entry for entry, metric in zip(entries, case.spec.metrics, strict=False) if metric.type not in _COUNTING]
        value = kept or ["mean_absolute_error"]
        verb = "counts" if len(wrong) == 1 else "count"
        message = f"{listed(wrong, 'and')} {verb} right answers, and a regression has none; write mean_absolute_error or r2_score"
        yield Violation("/metrics", message, suggestion=Suggestion("/metrics", value))


RULES = (MetricOfAnotherTask(),)
