"""Whether what is done about unequal classes is done right, and whether the metrics would show it."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate.weights import balanced, class_weights
from trainyard.linter.rules.balance import HANDLING_LOSSES, IMBALANCE, PER_CLASS_METRICS, SEVERE, ratio
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import CLASS_COUNTS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import listed, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.training import ClassWeights

WEIGHTS = f"{IMBALANCE}/weights"
_SKEWED: dict[str, object] = {"facts": {"class_counts": {"benign": 950, "malignant": 50}}}
_ACCURACIES = frozenset({"accuracy", "binary_accuracy", "top_k_accuracy"})


def _explicit(case: Case) -> ClassWeights | None:
    imbalance = case.spec.imbalance
    return imbalance if isinstance(imbalance, ClassWeights) and imbalance.weights is not None else None


class AccuracyOnlyImbalanced(Rule):
    """Accuracy is the only metric, and the classes are imbalanced.

    What it checks:
        The largest class is more than ten times the smallest, and the metrics that the author wrote are accuracies only.

    Why it fails:
        A model that always answers the largest class scores its share; rare classes can be lost without the metric moving.

    Evidence:
        The score of the majority answer is its share of the samples: 31.6 % on MalImg, 95 % at 19 : 1. Shwartz-Ziv et al. 2023 and the
        TensorFlow tutorial on imbalanced data look at precision, recall and the area under the curve.

    When to ignore:
        When only the frequent classes matter.
    """

    code = "CLS002"
    name = "accuracy-only-on-imbalanced-classes"
    severity = Severity.WARNING
    reads = ("/metrics", *CLASS_COUNTS)
    VALID = (Valid({"dataset": _SKEWED}, onto="table"), Valid({"dataset": _SKEWED, "metrics": ["accuracy", "recall"]}, onto="table"))
    INVALID = (
        Invalid(
            {"dataset": _SKEWED, "metrics": ["accuracy"]},
            "/metrics",
            "95 %",
            fix=["accuracy", {"type": "f1", "average": "macro"}],
            onto="table",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the metrics that were written."""
        counts = case.class_counts
        if counts is None or ratio(counts) <= SEVERE or not case.wrote("/metrics"):
            return
        kinds = {metric.type for metric in case.spec.metrics}
        if kinds and kinds <= _ACCURACIES and not kinds & PER_CLASS_METRICS:
            share = number(round(100 * max(counts) / sum(counts), 1))
            written = case.written.get("metrics")
            value = [*(written if isinstance(written, list) else []), {"type": "f1", "average": "macro"}]
            message = f"accuracy alone hides the rare classes: always answering the largest one scores {share} %; add macro F1"
            yield Violation("/metrics", message, suggestion=Suggestion("/metrics", value))


class WeightsIncomplete(Rule):
    """The map of class weights leaves out a class, or names one that there is not.

    What it checks:
        The keys of `imbalance.weights` against the names of the classes (or their numbers).

    Why it fails:
        A class that is left out weighs 1, whatever the others do; a weight for nobody is usually a misspelt name.

    Evidence:
        Keras 3 gives missing classes the weight 1.0 without a word (keras/src/trainers/data_adapters/data_adapter_utils.py).

    When to ignore:
        When 1 is meant for the rest.
    """

    code = "CLS003"
    name = "class-weights-incomplete"
    severity = Severity.WARNING
    reads = (IMBALANCE, *CLASS_COUNTS)
    VALID = (Valid({"imbalance": {"type": "class_weights", "weights": {"benign": 0.8, "malignant": 1.3}}}, onto="table"),)
    INVALID = (
        Invalid(
            {"imbalance": {"type": "class_weights", "weights": {"malignant": 1.3}}},
            WEIGHTS,
            "leaves out 'benign'",
            fix={"malignant": 1.3, "benign": 1.0},
            onto="table",
        ),
        Invalid(
            {"imbalance": {"type": "class_weights", "weights": {"benign": 1, "malign": 1, "malignant": 2}}},
            f"{WEIGHTS}/malign",
            "no class",
            onto="table",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare keys and classes."""
        imbalance, classes = _explicit(case), case.classes
        if imbalance is None or imbalance.weights is None or classes is None:
            return
        names = {case.class_name(index) if index < len(case.class_names) else str(index): str(index) for index in range(classes)}
        for key in imbalance.weights:
            if key not in names and key not in names.values():
                known = f"; there are {_quoted(list(names)[:10])}" if names and case.class_names else ""
                yield Violation(f"{WEIGHTS}/{_escaped(key)}", f"there is no class '{key}'{known}", "key")
        lacking = [name for name, index in names.items() if name not in imbalance.weights and index not in imbalance.weights]
        if lacking:
            value = {**imbalance.weights, **dict.fromkeys(lacking, 1.0)}
            message = f"the map of weights leaves out {_quoted(lacking[:5])}, which then weighs 1; write it"
            yield Violation(WEIGHTS, message, suggestion=Suggestion(WEIGHTS, value))


class WeightsExtreme(Rule):
    """The class weights are out of proportion, or favour the frequent classes.

    What it checks:
        Weights below zero are an error. The largest over the smallest is more than three times the imbalance, or more than 1,000; or
        the rarest class weighs less than the most frequent one, which is more than twice as large.

    Why it fails:
        One sample of a heavy class throws the weights about; weights the wrong way round make the imbalance worse.

    Evidence:
        Balanced weights are in the ratio of the counts; three times that is beyond every published scheme (effective numbers, Cui et
        al. 2019, arXiv 1901.05555, stay below it).

    When to ignore:
        When a mistake on one class really costs that much more.
    """

    code = "CLS004"
    name = "class-weights-out-of-proportion"
    severity = Severity.WARNING
    reads = (IMBALANCE, *CLASS_COUNTS)
    VALID = (Valid({"imbalance": {"type": "class_weights", "weights": {"benign": 0.8, "malignant": 1.3}}}, onto="table"),)
    INVALID = (
        Invalid(
            {"dataset": _SKEWED, "imbalance": {"type": "class_weights", "weights": {"benign": 10.0, "malignant": 0.5}}},
            WEIGHTS,
            "wrong way round",
            fix={"benign": 0.526, "malignant": 10.0},
            onto="table",
        ),
        Invalid({"imbalance": {"type": "class_weights", "weights": {"benign": 1, "malignant": 500}}}, WEIGHTS, "500 : 1", onto="table"),
        Invalid(
            {"imbalance": {"type": "class_weights", "weights": {"benign": 1, "malignant": -1}}},
            WEIGHTS,
            "below zero",
            onto="table",
            severity=Severity.ERROR,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the weights with the counts."""
        imbalance, counts = _explicit(case), case.class_counts
        if imbalance is None or imbalance.weights is None or counts is None or len(counts) < 2:
            return
        weights = class_weights(counts, imbalance, case.class_names)
        fix = Suggestion(WEIGHTS, {case.class_name(i): float(f"{weight:.3g}") for i, weight in enumerate(balanced(counts)) if weight})
        if min(imbalance.weights.values(), default=0.0) < 0:
            yield Violation(
                WEIGHTS, "a weight below zero rewards mistakes; write balanced weights", suggestion=fix, severity=Severity.ERROR
            )
            return
        positive = [weight for weight in weights if weight > 0]
        most, least = counts.index(max(counts)), counts.index(min((count for count in counts if count > 0), default=counts[0]))
        span = max(positive) / min(positive) if positive else 1.0
        if ratio(counts) > 2 and weights[least] < weights[most]:
            told = f"the weights are the wrong way round: '{case.class_name(most)}' ({counts[most]:,}) weighs more than"
            yield Violation(WEIGHTS, f"{told} '{case.class_name(least)}' ({counts[least]:,}); write balanced weights", suggestion=fix)
        elif span > 1000 or span > 3 * ratio(counts):
            told = f"the weights span {number(round(span))} : 1, the counts {ratio(counts):.3g} : 1"
            yield Violation(WEIGHTS, f"{told}; write balanced weights", suggestion=fix)


class WeightsChangeRate(Rule):
    """The class weights act as a factor on the learning rate.

    What it checks:
        With SGD: the mean weight of a training sample, sum(n_c w_c) / N, is outside of 0.3 to 3.

    Why it fails:
        The loss, and with it every step, is multiplied by that mean. Adam and its kin do not notice.

    Evidence:
        Follows from the weighted loss; balanced weights have a mean of exactly 1.

    When to ignore:
        When the learning rate was tuned with these weights.
    """

    code = "CLS005"
    name = "class-weights-change-learning-rate"
    severity = Severity.INFO
    reads = (IMBALANCE, "/optimizer/type", *CLASS_COUNTS)
    VALID = (Valid({"optimizer": {"type": "sgd"}, "imbalance": {"type": "class_weights"}}, onto="table"),)
    INVALID = (
        Invalid(
            {"optimizer": {"type": "sgd"}, "imbalance": {"type": "class_weights", "weights": {"benign": 10, "malignant": 16}}},
            WEIGHTS,
            "12.2",
            fix={"benign": 0.817, "malignant": 1.31},
            onto="table",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Take the mean over the samples."""
        imbalance, counts = _explicit(case), case.class_counts
        if imbalance is None or counts is None or case.spec.optimizer.type != "sgd" or not sum(counts):
            return
        if next(WeightsExtreme().check(case), None) is not None:  # then other weights are called for anyway
            return
        weights = class_weights(counts, imbalance, case.class_names)
        mean = sum(weight * amount for weight, amount in zip(weights, counts, strict=True)) / sum(counts)
        if mean > 0 and not 0.3 <= mean <= 3:
            fix = Suggestion(WEIGHTS, {case.class_name(i): float(f"{weight / mean:.3g}") for i, weight in enumerate(weights)})
            told = f"the weights average {number(float(f'{mean:.3g}'))} over the samples"
            message = f"{told}, which multiplies every step of SGD; divide them by that"
            yield Violation(WEIGHTS, message, suggestion=fix)


class CorrectedTwice(Rule):
    """The imbalance is corrected twice.

    What it checks:
        `imbalance` is not `none` and the loss is a focal, dice or tversky loss; or weights are written for classes that are already
        oversampled.

    Why it fails:
        The corrections multiply, and rare classes are overshot.

    Evidence:
        The product of two corrections is not the correction: weights in the ratio of the counts already balance the loss.

    When to ignore:
        When both were tuned together.
    """

    code = "CLS006"
    name = "imbalance-corrected-twice"
    severity = Severity.INFO
    reads = (IMBALANCE, "/loss")
    VALID = (Valid({"imbalance": {"type": "focal"}}),)
    INVALID = (
        Invalid(
            {"imbalance": {"type": "class_weights"}, "loss": {"type": "categorical_focal_crossentropy"}},
            IMBALANCE,
            "twice",
            fix={"type": "none"},
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at both."""
        loss, kind = case.spec.loss, case.spec.imbalance.type
        if loss is not None and loss.type in HANDLING_LOSSES and kind != "none":
            message = f"the loss {loss.type} and imbalance '{kind}' correct twice; write one of them"
            fix = None if _explicit(case) is not None else Suggestion(IMBALANCE, {"type": "none"})
            yield Violation(IMBALANCE, message, suggestion=fix)


def _quoted(names: list[str]) -> str:
    return listed([f"'{name}'" for name in names], "and")


def _escaped(key: str) -> str:
    """Return a key as a JSON pointer writes it."""
    return key.replace("~", "~0").replace("/", "~1")


RULES = (
    AccuracyOnlyImbalanced(),
    WeightsIncomplete(),
    WeightsExtreme(),
    WeightsChangeRate(),
    CorrectedTwice(),
)
