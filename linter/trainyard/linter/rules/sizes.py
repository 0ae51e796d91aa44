"""What a layer needs to be built: sizes above zero, a vector for each token, a name that the backbone has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.traits import layers
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Model, Transfer

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


class EmbeddingTooSmall(Rule):
    """There are tokens for which the embedding has no vector.

    What it checks:
        An embedding's `input_dim` against the declared vocabulary, and against the largest declared or read input; the lowest against 0.

    Why it fails:
        A token beyond the table, or below it, is an error or silently the vector of another token or zeros, as the device has it.

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
        Invalid(
            {
                "dataset": {"input_shape": [64], "scaling": "none", "facts": {"input_range": {"min": -1, "max": 999}}},
                "model": {
                    "layers": [
                        {"type": "embedding", "input_dim": 1000, "output_dim": 8},
                        {"type": "global_average_pooling1d"},
                        {"type": "dropout", "rate": 0.2},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                },
            },
            "/model/layers/0",
            "down to -1",
            onto="layers",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the first embedding with what is known of the tokens."""
        tokens, lowest = self._tokens(case), self._lowest(case)
        placed = next(iter(case.layers), None)
        if placed is None or placed[1].type != "embedding":
            return
        if lowest is not None and lowest < 0:
            message = f"the inputs go down to {number(lowest)}, and an embedding's vectors begin with token 0; number the tokens from 0"
            yield Violation(placed[0], message)
        if tokens is None:
            return
        pointer, size = f"{placed[0]}/input_dim", getattr(placed[1], "input_dim", tokens)
        if 0 < size < tokens:
            message = f"the embedding has {number(size)} vectors for {number(tokens)} tokens; write {number(tokens)}"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, tokens))

    @staticmethod
    def _lowest(case: Case) -> float | None:
        declared = case.spec.dataset.facts.input_range
        if declared is not None and declared.min is not None:
            return declared.min
        return case.facts.input_range[0] if case.facts is not None and case.facts.input_range is not None else None

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


RULES = (SizeNotPositive(), UnknownBackboneLayer(), EmbeddingTooSmall())
