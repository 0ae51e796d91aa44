"""What is measured, against the task: a metric that cannot say anything misleads whoever reads it."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import listed, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

# Metrics that count right answers, of which a regression has none.
_COUNTING = frozenset(
    {"accuracy", "binary_accuracy", "top_k_accuracy", "f1", "fbeta", "precision", "recall", "auc", "precision_at_recall"}
    | {"recall_at_precision", "sensitivity_at_specificity", "specificity_at_sensitivity"}
    | {"true_positives", "true_negatives", "false_positives", "false_negatives"}
)
# Twice as many, and the losses, fit into the 64 numbers of an epoch's event.
_MOST_METRICS = 30
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


_SHARES = ("recall", "precision", "specificity", "sensitivity", "threshold")


class MetricOutOfRange(Rule):
    """A metric is asked for something that there is not.

    What it checks:
        The recall, precision, specificity, sensitivity and threshold of a metric, and `evaluation.threshold`, between 0 and 1; `class_id`
        below the number of outputs; `k` of a top-k accuracy above 0 and, as a warning, below the number of outputs.

    Why it fails:
        A threshold above 1 calls nothing positive; an output that there is not has no score (a single output is number 0, for two classes
        too); among as many answers as there are outputs the right one always is, so the accuracy is 1.

    Evidence:
        Definition; keras/src/metrics/confusion_metrics.py raises for values outside of 0 to 1.

    When to ignore:
        Never.
    """

    code = "MET002"
    name = "metric-out-of-range"
    severity = Severity.ERROR
    reads = ("/metrics", "/evaluation/threshold", "/model", "/dataset/facts/classes")
    optional = reads
    VALID = (
        Valid({"metrics": [{"type": "precision_at_recall", "recall": 0.9}]}, onto="table"),
        Valid({"metrics": [{"type": "top_k_accuracy", "k": 3}]}),
    )
    INVALID = (
        Invalid({"evaluation": {"threshold": 1.5}}, "/evaluation/threshold", "between 0 and 1", fix=0.5, onto="table"),
        Invalid(
            {"metrics": [{"type": "precision_at_recall", "recall": 1.5}]}, "/metrics/0/recall", "between 0 and 1", fix=0.9, onto="table"
        ),
        Invalid({"metrics": [{"type": "precision", "class_id": 12}]}, "/metrics/0/class_id", "0 to 9"),
        Invalid(
            {"metrics": [{"type": "recall", "class_id": 1}], "model": {"output": {"units": 1}}, "loss": {"type": "binary_crossentropy"}},
            "/metrics/0/class_id",
            "one output",
            onto="table",
        ),
        Invalid(
            {"metrics": ["accuracy", {"type": "top_k_accuracy", "k": 12}]}, "/metrics/1/k", "always 1", fix=3, severity=Severity.WARNING
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at every number of every metric."""
        logits = bool(getattr(case.spec.loss, "from_logits", False))
        if not 0 <= case.spec.evaluation.threshold <= 1 and not logits:
            yield self._share("/evaluation/threshold", "threshold", case.spec.evaluation.threshold, 0.5)
        units = case.final.units if case.final is not None else None
        width = case.classes if units is None else units
        for index, metric in enumerate(case.spec.metrics):
            place = f"/metrics/{index}"
            for field in _SHARES:
                value: object = getattr(metric, field, None)
                if isinstance(value, int | float) and not 0 <= value <= 1 and not (field == "threshold" and logits):
                    yield self._share(f"{place}/{field}", field, value, 0.5 if field == "threshold" else 0.9)
            class_id: int | None = getattr(metric, "class_id", None)
            if class_id is not None and width is not None and not 0 <= class_id < max(width, 1):
                told = "there is one output, and its number is 0" if width == 1 else f"the classes are 0 to {width - 1}"
                yield Violation(f"{place}/class_id", f"the output has no class {class_id}; {told}")
            if metric.type == "top_k_accuracy":
                yield from self._top(place, getattr(metric, "k", 1), width)

    @staticmethod
    def _share(pointer: str, field: str, value: float, usual: float) -> Violation:
        message = f"{field} {number(value)} has to lie between 0 and 1; write {number(usual)}"
        return Violation(pointer, message, suggestion=Suggestion(pointer, usual))

    @staticmethod
    def _top(place: str, k: int, width: int | None) -> Iterator[Violation]:
        pointer = f"{place}/k"
        if k < 1:
            yield Violation(pointer, f"k {k} has to be at least 1; write 5", suggestion=Suggestion(pointer, 5))
        elif width is not None and k >= width > 1:
            value = max(1, width // 3)
            message = f"of {width} classes the right one is always among {k}, so the accuracy is always 1; write {value}"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, value), severity=Severity.WARNING)


class MetricNamesCollide(Rule):
    """Two values of an epoch would have the same name.

    What it checks:
        The names of the metrics against each other, against what every epoch reports (`loss`, `unweighted_loss`, `epoch`,
        `learning_rate`), and against both with `val_` before them.

    Why it fails:
        One overwrites the other in the history, and whatever watches the name watches the wrong one.

    Evidence:
        keras/src/trainers/compile_utils.py: metrics are kept by name.

    When to ignore:
        Never.
    """

    code = "MET003"
    name = "metric-names-collide"
    severity = Severity.ERROR
    reads = ("/metrics",)
    VALID = (Valid({"metrics": ["auc", {"type": "auc", "name": "pr_auc", "curve": "pr"}]}, onto="table"),)
    INVALID = (
        Invalid(
            {"metrics": ["auc", {"type": "auc", "curve": "pr"}]}, "/metrics/1", "'auc'", fix="auc_2", fix_at="/metrics/1/name", onto="table"
        ),
        Invalid({"metrics": [{"type": "auc", "name": "val_loss"}]}, "/metrics/0", "'val_loss'", fix="val_loss_2", fix_at="/metrics/0/name"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Go through the names in order."""
        taken = {"loss", "unweighted_loss", "epoch", "learning_rate", "val_loss", "val_unweighted_loss"}
        written = case.written.get("metrics")
        for index, metric in enumerate(case.spec.metrics):
            if metric.name in taken and isinstance(written, list) and index < len(written):
                value = next(f"{metric.name}_{at}" for at in range(2, 1000) if f"{metric.name}_{at}" not in taken)
                place = f"/metrics/{index}"
                entry = written[index]
                fix = Suggestion(f"{place}/name", value) if isinstance(entry, dict) else Suggestion(place, {"type": entry, "name": value})
                yield Violation(place, f"something else is called '{metric.name}' already; write the name '{value}'", suggestion=fix)
            taken |= {metric.name, f"val_{metric.name}"}


class TooManyMetrics(Rule):
    """More is measured than an epoch can report.

    What it checks:
        At most 30 metrics.

    Why it fails:
        An epoch's event holds 64 numbers: every metric twice, for training and validation, and the losses. Each metric is also computed
        in every step.

    Evidence:
        The limit of the event that a trainer writes and a server sends on, which bounds what a watcher has to hold in memory.

    When to ignore:
        Never; what is asked once, of the finished model, is in its evaluation.
    """

    code = "MET004"
    name = "too-many-metrics"
    severity = Severity.ERROR
    reads = ("/metrics",)
    VALID = (Valid({"metrics": ["accuracy", "auc", "precision", "recall", "f1"]}),)
    INVALID = (
        Invalid({"metrics": [{"type": "auc", "name": f"auc_{number}"} for number in range(31)]}, "/metrics", "31 metrics", onto="table"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Count them."""
        amount = len(case.spec.metrics)
        if amount > _MOST_METRICS:
            yield Violation("/metrics", f"{amount} metrics are more than an epoch reports; keep {_MOST_METRICS} of them")


RULES = (MetricOfAnotherTask(), MetricOutOfRange(), MetricNamesCollide(), TooManyMetrics())
