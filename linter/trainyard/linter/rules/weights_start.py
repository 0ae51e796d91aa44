"""Where weights start from: alike, or too far out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import MODEL_SHAPE, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

_KERNEL = "kernel_initializer"
_SYMMETRIC = frozenset({"dense", "conv1d", "conv2d", "conv1d_transpose", "conv2d_transpose"})
# Activations that let no gradient pass at an input of 0.
_DEAD_AT_ZERO = frozenset({"relu", "relu6"})
# Standard deviation times the root of the inputs at which sums leave the range in which sigmoid and tanh learn.
_WIDE = 10.0
_SATURATING = frozenset({"sigmoid", "tanh", "hard_sigmoid", "softsign", "softmax"})


def _usual(activation: str) -> str:
    return "he_normal" if activation in {"relu", "leaky_relu", "elu", "relu6", "swish", "gelu", "mish"} else "glorot_uniform"


class WeightsStartAlike(Rule):
    """All weights of a hidden layer start at the same number.

    What it checks:
        In a sequential model, a `kernel_initializer` of zeros, ones or a constant in a dense layer or convolution that has another one
        behind it. An error where nothing can tell the units apart: zeros behind relu, or the next layer starts alike, too.

    Why it fails:
        Units with the same weights compute the same, and get the same gradient as far as the next layer treats them alike: the layer
        starts out as a single unit, or stays one. With zeros relu lets no gradient pass at all.

    Evidence:
        Goodfellow, Bengio & Courville 2016, section 8.4 (breaking symmetry); NeuraLint's rules on initializers. Zeros in the last layer
        alone, or at the end of a residual branch, are in use and silent.

    When to ignore:
        When the weights are replaced before training.
    """

    code = "NET009"
    name = "weights-start-alike"
    severity = Severity.ERROR
    reads = ("/model",)
    VALID = (
        Valid(
            {
                "model": {
                    "layers": [
                        {"type": "flatten"},
                        {"type": "dense", "units": 32, "activation": "relu"},
                        {"type": "dropout", "rate": 0.3},
                        {"type": "dense", "units": 4, "activation": "softmax", "kernel_initializer": "zeros"},
                    ]
                }
            },
            onto="layers",
        ),
    )
    INVALID = (
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "flatten"},
                        {"type": "dense", "units": 32, "activation": "relu", "kernel_initializer": "zeros"},
                        {"type": "dropout", "rate": 0.3},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/model/layers/1/kernel_initializer",
            "no gradient",
            fix="he_normal",
            onto="layers",
        ),
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "flatten"},
                        {"type": "dense", "units": 32, "activation": "tanh", "kernel_initializer": {"type": "constant", "value": 0.5}},
                        {"type": "dropout", "rate": 0.3},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/model/layers/1/kernel_initializer",
            "start alike",
            fix="glorot_uniform",
            onto="layers",
            severity=Severity.WARNING,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at each kernel together with the next one."""
        if case.spec.model.type != "sequential":
            return
        weighted = [(pointer, layer) for pointer, layer in case.layers if layer.type in _SYMMETRIC]
        for (pointer, layer), (_, following) in pairwise(weighted):
            start: object = getattr(layer, _KERNEL, None)
            activation: str = getattr(layer, "activation", "")
            if not _is_constant(start) or max(getattr(layer, "units", 0), getattr(layer, "filters", 0)) == 1:
                continue
            dead = _is_zero(start) and activation in _DEAD_AT_ZERO
            alike = dead or _is_constant(getattr(following, _KERNEL, None))
            outcome = "and relu lets no gradient pass at 0" if dead else "so its units stay alike" if alike else "so its units start alike"
            at, value = f"{pointer}/{_KERNEL}", _usual(activation)
            message = f"all weights of this {layer.type} start at one number, {outcome}; write '{value}'"
            yield Violation(at, message, suggestion=Suggestion(at, value), severity=None if alike else Severity.WARNING)


class WeightsStartWide(Rule):
    """The weights of a saturating layer start so large that it saturates at once.

    What it checks:
        In explicit layers with sigmoid, tanh, softsign or softmax: the standard deviation of a random initializer times the root of the
        layer's inputs, above 10.

    Why it fails:
        Sums of such weights are far from zero from the first batch on; there sigmoid and tanh are flat, and next to no gradient passes.

    Evidence:
        Glorot & Bengio 2010 (a variance of 1 over the inputs keeps sums near 1). A deviation of 1 on 784 inputs is among the faults of
        DeepFD's benchmark, post 48385830.

    When to ignore:
        When inputs are sparse or far below 1, as with pixels that are mostly 0 and a run that was tried.
    """

    code = "NET010"
    name = "weights-start-too-wide"
    severity = Severity.INFO
    reads = MODEL_SHAPE
    VALID = (
        Valid(
            {"model": {"layers": [{"type": "flatten"}, {"type": "dense", "units": 4, "activation": "softmax"}], "output": None}},
            onto="layers",
        ),
    )
    INVALID = (
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "flatten"},
                        {
                            "type": "dense",
                            "units": 30,
                            "activation": "sigmoid",
                            "kernel_initializer": {"type": "random_normal", "stddev": 1.0},
                        },
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/model/layers/1/kernel_initializer",
            "13.9",
            fix="glorot_uniform",
            onto="layers",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Multiply the deviation with the root of the inputs."""
        shapes = case.shapes
        if shapes is None:
            return
        inputs = {layer.pointer: before.output_shape for before, layer in pairwise(shapes.layers)}
        for pointer, layer in case.layers:
            spread = _deviation(getattr(layer, "kernel_initializer", None))
            shape = inputs.get(pointer)
            if layer.type != "dense" or getattr(layer, "activation", "") not in _SATURATING or spread is None or not shape:
                continue
            size = spread * max(1, shape[-1] or 1) ** 0.5
            if size > _WIDE:
                at = f"{pointer}/kernel_initializer"
                told = f"a deviation of {number(spread)} over {shape[-1]:,} inputs makes sums of about {number(float(f'{size:.3g}'))}"
                message = f"{told}, where {getattr(layer, 'activation', '')} is flat; write 'glorot_uniform'"
                yield Violation(at, message, suggestion=Suggestion(at, "glorot_uniform"))


def _is_constant(start: object) -> bool:
    if isinstance(start, str):
        return start in {"zeros", "ones"}
    kind = getattr(start, "type", "")
    return kind == "constant" or (kind in {"random_normal", "truncated_normal"} and getattr(start, "stddev", 1.0) == 0)


def _is_zero(start: object) -> bool:
    return start == "zeros" or (getattr(start, "type", "") == "constant" and getattr(start, "value", 1.0) == 0)


def _deviation(start: object) -> float | None:
    if getattr(start, "type", "") in {"random_normal", "truncated_normal"}:
        return float(getattr(start, "stddev", 0.0))
    if getattr(start, "type", "") == "random_uniform":
        return float(abs(getattr(start, "maxval", 0.0) - getattr(start, "minval", 0.0))) / 12**0.5
    return None


RULES = (WeightsStartAlike(), WeightsStartWide())
