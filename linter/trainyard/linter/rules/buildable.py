"""Whether Keras would build the model: sizes, shapes that fit each other, layers that exist."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.pictures import turned
from trainyard.linter.rules.rule import MODEL_SHAPE, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import number, percent
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Cnn, Transfer

if TYPE_CHECKING:
    from trainyard.linter.shapes import Obstacle

_IMAGE_AXES = 3


class FeatureMapCollapses(Rule):
    """The picture shrinks to nothing inside the model.

    What it checks:
        The shape of every layer's output, as Keras computes it: an axis falls below one. Pictures smaller than a backbone takes.

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
        Invalid(
            {"dataset": {"input_shape": [28, 40, 3]}, "model": {"backbone": "resnet50"}},
            "/dataset/input_shape",
            "resnet50 takes pictures of 32 x 32 or more, not of 28 x 40",
            fix=[32, 40, 3],
            onto="transfer",
        ),
        Invalid(
            {
                "dataset": {"type": "npz", "path": "x.npz", "input_shape": [28, 28, 3], "facts": {"classes": 2}},
                "model": {"backbone": "resnet50"},
            },
            "/model/backbone",
            "enlarge them before",
            onto="transfer",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Ask where building stopped."""
        collapse = None if case.shapes is None else case.shapes.obstacle
        if collapse is None or collapse.kind != "collapse" or turned(case) is not None:
            return
        size = " x ".join(number(axis) for axis in collapse.input_shape[:-1])
        told = f"{collapse.layer} leaves nothing of {size}"
        if isinstance(case.spec.model, Transfer):
            yield _too_small(case, case.spec.model, size, collapse)
        elif "Pooling" in collapse.layer:
            fix = Suggestion(f"{collapse.pointer}/pooling", None)
            yield Violation(collapse.pointer, f"{told}; pool less often: write pooling null here", suggestion=fix)
        else:
            fix = Suggestion(f"{collapse.pointer}/padding", "same")
            yield Violation(collapse.pointer, f"{told}; write padding 'same'", suggestion=fix)


def _too_small(case: Case, model: Transfer, size: str, collapse: Obstacle) -> Violation:
    """Return what is said of pictures that a backbone cannot take: a folder's are brought to any size, an archive's are as they are."""
    from trainyard.linter.shapes.transfer import backbone

    least, place = backbone(model.backbone).smallest, "/dataset/input_shape"
    told = f"{model.backbone} takes pictures of {least} x {least} or more, not of {size}"
    channels = 3 if model.weights == "imagenet" else collapse.input_shape[-1]
    shape = [*(max(least, axis or least) for axis in collapse.input_shape[:-1]), channels]
    if case.spec.dataset.type == "image_directory" and case.wrote(place):
        return Violation(place, f"{told}; write {shape}", suggestion=Suggestion(place, shape))
    return Violation(collapse.pointer, f"{told}; enlarge them before, or take a cnn")


class InputDoesNotFitModel(Rule):
    """A layer gets a shape that it cannot take.

    What it checks:
        A `cnn` or `transfer` model gets (height, width, channels), in this order; every explicit layer gets as many axes as it needs;
        every layer of a graph has a name of its own and takes from layers before it; what is added, concatenated or reshaped goes
        together, and so do the steps and the dilation of a window; what is made for
        matrices (the regularizer `orthogonal`, the initializer `identity`) meets one; a normalization has a mean per feature; every axis of
        `input_shape` is above zero.

    Why it fails:
        Keras refuses to build the model. With the channels first (PyTorch's order) it may build one, of strips of a few pixels.

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
        Invalid({"dataset": {"input_shape": [3, 48, 48]}}, "/dataset/input_shape", "channels first", fix=[48, 48, 3]),
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
        Invalid(
            {
                "dataset": {"input_shape": [16, 3]},
                "model": {
                    "layers": [
                        {"type": "conv1d", "filters": 8, "kernel_size": 3, "strides": 2, "dilation_rate": 2},
                        {"type": "flatten"},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                },
            },
            "/model/layers/0",
            "cannot both be above 1",
            onto="layers",
        ),
        Invalid(
            {"model": {"layers": [{"type": "dense", "units": 4, "activation": "softmax", "bias_regularizer": "orthogonal"}]}},
            "/model/layers/0",
            "takes a matrix",
            onto="layers",
        ),
        Invalid(
            {
                "dataset": {"input_shape": [3]},
                "model": {
                    "layers": [
                        {"type": "normalization", "mean": [0.5, 0.5], "variance": [1, 1]},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                },
            },
            "/model/layers/0",
            "2 means",
            onto="layers",
        ),
        Invalid(
            {
                "model": {
                    "type": "graph",
                    "layers": [
                        {"name": "a", "layer": {"type": "flatten"}},
                        {"name": "a", "layer": {"type": "dense", "units": 4, "activation": "softmax"}},
                    ],
                }
            },
            "/model/layers/1",
            "the name of an earlier layer",
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
        upright = turned(case)
        if upright is not None:
            is_folder = case.spec.dataset.type == "image_directory"
            told = f"pictures are (height, width, channels), and {list(shape or ())} has the channels first"
            advice = f"write {upright}" if is_folder else f"turn the arrays round to {upright}, as `numpy.moveaxis(x, 1, -1)` does"
            fix = Suggestion(pointer, upright) if is_folder else None
            yield Violation(pointer if case.wrote(pointer) else "/dataset", f"{told}; {advice}", suggestion=fix)
            return
        if shape is not None and isinstance(case.spec.model, Cnn | Transfer) and len(shape) != _IMAGE_AXES:
            fix = Suggestion(pointer, [*shape, 1]) if len(shape) == _IMAGE_AXES - 1 else None
            advice = f"; write {[*shape, 1]}" if fix else "; use an mlp for tables"
            told = f"a {case.spec.model.type} takes samples of (height, width, channels), not of {list(shape)}"
            yield Violation(pointer if case.wrote(pointer) else "/model", f"{told}{advice}", suggestion=fix)
            return
        obstacle = None if case.shapes is None else case.shapes.obstacle
        if obstacle is not None and obstacle.kind == "name":
            yield Violation(obstacle.pointer, obstacle.reason)
        elif obstacle is not None and obstacle.kind in {"rank", "join"}:
            yield Violation(obstacle.pointer, f"{obstacle.layer} cannot take {list(obstacle.input_shape)}: {obstacle.reason}")


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
                message = (
                    f"the layer after flatten has {percent(share)} of the parameters ({number(layer.parameters // 1_000_000)} million)"
                )
                advice = "; global average pooling would make it small"
                yield Violation(at if fix else layer.pointer, message + advice, suggestion=fix)


class OutputsNotFlat(Rule):
    """The last layer answers for every place of the sample, and there is one label per sample.

    What it checks:
        The shape of the last layer's output for a classification, a multilabel task, and a regression on the columns of a table: one
        vector.

    Why it fails:
        A dense layer on a feature map works on its channels and keeps height and width: labels and outputs have different shapes, which is
        an error at the first step, or worse, they are stretched to each other.

    Evidence:
        keras/src/layers/core/dense.py (the last axis only). A missing flatten is the fault of posts 38584268, 53119432 and 61030068 in
        NeuraLint's set.

    When to ignore:
        Never; a task with an answer per pixel is no classification of samples.
    """

    code = "NET011"
    name = "outputs-not-flat"
    severity = Severity.ERROR
    reads = ("/dataset/type", *MODEL_SHAPE)
    optional = ("/loss", "/dataset/facts/classes")
    VALID = (Valid({}, onto="layers"),)
    INVALID = (
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "conv1d", "filters": 16, "kernel_size": 3, "activation": "relu"},
                        {"type": "dropout", "rate": 0.2},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/model/layers/2",
            "[62, 4]",
            onto="layers",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the shape of the last output."""
        shapes, spec = case.shapes, case.spec
        one_label = spec.task in {"classification", "multilabel"} or (spec.task == "regression" and spec.dataset.type in {"csv", "parquet"})
        if shapes is None or shapes.obstacle is not None or not shapes.layers or not one_label:
            return
        last = shapes.layers[-1]
        if len(last.output_shape) > 1:
            shape = list(last.output_shape)
            remedy = "global_average_pooling1d" if len(shape) == _IMAGE_AXES - 1 else "global_average_pooling2d"
            message = f"the outputs have the shape {shape}, and a label is one per sample; put flatten or {remedy} before the last layers"
            yield Violation(last.pointer if case.wrote(last.pointer) else "/model", message)


RULES = (
    FeatureMapCollapses(),
    InputDoesNotFitModel(),
    GiantFlatten(),
    OutputsNotFlat(),
)
