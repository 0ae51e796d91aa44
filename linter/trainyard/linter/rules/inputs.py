"""Scaling against the model: twice the same, of things that bear none, or by something that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.traits import takes_tokens
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Transfer

SCALING = "/dataset/scaling"
# A rescaling this small is made for 0 to 255.
_OF_BYTES = 0.02
_PICTURES = [
    {"type": "rescaling", "scale": 0.00392},
    {"type": "conv2d", "filters": 16, "kernel_size": 3, "activation": "relu"},
    {"type": "global_average_pooling2d"},
    {"type": "dropout", "rate": 0.3},
    {"type": "dense", "units": 4, "activation": "softmax"},
]
_TOKENS = [
    {"type": "embedding", "input_dim": 1000, "output_dim": 8},
    {"type": "global_average_pooling1d"},
    {"type": "dropout", "rate": 0.3},
    {"type": "dense", "units": 4, "activation": "softmax"},
]
_FOLDER = {"type": "image_directory", "path": "a", "input_shape": [64, 64, 3], "facts": {"class_counts": [900] * 4}}


class ScaledTwice(Rule):
    """Inputs are divided by 255 twice.

    What it checks:
        A rescaling layer made for 0 to 255 at the start of the model, while `dataset.scaling` brings the inputs to 0 to 1 already, or their
        declared range ends at 1.

    Why it fails:
        Inputs of 0 to 0.004 are next to constant: the first layer's sums are a few thousandths, and it takes many epochs until weights have
        grown to make up for it.

    Evidence:
        LeCun et al. 1998, Efficient BackProp, section 4.3 (inputs of unit size). A picture folder is scaled by default here, a rescaling
        layer is what Keras' own examples start with: together they scale twice.

    When to ignore:
        Never; drop one of the two.
    """

    code = "INP003"
    name = "inputs-scaled-twice"
    severity = Severity.WARNING
    reads = (SCALING, "/dataset/type", "/dataset/facts/input_range", "/model")
    optional = (SCALING, "/dataset/facts/input_range")
    VALID = (Valid({"dataset": {**_FOLDER, "scaling": "none"}, "model": {"layers": _PICTURES}}, onto="layers"),)
    INVALID = (
        Invalid(
            {"dataset": _FOLDER, "model": {"layers": _PICTURES}}, "/model/layers/0", "twice", fix="none", fix_at=SCALING, onto="layers"
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the first layer and at what comes in."""
        placed = next(iter(case.layers), None)
        if placed is None or placed[1].type != "rescaling" or not 0 < abs(getattr(placed[1], "scale", 1.0)) <= _OF_BYTES:
            return
        scaling, declared = case.spec.dataset.scaling, case.spec.dataset.facts.input_range
        if scaling in {"unit", "min_max", "standardize"}:
            told = f"scaling '{scaling}'{case.origin(SCALING)} and this rescaling layer scale the inputs twice; write 'none' for scaling"
            yield Violation(placed[0], told, suggestion=Suggestion(SCALING, "none"))
        elif declared is not None and declared.max is not None and declared.max <= 1 and scaling == "none":
            yield Violation(placed[0], f"inputs of up to {number(declared.max)} are scaled a second time by this layer; take it out")


class TokensScaled(Rule):
    """Token numbers are scaled before they are looked up.

    What it checks:
        An embedding as the first layer, and a `dataset.scaling` other than `none`. Tables are standardized by default.

    Why it fails:
        An embedding takes whole numbers as places in its table. Scaled ones are cut down to 0, or negative: every word becomes the same.

    Evidence:
        keras/src/layers/core/embedding.py casts its inputs to whole numbers.

    When to ignore:
        Never.
    """

    code = "INP004"
    name = "tokens-scaled"
    severity = Severity.ERROR
    reads = (SCALING, "/model")
    optional = (SCALING,)
    VALID = (Valid({"dataset": {"input_shape": [64], "scaling": "none"}, "model": {"layers": _TOKENS}}, onto="layers"),)
    INVALID = (
        Invalid({"dataset": {"input_shape": [64]}, "model": {"layers": _TOKENS}}, SCALING, "whole numbers", fix="none", onto="layers"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the first layer."""
        scaling = case.spec.dataset.scaling
        if takes_tokens(case.spec.model) and scaling != "none":
            message = (
                f"the embedding takes whole numbers, and scaling '{scaling}'{case.origin(SCALING)} makes fractions of them; write 'none'"
            )
            yield Violation(SCALING if case.wrote(SCALING) else "/dataset", message, suggestion=Suggestion(SCALING, "none"))


class ScalingWithoutBase(Rule):
    """The inputs are scaled by something that is not there.

    What it checks:
        `preprocess_input` without a backbone; `unit` on a table whose `input_range` is not declared.

    Why it fails:
        `preprocess_input` is the function of a backbone, and `unit` divides by a known range: neither can be carried out.

    Evidence:
        keras/src/applications: each backbone has a `preprocess_input` of its own.

    When to ignore:
        Never.
    """

    code = "INP005"
    name = "scaling-without-base"
    severity = Severity.ERROR
    reads = (SCALING, "/dataset/type", "/dataset/facts/input_range", "/model")
    optional = ("/dataset/facts/input_range",)
    VALID = (
        Valid({"dataset": {"scaling": "preprocess_input"}}, onto="transfer"),
        Valid({"dataset": {"scaling": "unit", "facts": {"input_range": {"min": 0, "max": 100}}}}, onto="table"),
    )
    INVALID = (
        Invalid({"dataset": {"scaling": "preprocess_input"}}, SCALING, "backbone", fix="unit"),
        Invalid({"dataset": {"scaling": "unit"}}, SCALING, "input_range", fix="standardize", onto="table"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look for what the scaling needs."""
        dataset = case.spec.dataset
        is_table = dataset.type in {"csv", "parquet"}
        if dataset.scaling == "preprocess_input" and not isinstance(case.spec.model, Transfer) and case.spec.model.type != "declared":
            value = "standardize" if is_table else "unit"
            message = f"preprocess_input belongs to a backbone, and the model has none; write '{value}'"
            yield Violation(SCALING, message, suggestion=Suggestion(SCALING, value))
        elif dataset.scaling == "unit" and is_table and dataset.facts.input_range is None:
            message = "unit divides by a known range; declare facts.input_range, or write 'standardize'"
            yield Violation(SCALING, message, suggestion=Suggestion(SCALING, "standardize"))


RULES = (ScaledTwice(), TokensScaled(), ScalingWithoutBase())
