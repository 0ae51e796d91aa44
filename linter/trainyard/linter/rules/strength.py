"""Regularization that is too strong, out of range, or without effect where it stands."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.traits import dropouts
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Transfer

_L2 = "/regularization/l2"
_KERAS_DEFAULT = 0.01


def _fix(pointer: str, problem: str, value: float, severity: Severity | None = None) -> Violation:
    return Violation(pointer, f"{problem}; write {number(value)}", suggestion=Suggestion(pointer, value), severity=severity)


class PenaltyTooStrong(Rule):
    """The l1 or l2 penalty outweighs the loss.

    What it checks:
        `regularization.l2` above 0.01, error above 0.1; `l1` a tenth of that; either below zero is an error. The same for the
        `kernel_regularizer` of each explicit layer.

    Why it fails:
        The penalty's gradient, 2 l2 w, beats that of the loss: weights are pulled to zero and the model underfits. A negative one
        rewards large weights.

    Evidence:
        1e-4 to 5e-4 are usual (VGG, arXiv 1409.1556; ResNet, arXiv 1512.03385); the seed page's slider ends at 0.01.

    When to ignore:
        When it was tuned.
    """

    code = "REG002"
    name = "penalty-too-strong"
    severity = Severity.WARNING
    reads = ("/regularization", "/model")
    optional = ("/regularization", "/model")
    VALID = (Valid({"regularization": {"l2": 0.01}, "optimizer": {"type": "sgd"}}),)
    INVALID = (
        Invalid({"regularization": {"l2": 0.05}}, _L2, "outweighs the loss", fix=1e-4),
        Invalid({"regularization": {"l2": 1}}, _L2, "outweighs the loss", fix=1e-4, severity=Severity.ERROR),
        Invalid({"regularization": {"l1": -0.1}}, "/regularization/l1", "rewards large weights", fix=1e-5, severity=Severity.ERROR),
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "flatten"},
                        {"type": "dense", "units": 32, "activation": "relu", "kernel_regularizer": {"type": "l2", "l2": 1.0}},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/model/layers/1/kernel_regularizer/l2",
            "outweighs the loss",
            fix=1e-4,
            onto="layers",
            severity=Severity.ERROR,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at both penalties, of the whole model and of each layer."""
        found = case.spec.regularization
        yield from self._penalties("/regularization", found)
        for pointer, layer in case.layers:
            penalty = getattr(layer, "kernel_regularizer", None)
            if penalty is not None and not isinstance(penalty, str):
                yield from self._penalties(f"{pointer}/kernel_regularizer", penalty)
        if found.max_norm is not None and found.max_norm <= 0:
            yield _fix("/regularization/max_norm", f"max_norm {number(found.max_norm)} allows no weights at all", 3, Severity.ERROR)

    @staticmethod
    def _penalties(place: str, penalty: object) -> Iterator[Violation]:
        for name, warn, usual in (("l2", 0.01, 1e-4), ("l1", 0.001, 1e-5)):
            value: float | None = getattr(penalty, name, None)
            # Keras' own default for a layer's l1 is 0.01, written by nobody who chose it.
            if value is None or (name == "l1" and value == _KERAS_DEFAULT):
                continue
            if value < 0:
                yield _fix(f"{place}/{name}", f"{name} {number(value)} rewards large weights", usual, Severity.ERROR)
            elif value > warn:
                severity = Severity.ERROR if value > 10 * warn else None
                yield _fix(f"{place}/{name}", f"{name} {number(value)} outweighs the loss", usual, severity)


class DropoutOutOfRange(Rule):
    """A dropout rate drops nearly everything, or is no rate.

    What it checks:
        Every dropout rate: below 0, or 1 and more, is an error; 0.8 and more is a warning; more than 0.5 right after a convolution is a
        warning.

    Why it fails:
        At 0.8 a fifth of the units has to carry the answer. Feature maps bear less, since neighbours carry the same signal and what is
        left is noise. Where the rate was meant as the share to keep, it is the wrong way round.

    Evidence:
        Srivastava et al. 2014: 0.5 for hidden units, 0.2 for inputs. TensorFlow 1 and tflearn wrote the share to keep.

    When to ignore:
        When the layer is very wide.
    """

    code = "REG003"
    name = "dropout-out-of-range"
    severity = Severity.WARNING
    reads = ("/model",)
    VALID = (Valid({"model": {"dropout": 0.7}}, onto="table"), Valid({"model": {"blocks": [{"filters": 32, "dropout": 0.5}]}}))
    INVALID = (
        Invalid({"model": {"dropout": 0.9}}, "/model/dropout", "drops 90 %", fix=0.1, onto="table"),
        Invalid({"model": {"blocks": [{"filters": 32, "dropout": 0.6}]}}, "/model/blocks/0/dropout", "after a convolution", fix=0.25),
        Invalid({"model": {"head": {"dropout": 1.0}}}, "/model/head/dropout", "below 1", fix=0.5, severity=Severity.ERROR),
        Invalid(
            {"model": {"blocks": [{"filters": 32}] * 2, "dropout": {"conv": 0.95, "dense": 0.5}}},
            "/model/dropout/conv",
            "drops 95 %",
            fix=0.05,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at every rate once."""
        seen: set[tuple[str, float]] = set()
        for dropped in dropouts(case.spec.model):
            shared = "/model/dropout/conv" if dropped.after == "convolution" else "/model/dropout/dense"
            where = next(filter(case.wrote, (dropped.pointer, shared, "/model/dropout")), "/model")
            if (where, dropped.rate) in seen:
                continue
            seen.add((where, dropped.rate))
            usual = 0.25 if dropped.after == "convolution" else 0.5
            found = self._judge(dropped.rate, dropped.after, usual)
            if found is not None:
                problem, value, severity = found
                fix = Suggestion(where, value) if where in {dropped.pointer, shared} and not self._is_list(case, where) else None
                yield Violation(where, f"{problem}; write {number(value)}", suggestion=fix, severity=severity)

    @staticmethod
    def _judge(rate: float, after: str, usual: float) -> tuple[str, float, Severity | None] | None:
        if not 0 <= rate < 1:
            return f"dropout {number(rate)} has to be at least 0 and below 1", usual, Severity.ERROR
        if rate >= 0.8:
            kept = round(1 - rate, 4)
            return (
                f"dropout {number(rate)} drops {100 * rate:.0f} % of the units; {number(rate)} may have been the share to keep",
                kept,
                None,
            )
        if rate > 0.5 and after == "convolution":
            return f"dropout {number(rate)} after a convolution leaves too little of the picture", usual, None
        return None

    @staticmethod
    def _is_list(case: Case, pointer: str) -> bool:
        value: object = case.written
        for token in pointer.split("/")[1:]:
            value = value[int(token)] if isinstance(value, list) else value[token] if isinstance(value, dict) else None
        return isinstance(value, list)


class PlainDropoutOnMaps(Rule):
    """Single values are dropped between convolutions.

    What it checks:
        In explicit layers, `dropout` directly between two convolutions.

    Why it fails:
        Neighbouring values carry the same signal, so dropping single ones only lowers the effective learning rate.

    Evidence:
        Tompson et al. 2015, arXiv 1411.4280, drop whole maps instead. Plain dropout works in many recipes: an info.

    When to ignore:
        When a recipe is reproduced.
    """

    code = "REG004"
    name = "plain-dropout-between-convolutions"
    severity = Severity.INFO
    reads = ("/model",)
    VALID = (Valid({}, onto="layers"),)
    INVALID = (
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "conv1d", "filters": 16, "kernel_size": 3, "activation": "relu"},
                        {"type": "dropout", "rate": 0.2},
                        {"type": "conv1d", "filters": 16, "kernel_size": 3, "activation": "relu"},
                        {"type": "global_average_pooling1d"},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/model/layers/1",
            "spatial_dropout1d",
            fix="spatial_dropout1d",
            fix_at="/model/layers/1/type",
            onto="layers",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the neighbours of every dropout."""
        if case.spec.model.type != "sequential":
            return
        placed = case.layers
        for (_, before), (pointer, layer), (_, after) in zip(placed, placed[1:], placed[2:], strict=False):
            if layer.type == "dropout" and before.type == after.type and before.type in {"conv1d", "conv2d"}:
                value = f"spatial_dropout{before.type[-2:]}"
                message = f"dropout of single values between convolutions has little effect; write {value}"
                yield Violation(pointer, message, suggestion=Suggestion(f"{pointer}/type", value))


class LabelSmoothingOutOfRange(Rule):
    """Label smoothing leaves little or nothing of the label.

    What it checks:
        `loss.label_smoothing` is at least 0 and below 1; above 0.3 is a warning.

    Why it fails:
        The share is spread evenly over all classes: at 1 every sample says the same.

    Evidence:
        Szegedy et al. 2016, arXiv 1512.00567: 0.1. It hurts distillation: Müller et al. 2019, arXiv 1906.02629.

    When to ignore:
        When labels are known to be that noisy.
    """

    code = "REG005"
    name = "label-smoothing-out-of-range"
    severity = Severity.WARNING
    reads = ("/loss",)
    VALID = (Valid({"loss": {"type": "categorical_crossentropy", "label_smoothing": 0.1}}),)
    INVALID = (
        Invalid({"loss": {"type": "categorical_crossentropy", "label_smoothing": 0.5}}, "/loss/label_smoothing", "0.5", fix=0.1),
        Invalid(
            {"loss": {"type": "categorical_crossentropy", "label_smoothing": 1}},
            "/loss/label_smoothing",
            "nothing",
            fix=0.1,
            severity=Severity.ERROR,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the smoothing, where the loss has it."""
        smoothing: float = getattr(case.spec.loss, "label_smoothing", 0.0)
        if 0 <= smoothing <= 0.3:
            return
        if smoothing >= 1 or smoothing < 0:
            why = "leaves nothing of the label" if smoothing >= 1 else "is negative"
            yield _fix("/loss/label_smoothing", f"label smoothing {number(smoothing)} {why}", 0.1, Severity.ERROR)
        else:
            yield _fix("/loss/label_smoothing", f"label smoothing {number(smoothing)} leaves little of the label", 0.1)


class FineTuningBatchNorm(Rule):
    """A pretrained base's batch statistics are learnt anew from small batches.

    What it checks:
        A transfer model whose base learns with `freeze_batch_norm` off, and 16 samples per device or fewer.

    Why it fails:
        The statistics that the weights were made for are overwritten with noisy ones.

    Evidence:
        Keras' transfer-learning guide: keep batch normalization in inference mode while fine-tuning.

    When to ignore:
        When the new pictures look quite different and batches are as large as memory allows.
    """

    code = "REG006"
    name = "fine-tuning-batch-norm"
    severity = Severity.INFO
    reads = ("/model", "/training/batch_size")
    VALID = (Valid({"model": {"trainable": "all"}, "optimizer": {"learning_rate": 1e-5}, "training": {"batch_size": 8}}, onto="transfer"),)
    INVALID = (
        Invalid(
            {"model": {"trainable": "all", "freeze_batch_norm": False}, "training": {"batch_size": 8}},
            "/model/freeze_batch_norm",
            "8 samples",
            fix=True,
            onto="transfer",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the base and at the batch."""
        model = case.spec.model
        if not isinstance(model, Transfer) or case.traits.frozen or model.weights is None or model.freeze_batch_norm:
            return
        if case.spec.training.batch_size <= 16 and case.traits.batch_norm:
            message = f"batches of {case.spec.training.batch_size} samples overwrite the statistics of the pretrained weights; write true"
            yield Violation("/model/freeze_batch_norm", message, suggestion=Suggestion("/model/freeze_batch_norm", value=True))


RULES = (
    PenaltyTooStrong(),
    DropoutOutOfRange(),
    PlainDropoutOnMaps(),
    LabelSmoothingOutOfRange(),
    FineTuningBatchNorm(),
)
