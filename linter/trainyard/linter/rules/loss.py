"""The loss against what it is given: outputs, their activation, and the way labels are written."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.output import (
    BINARY,
    CATEGORICAL,
    CROSS_ENTROPY,
    PROBABILITIES,
    READS,
    SPARSE,
    activation_fix,
    fitting_activation,
    loss_type,
    place_of,
    takes_logits,
)
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

_NO_PROBABILITY = frozenset(
    {"relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "swish", "mish", "tanh", "softsign", "softplus", "exponential", "log_softmax"}
)


class CategoricalLossOnOneUnit(Rule):
    """A loss over several classes meets a single output.

    What it checks:
        The last layer has one unit and the loss is a categorical or sparse categorical cross-entropy.

    Why it fails:
        These losses compare the outputs with each other; with one output the loss does not depend on the negative class at all.

    Evidence:
        Keras 3 warns and names binary_crossentropy (keras/src/losses/losses.py).

    When to ignore:
        Never.
    """

    code = "OUT002"
    name = "categorical-loss-on-one-unit"
    severity = Severity.ERROR
    reads = READS
    VALID = (Valid({"loss": {"type": "binary_crossentropy"}}, onto="table"),)
    INVALID = (
        Invalid(
            {"model": {"output": {"units": 1, "activation": "sigmoid"}}, "loss": {"type": "categorical_crossentropy"}},
            "/loss",
            "binary_crossentropy",
            fix={"type": "binary_crossentropy"},
            onto="table",
        ),
        Invalid(
            {"model": {"output": {"units": 1, "activation": "sigmoid"}}, "loss": {"type": "sparse_categorical_crossentropy"}},
            "/model/output/units",
            "units 10",
            fix=10,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the loss with the number of outputs."""
        output = case.final
        if output is None or output.units != 1 or loss_type(case) not in CATEGORICAL | SPARSE or case.spec.task == "regression":
            return
        told = f"{loss_type(case)} compares outputs with each other, and there is only one"
        classes = case.classes or 0
        if case.spec.task == CLASSIFICATION and classes == 1 and not case.wrote(output.units_pointer):
            return  # the data is at fault, not the loss: targets-do-not-fit-task
        if case.spec.task == CLASSIFICATION and classes > 2:
            fix = Suggestion(output.units_pointer, classes)
            yield Violation(place_of(case, output.units_pointer), f"{told}; write units {classes}", suggestion=fix)
        else:
            fix = Suggestion("/loss", {"type": "binary_crossentropy"})
            yield Violation(place_of(case, "/loss"), f"{told}; write the loss binary_crossentropy", suggestion=fix)


class LabelEncoding(Rule):
    """The labels are not written in the way the loss reads them.

    What it checks:
        Declared `labels.encoding`: one-hot with a sparse loss, integer with a categorical one; and the largest declared integer
        label against the outputs.

    Why it fails:
        A sparse loss reads a class number and gets a vector, or the other way round: shapes clash or, worse, broadcast. A label
        beyond the outputs is out of range, which some backends turn into a silent NaN.

    Evidence:
        keras/src/losses/losses.py; keras-team/keras#2450.

    When to ignore:
        Never; correct the declaration when the data is otherwise.
    """

    code = "OUT005"
    name = "label-encoding-does-not-fit-loss"
    severity = Severity.ERROR
    reads = ("/model", "/loss", "/task", "/dataset/facts/labels")
    VALID = (
        Valid({"loss": {"type": "categorical_crossentropy"}, "dataset": {"facts": {"labels": {"encoding": "one_hot"}}}}, onto="layers"),
    )
    INVALID = (
        Invalid(
            {"dataset": {"facts": {"labels": {"encoding": "one_hot", "min": 0, "max": 1}}}},
            "/dataset/facts/labels/encoding",
            "categorical_crossentropy",
            fix={"type": "categorical_crossentropy"},
            fix_at="/loss",
            onto="layers",
        ),
        Invalid(
            {"loss": {"type": "categorical_crossentropy"}},
            "/loss",
            "sparse_categorical_crossentropy",
            fix={"type": "sparse_categorical_crossentropy"},
            onto="layers",
        ),
        Invalid({"dataset": {"facts": {"labels": {"max": 4}}}}, "/dataset/facts/labels/max", "outputs 0 to 3", onto="layers"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the declared labels with the loss and the outputs."""
        labels, loss, output = case.spec.dataset.facts.labels, loss_type(case), case.final
        if labels is None or case.spec.task != CLASSIFICATION:
            return
        if labels.encoding == "one_hot" and loss in SPARSE:
            yield self._other_loss(case, "one-hot labels", loss, "categorical_crossentropy")
        elif labels.encoding == "integer" and loss in CATEGORICAL:
            yield self._other_loss(case, "integer labels", loss, "sparse_categorical_crossentropy")
        elif labels.encoding in {None, "integer"} and labels.max is not None and output is not None and output.units:
            highest = max(1, output.units - 1)
            if labels.max > highest and loss in SPARSE | BINARY:
                message = f"the largest label is {labels.max:g}, but there are only outputs 0 to {highest}; number the classes from 0"
                yield Violation("/dataset/facts/labels/max", message)

    @staticmethod
    def _other_loss(case: Case, labels: str, loss: str, right: str) -> Violation:
        pointer = "/loss" if case.wrote("/loss") else "/dataset/facts/labels/encoding"
        message = f"{labels} do not fit {loss}{case.origin('/loss')}; write {right}"
        return Violation(pointer, message, suggestion=Suggestion("/loss", {"type": right}))


class ProbabilitiesExpected(Rule):
    """A cross-entropy gets raw outputs where it expects probabilities.

    What it checks:
        The last layer is linear and the loss is a cross-entropy with `from_logits` off.

    Why it fails:
        The loss takes the logarithm of its input, which is clipped to a tiny range first: most gradients are zero and the rest is
        wrong.

    Evidence:
        keras/src/losses/losses.py (`from_logits`); NeuraLint's missing-softmax rule.

    When to ignore:
        Never.
    """

    code = "OUT006"
    name = "cross-entropy-on-raw-outputs"
    severity = Severity.ERROR
    reads = READS
    VALID = (
        Valid({"model": {"output": {"activation": "linear"}}, "loss": {"type": "sparse_categorical_crossentropy", "from_logits": True}}),
        Valid({"model": {"output": {"activation": "linear"}}}, onto="regression"),
    )
    INVALID = (
        Invalid(
            {"model": {"output": {"activation": "linear"}}, "loss": {"type": "sparse_categorical_crossentropy"}},
            "/model/output/activation",
            "expects probabilities",
            fix="softmax",
        ),
        Invalid(
            {"model": {"output": {"activation": "linear", "units": 1}}, "loss": {"type": "binary_crossentropy"}},
            "/model/output/activation",
            "expects probabilities",
            fix="sigmoid",
            onto="table",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the activation that the loss sees."""
        output = case.final
        if output is None or output.activation != "linear" or loss_type(case) not in CROSS_ENTROPY or takes_logits(case):
            return
        if case.spec.task == "regression":  # there it is the loss that is wrong, which a rule of its own says
            return
        value = fitting_activation(case, output)
        fix = Suggestion(output.activation_pointer, value)
        message = (
            f"{loss_type(case)}{case.origin('/loss')} expects probabilities, but the output is linear; write '{value}', or from_logits true"
        )
        yield Violation(place_of(case, output.activation_pointer), message, suggestion=fix)


class DoubleActivation(Rule):
    """The outputs are turned into probabilities twice.

    What it checks:
        The last layer has softmax or sigmoid and the loss is told that it gets logits.

    Why it fails:
        The loss applies softmax again, to numbers between 0 and 1: its outputs are nearly equal and gradients are flat.

    Evidence:
        keras-team/keras-hub#1008. On TensorFlow, Keras 3 notices, warns and recovers the logits; on other backends it does not.

    When to ignore:
        Never.
    """

    code = "OUT007"
    name = "probabilities-taken-for-logits"
    severity = Severity.WARNING
    reads = READS
    VALID = (Valid({"loss": {"type": "sparse_categorical_crossentropy", "from_logits": True}}),)
    INVALID = (
        Invalid(
            {"model": {"output": {"activation": "softmax"}}, "loss": {"type": "sparse_categorical_crossentropy", "from_logits": True}},
            "/loss/from_logits",
            "already softmax",
            fix=False,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the activation that the loss sees."""
        output = case.final
        if output is not None and output.activation in PROBABILITIES and takes_logits(case):
            message = f"the outputs are already {output.activation}, and from_logits makes {loss_type(case)} apply it again; write false"
            yield Violation("/loss/from_logits", message, suggestion=Suggestion("/loss/from_logits", value=False))


class NoProbabilityOutput(Rule):
    """A cross-entropy gets outputs that are no probabilities.

    What it checks:
        The last layer has an activation such as relu, tanh, elu or softplus and the loss is a cross-entropy; with `from_logits`
        it is a warning.

    Why it fails:
        The logarithm of zero or of a negative number: the loss is no number, or is clipped and dead. As logits, relu's outputs
        cannot fall below zero, so no class can ever be called unlikely.

    Evidence:
        Definition of cross-entropy. A wrong output activation is the most frequent of the 53 real faults in DeepDiagnosis'
        benchmark (13).

    When to ignore:
        Never.
    """

    code = "OUT008"
    name = "cross-entropy-without-probabilities"
    severity = Severity.ERROR
    reads = READS
    VALID = (Valid({"model": {"output": {"activation": "sigmoid", "units": 1}}, "loss": {"type": "binary_crossentropy"}}, onto="table"),)
    INVALID = (
        Invalid({"model": {"output": {"activation": "relu"}}}, "/model/output/activation", "relu", fix="softmax"),
        Invalid(
            {"model": {"output": {"activation": "tanh", "units": 1}}, "loss": {"type": "binary_crossentropy"}},
            "/model/output/activation",
            "tanh",
            fix="sigmoid",
            onto="table",
        ),
        Invalid(
            {"model": {"output": {"activation": "relu"}}, "loss": {"type": "sparse_categorical_crossentropy", "from_logits": True}},
            "/model/output/activation",
            "logits",
            fix="linear",
            severity=Severity.WARNING,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the activation that the loss sees."""
        output = case.final
        if output is None or output.activation not in _NO_PROBABILITY or loss_type(case) not in CROSS_ENTROPY:
            return
        if case.spec.task == "regression":  # there it is the loss that is wrong, which a rule of its own says
            return
        if takes_logits(case):
            if output.activation != "log_softmax":
                problem = f"{output.activation} outputs are no free logits, as {loss_type(case)} is told"
                yield activation_fix(case, output, problem, "linear", Severity.WARNING)
        else:
            problem = f"{output.activation} outputs are no probabilities, which {loss_type(case)}{case.origin('/loss')} expects"
            yield activation_fix(case, output, problem, fitting_activation(case, output))


class BinaryLossOnSoftmax(Rule):
    """Exclusive classes are judged one by one.

    What it checks:
        Several softmax outputs with binary cross-entropy.

    Why it fails:
        It trains, but binary accuracy counts every right "no": it overstates by far, and the loss weighs the many negatives.

    Evidence:
        The use is legitimate (keras-team/keras#3396), hence an info.

    When to ignore:
        When it is one-versus-rest on purpose.
    """

    code = "OUT011"
    name = "binary-loss-on-softmax"
    severity = Severity.INFO
    reads = READS
    VALID = (Valid({"loss": {"type": "binary_crossentropy"}}, onto="table"),)
    INVALID = (
        Invalid(
            {"loss": {"type": "binary_crossentropy"}, "model": {"output": {"units": 10, "activation": "softmax"}}},
            "/loss",
            "one by one",
            fix={"type": "sparse_categorical_crossentropy"},
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the loss with the activation."""
        output = case.final
        if output is None or output.activation != "softmax" or (output.units or 0) < 2 or loss_type(case) not in BINARY:
            return
        if case.spec.task == CLASSIFICATION:
            right = self._right(case)
            message = f"{loss_type(case)} judges the {output.units} exclusive classes one by one, so accuracy is overstated; write {right}"
            yield Violation("/loss", message, suggestion=Suggestion("/loss", {"type": right}))

    @staticmethod
    def _right(case: Case) -> str:
        labels = case.spec.dataset.facts.labels
        return "categorical_crossentropy" if labels is not None and labels.encoding == "one_hot" else "sparse_categorical_crossentropy"


class RegressionLossForClasses(Rule):
    """A classification is trained with a loss for numbers.

    What it checks:
        The task is a classification or multilabel and the loss is a mean absolute error (warning) or a mean squared error (info).

    Why it fails:
        The absolute error of probabilities has gradients that vanish where the answer is wrong: training is slow and often ends at
        a constant answer. The squared error works when tuned.

    Evidence:
        Zhang & Sabuncu 2018, arXiv 1805.07836 (absolute error); Hui & Belkin 2021, arXiv 2006.07322 (squared error is competitive).

    When to ignore:
        When robustness against wrong labels is wanted and the run was tuned for it.
    """

    code = "OUT012"
    name = "regression-loss-for-classes"
    severity = Severity.WARNING
    reads = READS
    VALID = (Valid({"loss": {"type": "mean_absolute_error"}}, onto="regression"),)
    INVALID = (
        Invalid({"loss": {"type": "mean_absolute_error"}}, "/loss", "mean_absolute_error", fix={"type": "sparse_categorical_crossentropy"}),
        Invalid({"loss": {"type": "mean_squared_error"}}, "/loss", "mean_squared_error", severity=Severity.INFO),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the loss of a task with classes."""
        loss = loss_type(case)
        if case.spec.task not in {CLASSIFICATION, "multilabel"} or loss not in {"mean_absolute_error", "mean_squared_error"}:
            return
        output = case.final
        several = case.spec.task == CLASSIFICATION and (output is None or output.units != 1)
        right = "sparse_categorical_crossentropy" if several else "binary_crossentropy"
        labels = case.spec.dataset.facts.labels
        if several and labels is not None and labels.encoding == "one_hot":
            right = "categorical_crossentropy"
        slowly = "more slowly than a cross-entropy" if loss == "mean_squared_error" else "slowly or not at all"
        message = f"{loss} learns classes {slowly}; write {right}"
        severity = Severity.INFO if loss == "mean_squared_error" else None
        yield Violation("/loss", message, suggestion=Suggestion("/loss", {"type": right}), severity=severity)


RULES = (
    CategoricalLossOnOneUnit(),
    LabelEncoding(),
    ProbabilitiesExpected(),
    DoubleActivation(),
    NoProbabilityOutput(),
    BinaryLossOnSoftmax(),
    RegressionLossForClasses(),
)
