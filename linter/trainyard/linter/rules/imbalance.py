"""What is asked for against imbalance where there is none, and classes that no sample is of."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.balance import IMBALANCE
from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.rule import CLASS_COUNTS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import listed, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.training import FocalLoss, Oversample

# What focal weighting is a form of (Lin 2017).
_FOCUSABLE = frozenset({"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"})


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


RULES = (FocalOutOfRange(), ClassWithoutSamples(), ImbalanceWithoutClasses())
