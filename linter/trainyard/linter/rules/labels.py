"""How labels and targets are written, against the loss that reads them."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.output import BINARY, CATEGORICAL, CROSS_ENTROPY, READS, loss_type, place_of, target_range
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

LABELS = "/dataset/facts/labels"
_SMALLEST_DELTA = 1e-6


class LabelsNoClassNumbers(Rule):
    """The labels are numbers, but no class numbers.

    What it checks:
        Declared integer labels of a classification under a cross-entropy: negative ones, and a smallest or largest one that is no whole
        number.

    Why it fails:
        Class numbers count from 0. A cross-entropy of -1 falls without bound when the answer is wrong; fractions, as of labels that were
        scaled together with the pictures, are all cut down to class 0.

    Evidence:
        Definition of cross-entropy. Labels divided by 255 along with the pictures: DeepLocalize's benchmark, post 59325381; its accuracy
        was that of guessing.

    When to ignore:
        Never; the hinge losses take -1 and 1.
    """

    code = "OUT014"
    name = "labels-are-no-class-numbers"
    severity = Severity.ERROR
    reads = ("/loss", "/task", LABELS)
    VALID = (
        Valid({"dataset": {"facts": {"labels": {"min": 0, "max": 3}}}}, onto="layers"),
        Valid({"dataset": {"facts": {"labels": {"encoding": "integer", "min": -1, "max": 1}}}, "loss": {"type": "hinge"}}, onto="table"),
    )
    INVALID = (
        Invalid({"dataset": {"facts": {"labels": {"max": 0.012}}}}, f"{LABELS}/max", "no whole number", onto="layers"),
        Invalid(
            {
                "dataset": {"facts": {"labels": {"encoding": "integer", "min": -1, "max": 1}}},
                "model": {"output": {"units": 1}},
                "loss": {"type": "binary_crossentropy"},
            },
            f"{LABELS}/min",
            "count from 0",
            onto="table",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at both ends of the labels."""
        labels, loss = case.spec.dataset.facts.labels, loss_type(case)
        if labels is None or labels.encoding not in {None, "integer"} or case.spec.task != CLASSIFICATION or loss not in CROSS_ENTROPY:
            return
        if labels.min is not None and labels.min < 0:
            hinge = " (the loss hinge takes -1 and 1)" if loss in BINARY else ""
            yield Violation(
                f"{LABELS}/min", f"the smallest label is {labels.min:g}, but class numbers count from 0{hinge}; number them anew"
            )
        for end in ("min", "max"):
            value: float | None = getattr(labels, end)
            if value is not None and value != int(value):
                message = f"the label {value:g} is no whole number, so it is no class number; scale the inputs only, not the labels"
                yield Violation(f"{LABELS}/{end}", message)


class BinaryLossForManyClasses(Rule):
    """A loss for yes-or-no questions meets three classes or more, and the output was left out.

    What it checks:
        A classification with three known classes or more, a binary cross-entropy or hinge loss, and outputs that are not softmax. A warning
        where the author wrote no output, an info where several outputs were written.

    Why it fails:
        Each class becomes a question of its own: the answers need not add up to 1, and the many easy "no"s rule the loss. In Keras itself
        class numbers do not even have the shape of the outputs.

    Evidence:
        Wrong losses are 7 of the 53 real faults in DeepDiagnosis' benchmark. As one-versus-rest it is legitimate when meant
        (keras-team/keras#3396), hence no error.

    When to ignore:
        When one-versus-rest is meant: write the output.
    """

    code = "OUT015"
    name = "binary-loss-for-many-classes"
    severity = Severity.WARNING
    reads = READS
    VALID = (
        Valid({"loss": {"type": "binary_crossentropy"}}, onto="table"),
        Valid({"loss": {"type": "binary_crossentropy"}, "model": {"output": {"units": 10, "activation": "softmax"}}}),
    )
    INVALID = (
        Invalid({"loss": {"type": "binary_crossentropy"}}, "/loss", "10 classes", fix={"type": "sparse_categorical_crossentropy"}),
        Invalid(
            {"loss": {"type": "binary_crossentropy"}, "model": {"output": {"units": 10, "activation": "sigmoid"}}},
            "/loss",
            "one by one",
            fix={"type": "sparse_categorical_crossentropy"},
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the loss with the number of classes."""
        classes, output = case.classes or 0, case.final
        hinge = loss_type(case) in {"hinge", "squared_hinge"}
        if case.spec.task != CLASSIFICATION or not (hinge or loss_type(case) in BINARY) or classes < 3:
            return
        # A softmax has a rule of its own, and too few outputs have another.
        if output is not None and (output.activation == "softmax" or 0 < (output.units or classes) < classes):
            return
        meant = output is not None and case.wrote(output.units_pointer)
        labels = case.spec.dataset.facts.labels
        right = "categorical_crossentropy" if labels is not None and labels.encoding == "one_hot" else "sparse_categorical_crossentropy"
        right = "categorical_hinge" if hinge else right
        message = f"{loss_type(case)} judges the {classes} classes one by one, though they exclude each other; write {right}"
        yield Violation("/loss", message, suggestion=Suggestion("/loss", {"type": right}), severity=Severity.INFO if meant else None)


class ClassLossForNumbers(Rule):
    """A regression is trained with a loss for classes.

    What it checks:
        A regression with a categorical or sparse cross-entropy; or with a binary one, where the target's range is known to leave 0 to 1 or
        the last layer has no sigmoid. Softmax outputs with a categorical one are silent: distributions.

    Why it fails:
        Cross-entropy is made for probabilities: of one output it is constant, of targets beyond 0 and 1 it has no lower bound.

    Evidence:
        Definition of cross-entropy. Wrong losses are 7 of the 53 real faults in DeepDiagnosis' benchmark. Pictures of 0 to 1 behind a
        sigmoid are trained with binary cross-entropy in Keras' autoencoder example, so those are silent.

    When to ignore:
        Never.
    """

    code = "OUT016"
    name = "class-loss-for-numbers"
    severity = Severity.ERROR
    reads = ("/model", "/loss", "/task", "/dataset/facts/target")
    VALID = (
        Valid(
            {
                "loss": {"type": "binary_crossentropy"},
                "model": {"output": {"activation": "sigmoid"}},
                "dataset": {"facts": {"target": {"range": {"min": 0, "max": 1}}}},
            },
            onto="regression",
        ),
        Valid({"loss": {"type": "huber"}}, onto="regression"),
    )
    INVALID = (
        Invalid(
            {"loss": {"type": "categorical_crossentropy"}},
            "/loss",
            "made for classes",
            fix={"type": "mean_squared_error"},
            onto="regression",
        ),
        Invalid(
            {"loss": {"type": "binary_crossentropy"}, "dataset": {"facts": {"target": {"range": {"min": 5, "max": 50}}}}},
            "/loss",
            "5 to 50",
            fix={"type": "mean_squared_error"},
            onto="regression",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the loss of a regression, its outputs and its targets."""
        loss, output = loss_type(case), case.final
        if case.spec.task != "regression" or loss not in CROSS_ENTROPY:
            return
        activation = "" if output is None else output.activation
        low, high = target_range(case)
        if loss in BINARY:
            outside = (low is not None and low < 0) or (high is not None and high > 1)
            if not outside and (activation in {"sigmoid", "hard_sigmoid", ""} or getattr(case.spec.loss, "from_logits", False)):
                return
            problem = f", and targets lie in {low or 0:g} to {high:g}" if outside and high is not None else ""
        elif loss in CATEGORICAL and activation == "softmax" and output is not None and output.units != 1:
            return
        else:
            problem = ""
        message = f"{loss} is made for classes{problem}; write mean_squared_error"
        yield Violation(place_of(case, "/loss"), message, suggestion=Suggestion("/loss", {"type": "mean_squared_error"}))


class LossOutOfRange(Rule):
    """A parameter of the loss leaves nothing of it, or the outputs leave what it takes.

    What it checks:
        `delta` of a Huber loss above 0 (a warning below 1e-6); `q` of a generalized cross-entropy above 0 and at most 1; a Poisson loss on
        outputs that cannot fall below 0.

    Why it fails:
        With a delta of 0 every error costs nothing; no error pulls harder than delta, and below 1e-6 that is lost beside the epsilon of an
        adaptive optimizer, 1e-7, and next to nothing to any other. A Poisson loss takes the logarithm of the output: below 0 it is no
        number.

    Evidence:
        keras/src/losses/losses.py: `huber` multiplies by delta, `poisson` takes log(output + 1e-7), `categorical_generalized_cross_entropy`
        raises outside of 0 to 1.

    When to ignore:
        Never.
    """

    code = "OUT019"
    name = "loss-out-of-range"
    severity = Severity.ERROR
    reads = ("/loss", "/model", "/task")
    optional = ("/model", "/task")
    VALID = (
        Valid({"loss": {"type": "huber", "delta": 0.5}}, onto="regression"),
        Valid({"loss": {"type": "poisson"}, "model": {"output": {"activation": "softplus"}}}, onto="regression"),
    )
    INVALID = (
        Invalid({"loss": {"type": "huber", "delta": 0}}, "/loss/delta", "costs nothing", fix=1, onto="regression"),
        Invalid(
            {"loss": {"type": "huber", "delta": 1e-9}}, "/loss/delta", "pulls harder", fix=1, onto="regression", severity=Severity.WARNING
        ),
        Invalid(
            {"loss": {"type": "poisson"}, "model": {"output": {"activation": "linear"}}},
            "/model/output/activation",
            "below 0",
            fix="softplus",
            onto="regression",
            severity=Severity.WARNING,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the loss and at what it is given."""
        loss, output = case.spec.loss, case.final
        delta: float = getattr(loss, "delta", 1.0)
        if delta <= 0:
            message = f"with delta {delta:g} every error costs nothing or less; write 1"
            yield Violation("/loss/delta", message, suggestion=Suggestion("/loss/delta", 1))
        elif delta < _SMALLEST_DELTA:
            message = f"with delta {delta:g} no error pulls harder than that, so that next to nothing is learnt; write 1"
            yield Violation("/loss/delta", message, suggestion=Suggestion("/loss/delta", 1), severity=Severity.WARNING)
        q: float = getattr(loss, "q", 0.5)
        if not 0 < q <= 1:
            yield Violation("/loss/q", f"q {q:g} has to lie above 0 and at most at 1; write 0.5", suggestion=Suggestion("/loss/q", 0.5))
        if loss_type(case) == "poisson" and output is not None and output.activation in {"linear", "tanh", "leaky_relu", "elu", "selu"}:
            fix = Suggestion(output.activation_pointer, "softplus")
            message = f"poisson takes the logarithm of the output, and {output.activation} falls below 0; write 'softplus'"
            yield Violation(place_of(case, output.activation_pointer), message, suggestion=fix, severity=Severity.WARNING)


class TargetOutsideLossDomain(Rule):
    """The targets go where the loss cannot follow.

    What it checks:
        The known range of a regression's targets: below 0 with a squared logarithmic error or a Poisson loss, at or across 0 with a
        percentage error.

    Why it fails:
        Keras cuts everything below 0 to 0 before the logarithm, so all negative targets look alike; a Poisson rate is never negative; a
        percentage of 0 is without bound.

    Evidence:
        keras/src/losses/losses.py: `mean_squared_logarithmic_error` takes log(max(y, 1e-7) + 1), `mean_absolute_percentage_error` divides
        by max(|y|, 1e-7).

    When to ignore:
        When no sample really reaches the end of the declared range.
    """

    code = "OUT017"
    name = "target-outside-loss-domain"
    severity = Severity.WARNING
    reads = ("/loss", "/task", "/dataset/facts/target")
    VALID = (
        Valid(
            {"loss": {"type": "mean_squared_logarithmic_error"}, "dataset": {"facts": {"target": {"range": {"min": 0, "max": 900}}}}},
            onto="regression",
        ),
        Valid({"loss": {"type": "mean_absolute_percentage_error"}}, onto="regression"),
    )
    INVALID = (
        Invalid(
            {"loss": {"type": "mean_squared_logarithmic_error"}, "dataset": {"facts": {"target": {"range": {"min": -5, "max": 5}}}}},
            "/loss",
            "down to -5",
            fix={"type": "mean_squared_error"},
            onto="regression",
        ),
        Invalid(
            {"loss": {"type": "mean_absolute_percentage_error"}, "dataset": {"facts": {"target": {"range": {"min": 0, "max": 100}}}}},
            "/loss",
            "percentage of 0",
            fix={"type": "mean_absolute_error"},
            onto="regression",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the targets with what the loss bears."""
        loss, (low, high) = loss_type(case), target_range(case)
        if case.spec.task != "regression" or low is None:
            return
        if loss in {"mean_squared_logarithmic_error", "poisson"} and low < 0:
            yield self._violation(f"{loss} takes no negative numbers, but targets go down to {low:g}", "mean_squared_error")
        elif loss == "mean_absolute_percentage_error" and low <= 0 <= (low if high is None else high):
            yield self._violation(f"targets from {low:g} on include 0, and a percentage of 0 is without bound", "mean_absolute_error")

    @staticmethod
    def _violation(problem: str, right: str) -> Violation:
        return Violation("/loss", f"{problem}; write {right}", suggestion=Suggestion("/loss", {"type": right}))


RULES = (LabelsNoClassNumbers(), BinaryLossForManyClasses(), ClassLossForNumbers(), LossOutOfRange(), TargetOutsideLossDomain())
