"""The last layer against task, classes and targets.

Accepted repairs differ: the finding stands on the field that the author wrote, and suggests the change that keeps
the rest of the spec.
"""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.traits import Final
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

READS = ("/model", "/loss", "/task", "/dataset/facts/classes", "/dataset/facts/class_counts", "/dataset/facts/class_shares")

BINARY = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
SPARSE = frozenset({"sparse_categorical_crossentropy"})
CATEGORICAL = frozenset({"categorical_crossentropy", "categorical_focal_crossentropy"})
CROSS_ENTROPY = BINARY | SPARSE | CATEGORICAL
PROBABILITIES = frozenset({"softmax", "sigmoid", "hard_sigmoid"})


def loss_type(case: Case) -> str:
    """Return the type of the loss, empty where there is none."""
    return "" if case.spec.loss is None else case.spec.loss.type


def takes_logits(case: Case) -> bool:
    """Tell whether the loss was told that its inputs are logits."""
    return bool(getattr(case.spec.loss, "from_logits", False))


def place_of(case: Case, pointer: str) -> str:
    """Return where a finding stands: the field if it was written, else the nearest section that was, else the model."""
    while pointer.count("/") > 1 and not case.wrote(pointer):
        pointer = pointer.rpartition("/")[0]
    return pointer if case.wrote(pointer) else "/model"


def fitting_activation(case: Case, output: Final) -> str:
    """Return the activation whose outputs are the probabilities that this loss and task expect."""
    alone = output.units == 1 or case.spec.task == "multilabel" or loss_type(case) in BINARY
    return "sigmoid" if alone else "softmax"


def activation_fix(case: Case, output: Final, problem: str, value: str, severity: Severity | None = None) -> Violation:
    """Return the finding that another activation of the last layer repairs."""
    fix = Suggestion(output.activation_pointer, value)
    return Violation(place_of(case, output.activation_pointer), f"{problem}; write '{value}'", suggestion=fix, severity=severity)


class SingleUnitSoftmax(Rule):
    """Softmax over a single output is always 1.

    What it checks:
        The last layer has one unit and the activation softmax.

    Why it fails:
        Softmax divides by the sum over the outputs; of one output that is the output itself. The model answers 1 whatever it
        sees, and no gradient flows.

    Evidence:
        Definition of softmax. Keras 3 warns for an axis of size 1 (keras/src/ops/nn.py); vllm-project/vllm#18313.

    When to ignore:
        Never.
    """

    code = "OUT001"
    name = "single-unit-softmax"
    severity = Severity.ERROR
    reads = READS
    VALID = (Valid({"model": {"output": {"units": 1}}, "loss": {"type": "binary_crossentropy"}}, onto="table"),)
    INVALID = (
        Invalid(
            {"model": {"output": {"units": 1, "activation": "softmax"}}, "loss": {"type": "binary_crossentropy"}},
            "/model/output/activation",
            "always 1",
            fix="sigmoid",
            onto="table",
        ),
        Invalid({"model": {"output": {"units": 1, "activation": "softmax"}}}, "/model/output/units", "always 1", fix=10),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the last layer."""
        output = case.final
        if output is None or output.units != 1 or output.activation != "softmax":
            return
        classes = case.classes or 0
        if case.spec.task == CLASSIFICATION and classes > 2:
            fix = Suggestion(output.units_pointer, classes)
            problem = f"softmax over a single output is always 1; write units {classes}, one for each class"
            yield Violation(place_of(case, output.units_pointer), problem, suggestion=fix)
        else:
            yield activation_fix(case, output, "softmax over a single output is always 1", "sigmoid")


class UnitsBelowClasses(Rule):
    """There are fewer outputs than classes.

    What it checks:
        For a classification into three classes or more: the units of the last layer against the number of classes.

    Why it fails:
        A class without an output cannot be predicted; with integer labels the loss reads beyond the outputs.

    Evidence:
        Definition. A wrong output layer is the dominant fault in the benchmarks of NeuraLint and DeepFD.

    When to ignore:
        Never; check whether the declared classes are right.
    """

    code = "OUT003"
    name = "fewer-outputs-than-classes"
    severity = Severity.ERROR
    reads = READS
    VALID = (Valid({"model": {"output": {"units": 10}}}),)
    INVALID = (Invalid({"model": {"output": {"units": 4}}}, "/model/output/units", "4 outputs for 10 classes", fix=10),)

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare units and classes."""
        output, classes = case.final, case.classes or 0
        if case.spec.task != CLASSIFICATION or output is None or output.units is None or classes < 3:
            return
        # A single output has rules of its own for softmax and for categorical losses.
        spoken = output.units == 1 and (output.activation == "softmax" or loss_type(case) in CATEGORICAL | SPARSE)
        if 0 < output.units < classes and not spoken:
            fix = Suggestion(output.units_pointer, classes)
            message = f"{output.units} outputs for {classes} classes: {classes - output.units} can never be predicted; write {classes}"
            yield Violation(place_of(case, output.units_pointer), message, suggestion=fix)


class UnitsAboveClasses(Rule):
    """There are more outputs than classes.

    What it checks:
        For a classification: the units of the last layer against the number of classes; one more is an info.

    Why it fails:
        The outputs without a class learn only to stay silent, and often the number is a leftover from another data set.

    Evidence:
        Definition. One more than the classes is the usual background class, hence an info.

    When to ignore:
        When classes are to be added later.
    """

    code = "OUT004"
    name = "more-outputs-than-classes"
    severity = Severity.WARNING
    reads = READS
    VALID = (Valid({"model": {"output": {"units": 1}}, "loss": {"type": "binary_crossentropy"}}, onto="table"),)
    INVALID = (
        Invalid({"model": {"output": {"units": 1000}}}, "/model/output/units", "1000 outputs for 10 classes", fix=10),
        Invalid({"model": {"output": {"units": 11}}}, "/model/output/units", "11 outputs", fix=10, severity=Severity.INFO),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare units and classes."""
        output, classes = case.final, case.classes or 0
        if case.spec.task != CLASSIFICATION or output is None or output.units is None or classes < 2 or output.units <= classes:
            return
        fix = Suggestion(output.units_pointer, classes)
        message = f"{output.units} outputs for {classes} classes; write {classes}"
        severity = Severity.INFO if output.units == classes + 1 else None
        yield Violation(place_of(case, output.units_pointer), message, suggestion=fix, severity=severity)


class SigmoidForExclusiveClasses(Rule):
    """Classes that exclude each other get independent outputs.

    What it checks:
        A classification with several sigmoid outputs and a categorical or sparse categorical cross-entropy.

    Why it fails:
        Sigmoid outputs need not add up to 1. Keras divides by their sum before the logarithm, so it often trains, but outputs
        saturate and are no probabilities.

    Evidence:
        keras/src/backend/…/nn.py normalizes first; in one benchmark pair the difference was 0.6 points, hence no error.

    When to ignore:
        When a sample may have several classes: then the task is `multilabel`.
    """

    code = "OUT009"
    name = "sigmoid-for-exclusive-classes"
    severity = Severity.WARNING
    reads = READS
    VALID = (Valid({"model": {"output": {"activation": "softmax"}}}),)
    INVALID = (Invalid({"model": {"output": {"activation": "sigmoid"}}}, "/model/output/activation", "exclude each other", fix="softmax"),)

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the activation of several outputs."""
        output = case.final
        if output is None or case.spec.task != CLASSIFICATION or output.activation not in {"sigmoid", "hard_sigmoid"}:
            return
        if (output.units or 0) > 1 and loss_type(case) in CATEGORICAL | SPARSE and not takes_logits(case):
            problem = f"the {output.units} classes exclude each other, but {output.activation} outputs are independent"
            yield activation_fix(case, output, problem, "softmax")


class SoftmaxForMultilabel(Rule):
    """Labels that may occur together compete for one probability.

    What it checks:
        The task is `multilabel` and the last layer has softmax.

    Why it fails:
        Softmax outputs add up to 1: two labels of one sample cannot both be likely.

    Evidence:
        Definition of softmax.

    When to ignore:
        When every sample has exactly one label: then the task is `classification`.
    """

    code = "OUT010"
    name = "softmax-for-multilabel"
    severity = Severity.ERROR
    reads = READS
    VALID = (
        Valid(
            {
                "task": "multilabel",
                "dataset": {"facts": {"labels": {"encoding": "multi_hot"}}},
                "model": {"output": {"units": 4, "activation": "sigmoid"}},
            },
            onto="layers",
        ),
    )
    INVALID = (
        Invalid(
            {"task": "multilabel", "dataset": {"facts": {"labels": {"encoding": "multi_hot", "min": 0, "max": 1}}}},
            "/model/layers/5/activation",
            "compete",
            fix="sigmoid",
            onto="layers",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the activation of a multilabel task."""
        output = case.final
        if output is not None and case.spec.task == "multilabel" and output.activation == "softmax" and output.units != 1:
            yield activation_fix(case, output, "softmax makes labels compete that may occur together", "sigmoid")


class BoundedRegressionOutput(Rule):
    """The output of a regression cannot reach its targets.

    What it checks:
        A regression whose last layer has sigmoid (0 to 1), tanh or softsign (-1 to 1), softmax, or relu and its kin (not below 0),
        against the range of the target; an info where the range is unknown.

    Why it fails:
        Targets outside the range are never met: the outputs stick to the edge, where the gradient is zero.

    Evidence:
        Among the few faults that could be reproduced in "How real are the faults" (Jahangirova et al. 2024, arXiv 2412.16336).

    When to ignore:
        When the targets are scaled into the range before training; declare their range then.
    """

    code = "OUT013"
    name = "regression-output-out-of-reach"
    severity = Severity.ERROR
    reads = ("/model", "/task", "/dataset/facts/target")
    VALID = (
        Valid(
            {"model": {"output": {"activation": "sigmoid"}}, "dataset": {"facts": {"target": {"range": {"min": 0, "max": 1}}}}},
            onto="regression",
        ),
        Valid(
            {"model": {"output": {"activation": "relu"}}, "dataset": {"facts": {"target": {"range": {"min": 1, "max": 90}}}}},
            onto="regression",
        ),
    )
    INVALID = (
        Invalid(
            {"model": {"output": {"activation": "sigmoid"}}, "dataset": {"facts": {"target": {"range": {"min": 5, "max": 50}}}}},
            "/model/output/activation",
            "0 to 1",
            fix="linear",
            onto="regression",
        ),
        Invalid(
            {"model": {"output": {"activation": "relu"}}, "dataset": {"facts": {"target": {"range": {"min": -3, "max": 3}}}}},
            "/model/output/activation",
            "down to -3",
            fix="linear",
            onto="regression",
            severity=Severity.WARNING,
        ),
        Invalid(
            {"model": {"output": {"activation": "tanh"}}},
            "/model/output/activation",
            "-1 to 1",
            fix="linear",
            onto="regression",
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the reach of the activation with the target."""
        output = case.final
        if case.spec.task != "regression" or output is None or (output.activation == "softmax" and output.units == 1):
            return
        reach = _REACH.get(output.activation)
        if reach is None:
            return
        low, high = target_range(case)
        told = f"{output.activation} outputs lie in {_interval(*reach)}"
        if low is None and high is None:
            yield activation_fix(case, output, f"{told}, and the range of the targets is not known", "linear", Severity.INFO)
        elif reach[1] is None and low is not None and low < 0:
            yield activation_fix(case, output, f"{told}, but targets go down to {low:g}", "linear", Severity.WARNING)
        elif reach[1] is not None and ((low is not None and low < reach[0]) or (high is not None and high > reach[1])):
            yield activation_fix(case, output, f"{told}, but targets in {_interval(low, high)}", "linear")


_REACH: dict[str, tuple[float, float | None]] = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, None),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, None),
    "exponential": (0.0, None),
}


def target_range(case: Case) -> tuple[float | None, float | None]:
    """Return the ends of a regression's targets, as declared, else as read; ``None`` where unknown."""
    target = case.spec.dataset.facts.target
    if target is not None and target.range is not None:
        return target.range.min, target.range.max
    if case.facts is not None and case.facts.target_range is not None:
        return case.facts.target_range
    return None, None


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"{high:g} and less" if high is not None else f"{low or 0:g} and more"
    return f"{low:g} to {high:g}"


RULES = (
    SingleUnitSoftmax(),
    UnitsBelowClasses(),
    UnitsAboveClasses(),
    SigmoidForExclusiveClasses(),
    SoftmaxForMultilabel(),
    BoundedRegressionOutput(),
)
