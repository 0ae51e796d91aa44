"""Classes of unequal size: whether something is done about it, and whether it is done right."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate.weights import balanced
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import CLASS_COUNTS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

IMBALANCE = "/imbalance"
SEVERE = 10.0
# Losses that give rare or hard samples their weight by themselves.
HANDLING_LOSSES = frozenset({"binary_focal_crossentropy", "categorical_focal_crossentropy", "dice", "tversky"})
# Metrics that a majority class cannot carry.
PER_CLASS_METRICS = frozenset({"f1", "fbeta", "precision", "recall", "auc", "precision_at_recall", "recall_at_precision"}) | {
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
}


def ratio(counts: tuple[int, ...]) -> float:
    """Return the largest count over the smallest one above zero; 1 where there is nothing to compare."""
    present = [count for count in counts if count > 0]
    return max(present) / min(present) if present else 1.0


def is_handled(case: Case) -> bool:
    """Tell whether weights, sampling or the loss make up for unequal classes."""
    loss = case.spec.loss
    return case.spec.imbalance.type != "none" or (loss is not None and loss.type in HANDLING_LOSSES)


def watches_classes(case: Case) -> bool:
    """Tell whether the author asked for a metric that sees rare classes."""
    return case.wrote("/metrics") and any(metric.type in PER_CLASS_METRICS for metric in case.spec.metrics)


class ImbalancedClasses(Rule):
    """Some classes have more than ten times the samples of others, and nothing makes up for it.

    What it checks:
        The largest class count over the smallest. Above 10: warning when `imbalance` is `none`, the loss is no focal, dice or
        tversky loss and no per-class metric was written; info otherwise.

    Why it fails:
        The loss is a mean over samples, so the rare classes hardly weigh in it: the model can score well without ever
        predicting them, and plain accuracy does not show it.

    Evidence:
        Buda et al. 2018, arXiv 1710.05381 (the imbalance costs accuracy, oversampling helps convolutional nets); deepchecks'
        default bound is 1:10. Weights are total / (classes * count), as in scikit-learn and TensorFlow's tutorial; their effect
        fades in long runs without regularization (Byrd & Lipton 2019, arXiv 1812.03372), hence no error.

    When to ignore:
        When only the frequent classes matter, or the threshold is tuned on validation data afterwards.
    """

    code = "CLS001"
    name = "imbalanced-classes"
    severity = Severity.WARNING
    strict = Severity.WARNING
    reads = (IMBALANCE, *CLASS_COUNTS, "/loss", "/metrics")
    VALID = (
        Valid({"dataset": {"facts": {"class_counts": [600, 590, 600, 600, 590, 600, 620, 600, 600, 65]}}}),
        Valid({"task": "regression"}, onto="regression"),
    )
    INVALID = (
        Invalid(
            {"dataset": {"facts": {"class_counts": {"benign": 950, "malignant": 50}}}},
            IMBALANCE,
            "19 : 1 (950 'benign', 50 'malignant')",
            fix={"type": "class_weights", "method": "balanced"},
            onto="table",
        ),
        Invalid(
            {"dataset": {"facts": {"class_counts": {"benign": 950, "malignant": 50}}}, "imbalance": {"type": "class_weights"}},
            IMBALANCE,
            "weights are 0.526 to 10",
            onto="table",
            severity=Severity.INFO,
        ),
        Invalid(
            {"dataset": {"facts": {"class_counts": [900, 900, 900, 40]}}, "metrics": ["accuracy", {"type": "f1", "average": "macro"}]},
            IMBALANCE,
            "22.5 : 1",
            onto="layers",
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the largest and the smallest class."""
        counts = case.class_counts
        if counts is None or ratio(counts) <= SEVERE:
            return
        most, least = counts.index(max(counts)), counts.index(min(count for count in counts if count > 0))
        shown = f"{counts[most]:,} '{case.class_name(most)}', {counts[least]:,} '{case.class_name(least)}'"
        told = f"the classes are imbalanced {ratio(counts):.3g} : 1 ({shown})"
        weights = balanced(counts)
        span = f"{weights[most]:.3g} to {weights[least]:.3g}"
        if case.spec.imbalance.type == "class_weights":
            yield Violation(IMBALANCE, f"{told}; balanced weights are {span}", severity=Severity.INFO)
        elif is_handled(case) or watches_classes(case):
            yield Violation(IMBALANCE, f"{told}; balanced class weights would be {span}", severity=Severity.INFO)
        else:
            share = number(round(100 * counts[most] / sum(counts), 1))
            message = (
                f"{told} and nothing makes up for it: always answering '{case.class_name(most)}' is already right {share} % of the time; "
                f"write balanced class weights ({span})"
            )
            value = {"type": "class_weights", "method": "balanced"}
            yield Violation(IMBALANCE, message, suggestion=Suggestion(IMBALANCE, value))


RULES = (ImbalancedClasses(),)
