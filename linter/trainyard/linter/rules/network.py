"""What the model is made of: layers that compute nothing, learn nothing, or stand where they do harm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.traits import layers
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Cnn, Mlp, Model, Transfer

if TYPE_CHECKING:
    from trainyard.linter.spec.model.layers import Layer

# Layers that are linear maps, leaving their activation aside.
_LINEAR_TYPES = frozenset({"dense", "conv1d", "conv2d", "flatten", "reshape", "dropout", "batch_normalization"}) | {
    "average_pooling1d",
    "average_pooling2d",
    "global_average_pooling1d",
    "global_average_pooling2d",
    "rescaling",
    "normalization",
}
# For the examples.
_PLAIN: list[dict[str, object]] = [
    {"type": "conv1d", "filters": 16, "kernel_size": 3, "activation": "relu"},
    {"type": "global_average_pooling1d"},
    {"type": "dropout", "rate": 0.3},
    {"type": "dense", "units": 4, "activation": "softmax"},
]
_SATURATING = frozenset({"sigmoid", "tanh", "hard_sigmoid", "softsign"})


# Shrink a gradient by four and more each; tanh passes it on near 0.
_SHRINKING = frozenset({"sigmoid", "hard_sigmoid"})
_DEEP, _VERY_DEEP = 4, 10


class NoHiddenNonlinearity(Rule):
    """Layers follow each other without anything nonlinear between them.

    What it checks:
        `model.activation` is `linear` where hidden layers follow each other or lead to the output; in explicit layers, a dense layer
        or convolution with a linear activation whose outputs reach the next one unchanged. An info where other layers are nonlinear
        and it is a convolution, or a dense layer narrower than the next one: a linear bottleneck.

    Why it fails:
        Two linear maps in a row are one linear map: the extra layer adds parameters and no power.

    Evidence:
        Linear algebra; NeuraLint's missing-activation rule. Linear bottlenecks are in use: Sandler et al. 2018, arXiv 1801.04381; a
        convolution without activation before the last layer does no harm in Keras' example on knowledge distillation.

    When to ignore:
        When a bottleneck of low rank is wanted.
    """

    code = "NET001"
    name = "no-hidden-nonlinearity"
    severity = Severity.WARNING
    reads = ("/model",)
    VALID = (Valid({"model": {"hidden": [], "activation": "linear"}}, onto="table"), Valid({"model": {"activation": "gelu"}}))
    INVALID = (
        Invalid({"model": {"activation": "linear"}}, "/model/activation", "one linear map", fix="relu", onto="table"),
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "flatten"},
                        {"type": "dense", "units": 32},
                        {"type": "dropout", "rate": 0.2},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/model/layers/1",
            "one linear map",
            fix="relu",
            fix_at="/model/layers/1/activation",
            onto="layers",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look for two linear maps in a row."""
        model = case.spec.model
        if isinstance(model, Cnn | Mlp | Transfer):
            if model.activation == "linear" and _hidden_in_a_row(model):
                fix = Suggestion("/model/activation", "relu")
                yield Violation("/model/activation", "hidden layers without activation make one linear map; write 'relu'", suggestion=fix)
        elif model.type == "sequential":
            elsewhere = _has_nonlinearity(model)
            for pointer, layer, following in _linear_pairs(model):
                where = pointer if not case.wrote(f"{pointer}/activation") else f"{pointer}/activation"
                fix = Suggestion(f"{pointer}/activation", "relu")
                message = f"this {layer.type} and the next layer make one linear map; write the activation 'relu'"
                bottleneck = layer.type != "dense" or getattr(layer, "units", 0) < getattr(following, "units", 0)
                severity = Severity.INFO if elsewhere and bottleneck else None
                yield Violation(where, message, suggestion=fix, severity=severity)


def _hidden_in_a_row(model: Cnn | Mlp | Transfer) -> bool:
    """Tell whether a linear layer leads to another one: a max pooling between them would be nonlinear."""
    if isinstance(model, Mlp):
        return bool(model.hidden)
    if model.head.hidden:
        return True
    return isinstance(model, Cnn) and any(block.convolutions > 1 or block.pooling != "max" for block in model.blocks)


def _has_nonlinearity(model: Model) -> bool:
    """Tell whether any layer but the last is nonlinear."""
    hidden = [layer for _, layer in layers(model)][:-1]
    return any(layer.type not in _LINEAR_TYPES or getattr(layer, "activation", "linear") != "linear" for layer in hidden)


def _linear_pairs(model: Model) -> Iterator[tuple[str, Layer, Layer]]:
    """Yield (pointer, layer, next one) of linear layers whose outputs reach the next weighted layer unchanged."""
    open_layer: tuple[str, Layer] | None = None
    for pointer, layer in layers(model):
        if layer.type in {"dense", "conv1d", "conv2d"}:
            if open_layer is not None:
                yield (*open_layer, layer)
            open_layer = (pointer, layer) if getattr(layer, "activation", "") == "linear" else None
        elif not layer.type.endswith("dropout") and layer.type not in {"flatten", "reshape", "batch_normalization"}:
            open_layer = None


class DeepSaturating(Rule):
    """Many saturating layers follow each other without normalization.

    What it checks:
        More than four hidden layers with sigmoid, no normalization; with tanh or softsign more than ten, and an info from five on.

    Why it fails:
        Each layer shrinks the gradient (sigmoid by at least four): the first ones learn next to nothing.

    Evidence:
        Glorot & Bengio 2010: sigmoids saturate from four layers on; tanh with the initialization that Keras uses keeps its gradients over
        five. Nets of nine tanh layers are published (Raissi et al. 2019, doi 10.1016/j.jcp.2018.10.045).

    When to ignore:
        When the weights are initialized for it and the run was tried.
    """

    code = "NET002"
    name = "deep-saturating-net"
    severity = Severity.WARNING
    reads = ("/model",)
    VALID = (
        Valid({"model": {"hidden": [64] * 6, "activation": "tanh", "batch_norm": True}}, onto="table"),
        Valid({"model": {"activation": "tanh"}}, onto="table"),
    )
    INVALID = (
        Invalid({"model": {"hidden": [64] * 6, "activation": "sigmoid"}}, "/model/activation", "6 hidden layers", fix="relu", onto="table"),
        Invalid({"model": {"hidden": [20] * 9, "activation": "tanh"}}, "/model/activation", "little", onto="table", severity=Severity.INFO),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Count the saturating layers."""
        model, traits = case.spec.model, case.traits
        if traits.normalized or not isinstance(model, Cnn | Mlp):
            deep = [] if traits.normalized else [layer for _, layer in layers(model) if getattr(layer, "activation", "") in _SATURATING]
            saturating = [layer for layer in deep if layer.type in {"dense", "conv1d", "conv2d"}]
            if len(saturating) > _DEEP:
                sharp = [layer for layer in saturating if getattr(layer, "activation", "") in _SHRINKING]
                told = f"{len(saturating)} layers saturate one after the other; use relu, or batch normalization"
                severity = None if len(sharp) > _DEEP or len(saturating) > _VERY_DEEP else Severity.INFO
                yield Violation("/model/layers", told, severity=severity)
        elif model.activation in _SATURATING and traits.weighted > _DEEP:
            mild = model.activation not in _SHRINKING and traits.weighted <= _VERY_DEEP
            fix = Suggestion("/model/activation", "relu")
            told = f"{traits.weighted} hidden layers with {model.activation} and no normalization"
            message = f"{told}: the first ones get {'little' if mild else 'next to no'} gradient; write 'relu'"
            yield Violation("/model/activation", message, suggestion=fix, severity=Severity.INFO if mild else None)


class MisplacedLayer(Rule):
    """A layer stands where it does harm: dropout at the end, or softmax in the middle.

    What it checks:
        In explicit layers, dropout after the last dense layer, and softmax as the activation of a layer that is not the last.

    Why it fails:
        Dropout on the outputs sets whole answers to zero while training. Softmax inside makes units compete and lets hardly any
        gradient through.

    Evidence:
        Pitfalls collected by TheDeepChecker, arXiv 2204.00694.

    When to ignore:
        When the softmax is an attention over positions.
    """

    code = "NET003"
    name = "misplaced-layer"
    severity = Severity.WARNING
    reads = ("/model",)
    VALID = (Valid({}, onto="layers"),)
    INVALID = (
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "flatten"},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                        {"type": "dropout", "rate": 0.5},
                    ]
                }
            },
            "/model/layers/2",
            "sets whole answers to zero",
            onto="layers",
        ),
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "flatten"},
                        {"type": "dense", "units": 32, "activation": "softmax"},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/model/layers/1/activation",
            "compete",
            fix="relu",
            onto="layers",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the last layers, then at the hidden ones."""
        model = case.spec.model
        if model.type != "sequential":
            return
        placed = list(layers(model))
        dense = [index for index, (_, layer) in enumerate(placed) if layer.type == "dense"]
        last = dense[-1] if dense else len(placed)
        # With an output of its own, every explicit layer is hidden.
        last = len(placed) if getattr(model, "output", None) is not None else last
        for index, (pointer, layer) in enumerate(placed):
            if index > last and layer.type.endswith("dropout"):
                yield Violation(pointer, "dropout after the last layer sets whole answers to zero; take it out")
            elif index < last and layer.type != "activation" and getattr(layer, "activation", "") == "softmax":
                at = f"{pointer}/activation"
                yield Violation(at, "softmax in a hidden layer makes its units compete; write 'relu'", suggestion=Suggestion(at, "relu"))


class StatisticsNeverMove(Rule):
    """Batch normalization's moving statistics never move, or run away.

    What it checks:
        The `momentum` of a batch normalization in explicit layers is at least 0 and below 1.

    Why it fails:
        Training looks fine, since batches have statistics of their own. Afterwards the moving ones are used: with a momentum of 1 they are
        still the 0 and 1 that they started from, beyond 1 they grow without end.

    Evidence:
        keras/src/layers/normalization/batch_normalization.py: moving = moving * momentum + batch * (1 - momentum). PyTorch writes 1 minus
        that, so values are copied the wrong way round.

    When to ignore:
        Never.
    """

    code = "NET013"
    name = "moving-statistics-never-move"
    severity = Severity.ERROR
    reads = ("/model",)
    VALID = (Valid({"model": {"layers": [{"type": "batch_normalization", "momentum": 0.9}, *_PLAIN]}}, onto="layers"),)
    INVALID = (
        Invalid(
            {"model": {"layers": [{"type": "batch_normalization", "momentum": 1.0}, *_PLAIN]}},
            "/model/layers/0/momentum",
            "never move",
            fix=0.99,
            onto="layers",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at every batch normalization."""
        for pointer, layer in case.layers:
            momentum: float = getattr(layer, "momentum", 0.99) if layer.type == "batch_normalization" else 0.99
            if not 0 <= momentum < 1:
                outcome = "never move" if momentum == 1 else "run away"
                at = f"{pointer}/momentum"
                message = f"with momentum {number(momentum)} the moving statistics {outcome}; write 0.99"
                yield Violation(at, message, suggestion=Suggestion(at, 0.99))


RULES = (
    StatisticsNeverMove(),
    NoHiddenNonlinearity(),
    DeepSaturating(),
    MisplacedLayer(),
)
