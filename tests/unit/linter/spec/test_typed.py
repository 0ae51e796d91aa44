from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trainyard.linter import spec as language
from trainyard.linter.spec.model.architecture import Cnn, ConvBlock, Head, Output
from trainyard.linter.spec.model.dataset import Part, SampleCount, SplitSamples
from trainyard.linter.spec.model.layers import Conv
from trainyard.linter.spec.model.optimizer import Sgd
from trainyard.linter.spec.model.scheduler import Constant, Cosine
from trainyard.linter.spec.model.units import Length
from trainyard.linter.spec.model.weights import Orthogonal

Made = Callable[..., dict[str, Any]]


def typed(spec: dict[str, Any]) -> Any:
    return language.typed(language.resolve(spec))


def test_a_section_is_the_class_of_its_type(minimal: Made) -> None:
    spec = typed(minimal(optimizer={"type": "sgd"}, scheduler=[{"type": "constant"}, {"type": "cosine"}]))
    assert spec.optimizer == Sgd("sgd", 0.01, 0.9, True, None, None, None, None)
    assert [type(schedule) for schedule in spec.scheduler] == [Constant, Cosine]


def test_lists_are_tuples_and_sections_are_nested(minimal: Made) -> None:
    model = {"type": "cnn", "blocks": [{"filters": 8}], "head": {"hidden": [4]}, "output": {"units": 2}}
    assert typed(minimal(model=model)).model == Cnn(
        "cnn",
        (ConvBlock(8, (3, 3), 1, 1, "same", False, "max", 2, 0.0),),
        Head("global_average", (4,), False, (0.0,)),
        "relu",
        Output(2, "softmax", True),
        None,
    )


def test_of_a_choice_of_units_the_others_are_none(minimal: Made) -> None:
    spec = typed(minimal(scheduler={"type": "cosine", "warmup": {"steps": 500}}))
    assert spec.scheduler[0].warmup == Length(None, 500)
    assert spec.scheduler[0].t_max == Length(50, None)
    assert spec.dataset.split.validation == Part(0.15, None, None)


def test_declared_samples_are_a_count_or_a_count_per_part(minimal: Made) -> None:
    dataset = minimal()["dataset"]
    counted = typed(minimal(dataset=dataset | {"facts": {"samples": {"at_least": 5}}}))
    parted = typed(minimal(dataset=dataset | {"facts": {"samples": {"train": 60, "test": {"at_most": 9}}}}))
    assert counted.dataset.facts.samples == SampleCount(None, 5, None)
    assert parted.dataset.facts.samples == SplitSamples(SampleCount(60, None, None), None, SampleCount(None, None, 9))


def test_explicit_layers_carry_their_initializers(minimal: Made) -> None:
    layer = {"type": "conv2d", "filters": 4, "kernel_size": [3, 5], "kernel_initializer": "orthogonal"}
    built = typed(minimal(model={"type": "sequential", "layers": [layer]})).model.layers[0]
    assert isinstance(built, Conv)
    assert built.kernel_size == (3, 5)
    assert built.kernel_initializer == Orthogonal("orthogonal", 1.0)
    assert built.bias_initializer == "zeros"


def test_trainable_layers_are_a_word_or_an_object(minimal: Made) -> None:
    for trainable in ("all", {"last": 20}, {"from": "conv5_block1_1_conv"}):
        assert typed(minimal(model={"type": "transfer", "backbone": "resnet50", "trainable": trainable})).model.trainable == trainable


def test_suppressions_are_called_lint(minimal: Made) -> None:
    spec = typed(minimal(**{"$lint": [{"rule": "LR001", "reason": "a linear probe"}]}))
    assert [tuple(each) for each in spec.lint] == [("LR001", None, "a linear probe")]


def test_every_member_of_every_union_is_built(writer: Callable[[int], Any]) -> None:
    built = {type(each).__name__ for seed in range(1200) for each in below(typed(writer(seed).spec()))}
    assert {"DepthwiseConv", "Lstm", "MinMaxNorm", "Tversky", "SpecificityAtSensitivity", "CutMix", "OneCycle", "Graph"} <= built


def below(value: object) -> Any:
    if isinstance(value, tuple):
        yield value
        for member in value:
            yield from below(member)
