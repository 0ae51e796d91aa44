"""Whether what is done about unequal classes is done right, and whether the metrics would show it."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate.weights import balanced, class_weights
from trainyard.linter.rules.balance import HANDLING_LOSSES, IMBALANCE, PER_CLASS_METRICS, SEVERE, ratio
from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.rule import CLASS_COUNTS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import listed, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.training import ClassWeights, FocalLoss, Oversample

WEIGHTS = f"{IMBALANCE}/weights"
_SKEWED: dict[str, object] = {"facts": {"class_counts": {"benign": 950, "malignant": 50}}}
_ACCURACIES = frozenset({"accuracy", "binary_accuracy", "top_k_accuracy"})
# What focal weighting is a form of (Lin 2017).
_FOCUSABLE = frozenset({"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"})


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


class FocalOutOfRange(Rule):
    """The focal loss has a parameter that turns it round or empties it.

    What it checks:
        `gamma` is at least 0 and at most 5, `alpha` strictly between 0 and 1, of the imbalance strategy and of a focal loss.

    Why it fails:
        A negative gamma makes easy samples count more. A large one leaves nothing but outliers. An alpha of 0 or 1 gives a whole side
        no weight.

    Evidence:
        Lin et al. 2017, arXiv 1708.02002: gamma 2 with alpha 0.25 is best, 0 to 5 was tried. Alpha is the weight of the rare class, which
        is often mistaken (unsky/focal-loss#9, yatengLG/Focal-Loss-Pytorch#4).

    When to ignore:
        Above 5, when it was tuned.
    """

    code = "CLS007"
    name = "focal-parameter-out-of-range"
    severity = Severity.ERROR
    reads = (IMBALANCE, "/loss")
    VALID = (Valid({"imbalance": {"type": "focal", "gamma": 0, "alpha": 0.75}}),)
    INVALID = (
        Invalid({"imbalance": {"type": "focal", "gamma": -1}}, f"{IMBALANCE}/gamma", "easy samples count more", fix=2),
        Invalid(
            {"loss": {"type": "categorical_focal_crossentropy", "gamma": 9}},
            "/loss/gamma",
            "nothing but outliers",
            fix=2,
            severity=Severity.WARNING,
        ),
        Invalid({"imbalance": {"type": "focal", "alpha": 1.5}}, f"{IMBALANCE}/alpha", "between 0 and 1", fix=0.25),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at gamma and alpha wherever they are."""
        places: list[tuple[str, object]] = [("/loss", case.spec.loss)] if case.spec.loss is not None else []
        places += [(IMBALANCE, case.spec.imbalance)] if isinstance(case.spec.imbalance, FocalLoss) else []
        for place, part in places:
            if "focal" not in getattr(part, "type", ""):
                continue
            gamma, alpha = getattr(part, "gamma", 2.0), getattr(part, "alpha", None)
            if gamma < 0:
                yield self._violation(f"{place}/gamma", f"with gamma {number(gamma)} easy samples count more", 2)
            elif gamma > 5:
                yield self._violation(f"{place}/gamma", f"with gamma {number(gamma)} nothing but outliers counts", 2, Severity.WARNING)
            if alpha is not None and not 0 < alpha < 1:
                yield self._violation(f"{place}/alpha", f"alpha {number(alpha)} has to lie between 0 and 1", 0.25)

    @staticmethod
    def _violation(pointer: str, problem: str, value: float, severity: Severity | None = None) -> Violation:
        return Violation(pointer, f"{problem}; write {number(value)}", suggestion=Suggestion(pointer, value), severity=severity)


class ClassWithoutSamples(Rule):
    """A class has no sample to learn from.

    What it checks:
        Every class has at least one sample in the training part; oversampling reaches no further than the largest class.

    Why it fails:
        The model never sees the class, so it can never answer it.

    Evidence:
        Follows from the counts and the split.

    When to ignore:
        When the class is kept for later data.
    """

    code = "CLS008"
    name = "class-without-training-samples"
    severity = Severity.WARNING
    reads = (IMBALANCE, *CLASS_COUNTS)
    VALID = (Valid({"imbalance": {"type": "oversample", "target": 0.5}}, onto="table"),)
    INVALID = (
        Invalid(
            {"dataset": {"facts": {"class_counts": {"benign": 357, "malignant": 0}}}},
            "/dataset/facts/class_counts",
            "'malignant'",
            onto="table",
        ),
        Invalid({"imbalance": {"type": "oversample", "target": 3.0}}, f"{IMBALANCE}/target", "at most 1", fix=1, onto="table"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the training part."""
        imbalance = case.spec.imbalance
        if isinstance(imbalance, Oversample) and not 0 < imbalance.target <= 1:
            pointer = f"{IMBALANCE}/target"
            message = f"the target {number(imbalance.target)} is a share of the largest class, above 0 and at most 1; write 1"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, 1))
        parts = case.class_parts
        if case.spec.task != CLASSIFICATION or parts is None or not sum(parts.train):
            return
        empty = [case.class_name(index) for index, amount in enumerate(parts.train) if amount <= 0]
        if empty:
            named = _quoted(empty[:5])
            more = f" and {len(empty) - 5} more" if len(empty) > 5 else ""
            yield Violation(case.counts_pointer, f"no training sample of {named}{more}: it can never be answered")


class ImbalanceWithoutClasses(Rule):
    """The imbalance is to be corrected in a way that this task or loss does not have.

    What it checks:
        Class weights or oversampling on a task that is no classification; focal weighting with a loss that is no plain cross-entropy.

    Why it fails:
        A sample with several labels, or with a number, has no one class whose weight it could take; focal loss is a form of cross-entropy,
        and a loss that is focal already has a gamma of its own.

    Evidence:
        Keras 3 takes class weights for class numbers and one-hot rows only (keras/src/trainers/data_adapters/data_adapter_utils.py); Lin et
        al. 2017, arXiv 1708.02002, define focal loss on cross-entropy.

    When to ignore:
        Never; a multilabel task has focal weighting, and a regression has no classes that could be rare.
    """

    code = "CLS009"
    name = "imbalance-without-classes"
    severity = Severity.ERROR
    reads = (IMBALANCE, "/task", "/loss")
    optional = ("/loss",)
    VALID = (Valid({"imbalance": {"type": "focal"}}),)
    INVALID = (
        Invalid({"imbalance": {"type": "focal"}, "loss": {"type": "mean_squared_error"}}, IMBALANCE, "cross-entropy", fix={"type": "none"}),
        Invalid({"imbalance": {"type": "class_weights"}}, IMBALANCE, "numbers", fix={"type": "none"}, onto="regression"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the strategy with task and loss."""
        kind, loss = case.spec.imbalance.type, case.spec.loss
        fix = Suggestion(IMBALANCE, {"type": "none"})
        other = {"multilabel": "a multilabel task has several", "regression": "a regression has numbers"}.get(case.spec.task)
        if kind in {"class_weights", "oversample"} and other is not None:
            yield Violation(IMBALANCE, f"{kind} needs one class per sample, and {other}; write none", suggestion=fix)
        elif kind == "focal" and loss is not None and loss.type not in _FOCUSABLE and case.spec.task != "other":
            message = f"focal weighting is a form of plain cross-entropy, and the loss is {loss.type}; write none"
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
    FocalOutOfRange(),
    ClassWithoutSamples(),
    ImbalanceWithoutClasses(),
)
