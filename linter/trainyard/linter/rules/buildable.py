"""Whether Keras would build the model: sizes, shapes that fit each other, layers that exist."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.pictures import turned
from trainyard.linter.rules.rule import MODEL_SHAPE, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.traits import layers
from trainyard.linter.rules.wording import number, percent
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Cnn, Model, Transfer

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
        if collapse is None or collapse.kind != "collapse" or turned(case) is not None:
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
        A `cnn` or `transfer` model gets (height, width, channels), in this order; every explicit layer gets as many axes as it needs;
        what is added, concatenated or reshaped goes together; every axis of `input_shape` is above zero.

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
            for field in _size_fields(getattr(part, "_fields", ())):
                value = getattr(part, field)
                sizes = value if isinstance(value, tuple) else () if value is None else (value,)
                if sizes and min(sizes) < 1:
                    yield f"{pointer}/{field}", min(sizes)


@cache
def _size_fields(fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return which fields of a part of a model are sizes."""
    return tuple(field for field in fields if field in _SIZES)


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


class EmbeddingTooSmall(Rule):
    """There are more tokens than the embedding has vectors.

    What it checks:
        An embedding's `input_dim` against the declared vocabulary, and against the largest declared or read input.

    Why it fails:
        A token beyond the table is an error on a processor, and on a GPU silently the vector of another token or zeros.

    Evidence:
        Keras' documentation of Embedding: input_dim is the largest index plus 1. TensorFlow's gather returns zeros on a GPU for an index
        out of range (tensorflow/python/ops/array_ops.py).

    When to ignore:
        Never; declare the vocabulary that remains when rare tokens were replaced.
    """

    code = "NET012"
    name = "embedding-smaller-than-vocabulary"
    severity = Severity.ERROR
    reads = ("/model", "/dataset/facts/sequence", "/dataset/facts/input_range")
    optional = ("/dataset/facts/sequence", "/dataset/facts/input_range")
    VALID = (
        Valid(
            {
                "dataset": {"input_shape": [64], "scaling": "none", "facts": {"sequence": {"vocabulary": 1000}}},
                "model": {
                    "layers": [
                        {"type": "embedding", "input_dim": 1000, "output_dim": 8},
                        {"type": "global_average_pooling1d"},
                        {"type": "dropout", "rate": 0.2},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                },
            },
            onto="layers",
        ),
    )
    INVALID = (
        Invalid(
            {
                "dataset": {"input_shape": [64], "scaling": "none", "facts": {"sequence": {"vocabulary": 30000}}},
                "model": {
                    "layers": [
                        {"type": "embedding", "input_dim": 20000, "output_dim": 8},
                        {"type": "global_average_pooling1d"},
                        {"type": "dropout", "rate": 0.2},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                },
            },
            "/model/layers/0/input_dim",
            "20,000 vectors",
            fix=30000,
            onto="layers",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the first embedding with what is known of the tokens."""
        tokens = self._tokens(case)
        placed = next(iter(case.layers), None)
        if tokens is None or placed is None or placed[1].type != "embedding":
            return
        pointer, size = f"{placed[0]}/input_dim", getattr(placed[1], "input_dim", tokens)
        if 0 < size < tokens:
            message = f"the embedding has {number(size)} vectors for {number(tokens)} tokens; write {number(tokens)}"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, tokens))

    @staticmethod
    def _tokens(case: Case) -> int | None:
        facts = case.spec.dataset.facts
        if facts.sequence is not None and facts.sequence.vocabulary is not None:
            return facts.sequence.vocabulary
        highest = None if facts.input_range is None else facts.input_range.max
        if highest is None and case.facts is not None and case.facts.input_range is not None:
            highest = case.facts.input_range[1]
        return int(highest) + 1 if highest is not None and highest < 2**31 else None


class UnknownBackboneLayer(Rule):
    """Training is to start from a layer that the backbone does not have.

    What it checks:
        The layer named by `trainable` of a transfer model, and of its stages, against the backbone's own; the last n layers are at least
        one.

    Why it fails:
        It is not clear which layers learn, so nothing is trained.

    Evidence:
        The table of layers comes from Keras Applications itself, by a script; a test holds it to Keras.

    When to ignore:
        Never.
    """

    code = "NET008"
    name = "unknown-backbone-layer"
    severity = Severity.ERROR
    reads = ("/model", "/training/stages")
    VALID = (Valid({"model": {"trainable": {"from": "block_16_expand"}}, "optimizer": {"learning_rate": 1e-5}}, onto="transfer"),)
    INVALID = (
        Invalid(
            {"model": {"trainable": {"from": "block16_expand"}}},
            "/model/trainable",
            "'block_16_expand'",
            fix={"from": "block_16_expand"},
            onto="transfer",
        ),
        Invalid({"model": {"trainable": {"last": 0}}}, "/model/trainable", "at least one", fix="none", onto="transfer"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look the layer up."""
        model = case.spec.model
        if not isinstance(model, Transfer):
            return
        wanted = [("/model/trainable", model.trainable)]
        wanted += [(f"/training/stages/{index}/trainable", stage.trainable) for index, stage in enumerate(case.spec.training.stages)]
        for pointer, trainable in wanted:
            if not isinstance(trainable, dict):
                continue
            last, first = trainable.get("last"), trainable.get("from")
            if isinstance(last, int) and last < 1:
                message = f"the last {last} layers are none; write at least one, or 'none'"
                yield Violation(pointer, message, suggestion=Suggestion(pointer, "none"))
            if isinstance(first, str):
                yield from self._named(pointer, model.backbone, first)

    @staticmethod
    def _named(pointer: str, backbone: str, name: str) -> Iterator[Violation]:
        from trainyard.linter.shapes.transfer import backbone as look_up

        names = [layer.name for layer in look_up(backbone).layers]
        if name in names:
            return
        from difflib import get_close_matches

        close = get_close_matches(name, names, n=1, cutoff=0.6)
        fix = Suggestion(pointer, {"from": close[0]}) if close else None
        advice = f"; did you mean '{close[0]}'?" if close else f"; its layers begin with '{names[1]}' and end with '{names[-1]}'"
        yield Violation(pointer, f"{backbone} has no layer '{name}'{advice}", suggestion=fix)


RULES = (
    FeatureMapCollapses(),
    InputDoesNotFitModel(),
    SizeNotPositive(),
    GiantFlatten(),
    UnknownBackboneLayer(),
    OutputsNotFlat(),
    EmbeddingTooSmall(),
)
