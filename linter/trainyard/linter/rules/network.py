"""What the model is made of: layers that cannot be built, that compute nothing, or that hold all the weights."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import MODEL_SHAPE, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.traits import layers
from trainyard.linter.rules.wording import number, percent
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Cnn, Mlp, Model, Transfer

_SATURATING = frozenset({"sigmoid", "tanh", "hard_sigmoid", "softsign"})
_SIZES = frozenset(
    {
        "units",
        "filters",
        "kernel",
        "kernel_size",
        "strides",
        "convolutions",
        "pool_size",
        "growth_rate",
        "input_dim",
        "output_dim",
        "groups",
    }
    | {"dilation_rate", "depth_multiplier"}
)
_IMAGE_AXES = 3


class NoHiddenNonlinearity(Rule):
    """Layers follow each other without anything nonlinear between them.

    What it checks:
        `model.activation` is `linear` where hidden layers follow each other or lead to the output; in explicit layers, a dense layer
        or convolution with a linear activation whose outputs reach the next one unchanged.

    Why it fails:
        Two linear maps in a row are one linear map: the extra layer adds parameters and no power.

    Evidence:
        Linear algebra; NeuraLint's missing-activation rule.

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
            for pointer, name in _linear_pairs(model):
                where = pointer if not case.wrote(f"{pointer}/activation") else f"{pointer}/activation"
                fix = Suggestion(f"{pointer}/activation", "relu")
                yield Violation(where, f"this {name} and the next layer make one linear map; write the activation 'relu'", suggestion=fix)


def _hidden_in_a_row(model: Cnn | Mlp | Transfer) -> bool:
    """Tell whether a linear layer leads to another one: a max pooling between them would be nonlinear."""
    if isinstance(model, Mlp):
        return bool(model.hidden)
    if model.head.hidden:
        return True
    return isinstance(model, Cnn) and any(block.convolutions > 1 or block.pooling != "max" for block in model.blocks)


def _linear_pairs(model: Model) -> Iterator[tuple[str, str]]:
    """Yield (pointer, type) of linear layers whose outputs reach the next weighted layer unchanged."""
    open_layer: tuple[str, str] | None = None
    for pointer, layer in layers(model):
        if layer.type in {"dense", "conv1d", "conv2d"}:
            if open_layer is not None:
                yield open_layer
            open_layer = (pointer, layer.type) if getattr(layer, "activation", "") == "linear" else None
        elif not layer.type.endswith("dropout") and layer.type not in {"flatten", "reshape", "batch_normalization"}:
            open_layer = None


class DeepSaturating(Rule):
    """Many saturating layers follow each other without normalization.

    What it checks:
        More than four hidden layers with sigmoid, tanh or softsign, no normalization.

    Why it fails:
        Each layer shrinks the gradient (sigmoid by at least four): the first ones learn next to nothing.

    Evidence:
        Glorot & Bengio 2010.

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
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Count the saturating layers."""
        model, traits = case.spec.model, case.traits
        if traits.normalized or not isinstance(model, Cnn | Mlp):
            deep = [] if traits.normalized else [layer for _, layer in layers(model) if getattr(layer, "activation", "") in _SATURATING]
            saturating = [layer for layer in deep if layer.type in {"dense", "conv1d", "conv2d"}]
            if len(saturating) > 4:
                yield Violation("/model/layers", f"{len(saturating)} layers saturate one after the other; use relu, or batch normalization")
        elif model.activation in _SATURATING and traits.weighted > 4:
            fix = Suggestion("/model/activation", "relu")
            told = f"{traits.weighted} hidden layers with {model.activation} and no normalization"
            message = f"{told}: the first ones get next to no gradient; write 'relu'"
            yield Violation("/model/activation", message, suggestion=fix)


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


class FeatureMapCollapses(Rule):
    """The picture shrinks to nothing inside the model.

    What it checks:
        The shape of every layer's output, as Keras computes it: an axis falls below one.

    Why it fails:
        Keras refuses to build the model.

    Evidence:
        Arithmetic of windows without padding, floor((n - k) / s) + 1; the same that keras/src/ops/operation_utils.py computes.
        NeuraLint's too-much-pooling rule.

    When to ignore:
        Never.
    """

    code = "NET004"
    name = "feature-map-collapses"
    severity = Severity.ERROR
    reads = MODEL_SHAPE
    VALID = (Valid({"model": {"blocks": [{"filters": 8, "padding": "valid", "dropout": 0.1}] * 3}}),)
    INVALID = (
        Invalid({"model": {"blocks": [{"filters": 8, "dropout": 0.1}] * 6}}, "/model/blocks/4", "leaves nothing of 1 x 1", fix=None),
        Invalid(
            {"model": {"blocks": [{"filters": 8, "kernel": 31, "padding": "valid", "dropout": 0.1}]}},
            "/model/blocks/0",
            "leaves nothing of 28 x 28",
            fix="same",
            fix_at="/model/blocks/0/padding",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Ask where building stopped."""
        collapse = None if case.shapes is None else case.shapes.obstacle
        if collapse is None or collapse.kind != "collapse":
            return
        size = " x ".join(number(axis) for axis in collapse.input_shape[:-1])
        told = f"{collapse.layer} leaves nothing of {size}"
        if "Pooling" in collapse.layer:
            fix = Suggestion(f"{collapse.pointer}/pooling", None)
            yield Violation(collapse.pointer, f"{told}; pool less often: write pooling null here", suggestion=fix)
        else:
            fix = Suggestion(f"{collapse.pointer}/padding", "same")
            yield Violation(collapse.pointer, f"{told}; write padding 'same'", suggestion=fix)


class InputDoesNotFitModel(Rule):
    """A layer gets a shape that it cannot take.

    What it checks:
        A `cnn` or `transfer` model gets (height, width, channels); every explicit layer gets as many axes as it needs; what is added,
        concatenated or reshaped goes together; every axis of `input_shape` is above zero.

    Why it fails:
        Keras refuses to build the model.

    Evidence:
        The checks of Keras' own `build` and `compute_output_shape` (keras/src/layers); a test holds ours to real Keras.

    When to ignore:
        Never.
    """

    code = "NET005"
    name = "input-does-not-fit-layer"
    severity = Severity.ERROR
    reads = ("/dataset/type", *MODEL_SHAPE)
    VALID = (Valid({"dataset": {"input_shape": [28, 28, 1]}}),)
    INVALID = (
        Invalid({"dataset": {"input_shape": [28, 28]}}, "/dataset/input_shape", "height, width, channels", fix=[28, 28, 1]),
        Invalid({"dataset": {"input_shape": [0]}}, "/dataset/input_shape", "above 0", onto="table"),
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "lstm", "units": 8},
                        {"type": "lstm", "units": 8},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/model/layers/1",
            "(steps, features)",
            onto="layers",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the shape with the type of model, then ask where building stopped."""
        pointer, written = "/dataset/input_shape", case.spec.dataset.input_shape
        if written is not None and any(axis is not None and axis < 1 for axis in written):
            yield Violation(pointer, f"input_shape {list(written)} has to be above 0 along every axis")
            return
        shape = case.input_shape
        if shape is not None and isinstance(case.spec.model, Cnn | Transfer) and len(shape) != _IMAGE_AXES:
            fix = Suggestion(pointer, [*shape, 1]) if len(shape) == _IMAGE_AXES - 1 else None
            advice = f"; write {[*shape, 1]}" if fix else "; use an mlp for tables"
            told = f"a {case.spec.model.type} takes samples of (height, width, channels), not of {list(shape)}"
            yield Violation(pointer if case.wrote(pointer) else "/model", f"{told}{advice}", suggestion=fix)
            return
        obstacle = None if case.shapes is None else case.shapes.obstacle
        if obstacle is not None and obstacle.kind in {"rank", "join"}:
            yield Violation(obstacle.pointer, f"{obstacle.layer} cannot take {list(obstacle.input_shape)}: {obstacle.reason}")


class SizeNotPositive(Rule):
    """A layer has a size of zero or less.

    What it checks:
        Units, filters, kernels, strides, pool sizes and repetitions of every layer are at least 1.

    Why it fails:
        Keras refuses to build the model.

    Evidence:
        Definition.

    When to ignore:
        Never; leave the layer out instead.
    """

    code = "NET006"
    name = "layer-size-not-positive"
    severity = Severity.ERROR
    reads = ("/model",)
    VALID = (Valid({"model": {"hidden": [1]}}, onto="table"),)
    INVALID = (
        Invalid({"model": {"hidden": [32, 0]}}, "/model/hidden/1", "at least 1", onto="table"),
        Invalid({"model": {"blocks": [{"filters": 0, "dropout": 0.1}]}}, "/model/blocks/0/filters", "at least 1"),
        Invalid({"model": {"layers": [{"type": "dense", "units": -4}]}}, "/model/layers/0/units", "at least 1", onto="layers"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at every size of every layer."""
        for pointer, value in self._sizes(case.spec.model):
            if value < 1:
                yield Violation(
                    pointer, f"{pointer.rsplit('/', 1)[-1] if not pointer[-1].isdigit() else 'units'} {value} has to be at least 1"
                )

    @staticmethod
    def _sizes(model: Model) -> Iterator[tuple[str, int]]:
        parts: list[tuple[str, object]] = list(layers(model))
        head = getattr(model, "head", None)
        place = "/model" if head is None else "/model/head"
        yield from ((f"{place}/hidden/{index}", units) for index, units in enumerate(getattr(head or model, "hidden", ())))
        parts += [(f"/model/blocks/{index}", block) for index, block in enumerate(getattr(model, "blocks", ()))]
        output = getattr(model, "output", None)
        parts += [] if output is None else [("/model/output", output)]
        for pointer, part in parts:
            for field in _SIZES:
                value = getattr(part, field, None)
                sizes = value if isinstance(value, tuple) else () if value is None else (value,)
                if sizes and min(sizes) < 1:
                    yield f"{pointer}/{field}", min(sizes)


class GiantFlatten(Rule):
    """Nearly all weights sit in the one layer behind a flatten.

    What it checks:
        The dense layer after `flatten` has more than 90 % of the parameters and more than 20 million of them.

    Why it fails:
        It costs memory and overfits, while the convolutions before it are small.

    Evidence:
        Lin et al. 2014, arXiv 1312.4400, replaced it by global average pooling; hence a suggestion only.

    When to ignore:
        When places in the picture matter.
    """

    code = "NET007"
    name = "giant-flatten"
    severity = Severity.INFO
    reads = MODEL_SHAPE
    VALID = (Valid({"model": {"head": {"pooling": "flatten"}}}),)
    INVALID = (
        Invalid(
            {"dataset": {"input_shape": [256, 256, 3]}, "model": {"head": {"pooling": "flatten", "hidden": [512]}}},
            "/model/head/pooling",
            "of the parameters",
            fix="global_average",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the layer after a flatten."""
        shapes = case.shapes
        if shapes is None or shapes.parameters <= 20_000_000:
            return
        for before, layer in pairwise(shapes.layers):
            share = layer.parameters / shapes.parameters
            if before.kind == "Flatten" and layer.parameters > 20_000_000 and share > 0.9:
                at = "/model/head/pooling"
                fix = Suggestion(at, "global_average") if case.wrote(at) else None
                message = f"the layer after flatten has {percent(share)} of the parameters ({layer.parameters / 1e6:.0f} million)"
                advice = "; global average pooling would make it small"
                yield Violation(at if fix else layer.pointer, message + advice, suggestion=fix)


RULES = (
    NoHiddenNonlinearity(),
    DeepSaturating(),
    MisplacedLayer(),
    FeatureMapCollapses(),
    InputDoesNotFitModel(),
    SizeNotPositive(),
    GiantFlatten(),
)
