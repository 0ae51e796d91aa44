from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trainyard.linter import spec as language
from trainyard.linter.spec import bundle
from trainyard.linter.spec.nodes import DERIVED

Made = Callable[..., dict[str, Any]]


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for member in value.values():
            yield from leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from leaves(member)
    else:
        yield value


@pytest.mark.parametrize("block", range(4))
def test_any_spec_resolves_to_a_complete_one_that_means_the_same(writer: Callable[[int], Any], block: int) -> None:
    for seed in range(block * 250, (block + 1) * 250):
        written = writer(seed).spec()
        before = copy.deepcopy(written)
        resolved = language.resolve(written)
        assert written == before
        assert not any(fault.code != "SPEC007" for fault in language.check(resolved)), (seed, language.check(resolved))
        assert language.resolve(resolved) == resolved
        assert DERIVED not in list(leaves(resolved))
        assert json.loads(json.dumps(resolved)) == resolved
        typed = language.typed(resolved)
        assert language.typed(language.resolve(resolved)) == typed


def test_whatever_is_left_of_a_partial_spec_resolves(writer: Callable[[int], Any]) -> None:
    resolved_ones = 0
    for seed in range(1500):
        author = writer(seed)
        partial = author.broken(author.spec())
        if not any(fault.severity >= 3 for fault in language.check(partial, partial=True)):
            language.typed(language.resolve(partial))
            resolved_ones += 1
    assert resolved_ones > 100
    assert language.typed(language.resolve({})).model is None


def test_two_resolved_specs_share_nothing_that_can_change(minimal: Made) -> None:
    one, other = language.resolve(minimal()), language.resolve(minimal())
    one["callbacks"]["early_stopping"]["patience"] = 99
    one["metrics"].append("x")
    one["experiment"]["tags"].append("x")
    one["scheduler"][0]["type"] = "x"
    assert other == language.resolve(minimal())


def test_keys_stand_in_the_order_of_the_schema(minimal: Made) -> None:
    resolved = language.resolve(minimal(optimizer={"epsilon": 1e-8, "type": "adam"}))
    assert list(resolved["optimizer"]) == list(bundle.definition("Adam")["properties"])
    assert list(resolved)[:4] == ["version", "experiment", "task", "dataset"]


@pytest.mark.parametrize(
    "written,place,meant",
    [
        ({"dataset": {"split": {"validation": 0.2}}}, "dataset/split/validation", {"fraction": 0.2}),
        ({"dataset": {"split": {"validation": "held/out"}}}, "dataset/split/validation", {"path": "held/out"}),
        ({"dataset": {"split": {"test": {"samples": 40}}}}, "dataset/split/test", {"samples": 40}),
        ({"dataset": {"split": {"test": None}}}, "dataset/split/test", None),
        ({"dataset": {"facts": {"samples": 9339}}}, "dataset/facts/samples", {"exactly": 9339}),
        ({"dataset": {"facts": {"samples": {"at_least": 10}}}}, "dataset/facts/samples", {"at_least": 10}),
        (
            {"dataset": {"facts": {"samples": {"train": 60}}}},
            "dataset/facts/samples",
            {"train": {"exactly": 60}, "validation": None, "test": None},
        ),
        ({"metrics": ["auc"]}, "metrics/0/curve", "roc"),
        ({"metrics": ["f1"]}, "metrics/0/average", "macro"),
        ({"scheduler": {"type": "cosine"}}, "scheduler/0/t_max", {"epochs": 50}),
        ({"scheduler": [{"type": "step"}]}, "scheduler/0/size", {"epochs": 30}),
        ({"scheduler": {"type": "step", "milestones": [{"epochs": 3}]}}, "scheduler/0/size", None),
        ({"scheduler": {"type": "exponential"}}, "scheduler/0/rate", 0.95),
        ({"scheduler": {"type": "polynomial", "warmup": {"epochs": 5}}}, "scheduler/0/length", {"epochs": 95}),
        ({"scheduler": {"type": "one_cycle"}}, "scheduler/0/length", None),
        ({"callbacks": {"on_divergence": "roll_back"}}, "callbacks/on_divergence", {"action": "roll_back", "times": 2, "factor": 0.5}),
        ({"callbacks": {"tensorboard": None}}, "callbacks/tensorboard", False),
        ({"callbacks": {"early_stopping": None}}, "callbacks/early_stopping", None),
        ({"callbacks": {"early_stopping": {}}}, "callbacks/early_stopping/patience", 10),
        ({"augmentation": "none"}, "augmentation", []),
        ({}, "augmentation", []),
        ({"training": {"epochs": 10.0}}, "training/epochs", 10),
        ({"experiment": {"seed": 7}}, "dataset/split/seed", 7),
    ],
)
def test_a_shorthand_or_a_default_is_spelt_out(minimal: Made, written: dict[str, Any], place: str, meant: object) -> None:
    if "dataset" in written:
        written = {"dataset": minimal()["dataset"] | written["dataset"]}
    assert at(language.resolve(minimal(**written)), place) == meant


@pytest.mark.parametrize("preset", ["light", "medium", "heavy"])
def test_a_preset_is_spelt_out_as_the_schema_says(minimal: Made, preset: str) -> None:
    presets = bundle.definition("augmentation")["x-presets"]
    spelt = language.resolve(minimal(augmentation=preset))["augmentation"]
    assert [transform["type"] for transform in spelt] == [transform["type"] for transform in presets[preset]]
    assert spelt == language.resolve(minimal(augmentation=presets[preset]))["augmentation"]


def test_the_light_preset_never_flips_or_rotates(minimal: Made) -> None:
    types = {transform["type"] for transform in language.resolve(minimal(augmentation="light"))["augmentation"]}
    assert types == {"random_translation", "random_contrast", "gaussian_noise"}


@pytest.mark.parametrize(
    "type_,expected",
    [
        ("conv1d", {"kernel_size": [3], "strides": [1], "dilation_rate": [1]}),
        ("conv2d", {"kernel_size": [3, 3], "strides": [1, 1], "dilation_rate": [1, 1]}),
    ],
)
def test_one_number_stands_for_every_axis(minimal: Made, type_: str, expected: dict[str, Any]) -> None:
    layer = {"type": type_, "filters": 4, "kernel_size": 3}
    resolved = language.resolve(minimal(model={"type": "sequential", "layers": [layer]}))["model"]["layers"][0]
    assert {key: resolved[key] for key in expected} == expected


@pytest.mark.parametrize(
    "written,blocks,head",
    [
        ({"dropout": {"conv": 0.25, "dense": 0.5}}, [0.25, 0.25], [0.5]),
        ({"dropout": {"conv": [0.1, 0.2]}}, [0.1, 0.2], [0.0]),
        ({"dropout": {"conv": 0.25}, "blocks": [{"filters": 4, "dropout": 0.4}, {"filters": 8}]}, [0.4, 0.25], [0.0]),
        ({"dropout": {"dense": 0.5}, "head": {"hidden": [8, 4], "dropout": [0.1, 0.2]}}, [0.0, 0.0], [0.1, 0.2]),
        ({"dropout": {"dense": 0.5}, "head": {"hidden": []}}, [0.0, 0.0], [0.5]),
        ({"head": {"hidden": []}}, [0.0, 0.0], []),
        ({}, [0.0, 0.0], [0.0]),
    ],
)
def test_dropout_reaches_each_block_and_each_layer_of_the_head(
    minimal: Made, written: dict[str, Any], blocks: list[float], head: list[float]
) -> None:
    model = {"type": "cnn", "blocks": [{"filters": 4}, {"filters": 8}], "head": {"hidden": [16]}} | written
    resolved = language.resolve(minimal(model=model))["model"]
    assert [block["dropout"] for block in resolved["blocks"]] == blocks
    assert resolved["head"]["dropout"] == head
    assert "dropout" not in resolved


@pytest.mark.parametrize(
    "dataset,model,scaling",
    [
        ({"type": "image_directory", "path": "a"}, None, "unit"),
        ({"type": "image_directory", "path": "a"}, {"type": "transfer", "backbone": "vgg16"}, "preprocess_input"),
        ({"type": "npz", "path": "a"}, None, "none"),
        ({"type": "csv", "path": "a", "target": "y"}, None, "standardize"),
        ({"type": "parquet", "path": "a", "target": "y"}, None, "standardize"),
    ],
)
def test_scaling_follows_data_and_model(minimal: Made, dataset: dict[str, Any], model: dict[str, Any] | None, scaling: str) -> None:
    sections = {"dataset": dataset} | ({} if model is None else {"model": model})
    assert language.resolve(minimal(**sections))["dataset"]["scaling"] == scaling


@pytest.mark.parametrize(
    "categorical,shape",
    [([], [2]), (["a"], None)],
)
def test_a_table_of_numbers_has_as_many_inputs_as_features(minimal: Made, categorical: list[str], shape: list[int] | None) -> None:
    dataset = {"type": "csv", "path": "t.csv", "target": "y", "features": ["a", "b"], "categorical": categorical}
    assert language.resolve(minimal(dataset=dataset))["dataset"]["input_shape"] == shape


@pytest.mark.parametrize(
    "task,split,method",
    [
        ("classification", {}, "stratified"),
        ("regression", {}, "random"),
        ("multilabel", {}, "random"),
        ("classification", {"group": "patient"}, "group"),
        ("classification", {"method": "tail"}, "tail"),
    ],
)
def test_the_split_follows_the_task(minimal: Made, task: str, split: dict[str, Any], method: str) -> None:
    dataset = minimal()["dataset"] | {"split": split}
    assert language.resolve(minimal(task=task, dataset=dataset))["dataset"]["split"]["method"] == method


def test_without_a_validation_part_the_training_loss_is_watched(minimal: Made) -> None:
    dataset = minimal()["dataset"] | {"split": {"validation": None}}
    resolved = language.resolve(minimal(dataset=dataset, scheduler={"type": "reduce_on_plateau"}))
    watchers = [*resolved["scheduler"], resolved["callbacks"]["early_stopping"], resolved["callbacks"]["checkpoint"]]
    assert [(watcher["monitor"], watcher["mode"]) for watcher in watchers] == [("loss", "min")] * 3


@pytest.mark.parametrize(
    "monitor,metrics,mode",
    [
        ("val_loss", [], "min"),
        ("val_accuracy", ["accuracy"], "max"),
        ("val_mean_absolute_error", ["mean_absolute_error"], "min"),
        ("val_mine", [{"type": "poisson", "name": "mine"}], "min"),
        ("val_mine", [{"type": "auc", "name": "mine"}], "max"),
        ("my_own_loss", [], "min"),
    ],
)
def test_the_mode_follows_what_is_watched(minimal: Made, monitor: str, metrics: list[Any], mode: str) -> None:
    resolved = language.resolve(minimal(metrics=metrics, callbacks={"checkpoint": {"monitor": monitor}}))
    assert resolved["callbacks"]["checkpoint"]["mode"] == mode


@pytest.mark.parametrize(
    "precision,scale",
    [("mixed_float16", "dynamic"), ("float16", None), ("float32", None), ("mixed_bfloat16", None)],
)
def test_only_mixed_half_precision_scales_its_loss_by_default(minimal: Made, precision: str, scale: str | None) -> None:
    assert language.resolve(minimal(training={"precision": precision}))["training"]["loss_scale"] == scale


@pytest.mark.parametrize(
    "written,method",
    [({}, "balanced"), ({"weights": {"a": 2}}, "explicit"), ({"method": "effective_number"}, "effective_number")],
)
def test_written_class_weights_are_used(minimal: Made, written: dict[str, Any], method: str) -> None:
    assert language.resolve(minimal(imbalance={"type": "class_weights"} | written))["imbalance"]["method"] == method


def test_a_layer_of_a_graph_takes_from_the_one_before(minimal: Made) -> None:
    nodes = [{"name": name, "layer": {"type": "flatten"}} for name in "abc"]
    nodes[2]["inputs"] = ["a", "b"]
    resolved = language.resolve(minimal(model={"type": "graph", "layers": nodes}))["model"]["layers"]
    assert [node["inputs"] for node in resolved] == [["input"], ["a"], ["a", "b"]]


def test_an_initializer_without_parameters_stays_a_word_and_one_with_parameters_becomes_an_object(minimal: Made) -> None:
    layers = [{"type": "dense", "units": 2, "kernel_initializer": name} for name in ("he_normal", "orthogonal")]
    resolved = language.resolve(minimal(model={"type": "sequential", "layers": layers}))["model"]["layers"]
    assert [layer["kernel_initializer"] for layer in resolved] == ["he_normal", {"type": "orthogonal", "gain": 1.0}]


def test_keys_without_effect_are_left_out(minimal: Made) -> None:
    assert "momentum" not in language.resolve(minimal(optimizer={"type": "adam", "momentum": 0.9}))["optimizer"]


@pytest.mark.parametrize(
    "pointer,written",
    [
        ("/optimizer", True),
        ("/optimizer/type", True),
        ("/optimizer/beta_1", False),
        ("/callbacks/early_stopping", True),
        ("/callbacks/early_stopping/patience", False),
        ("/metrics/0", True),
        ("/metrics/1", False),
        ("/a~1b~0c", True),
        ("", True),
    ],
)
def test_what_the_author_wrote_is_told_from_defaults(pointer: str, written: bool) -> None:
    spec = {"optimizer": {"type": "adam"}, "callbacks": {"early_stopping": None}, "metrics": ["auc"], "a/b~c": 1}
    assert language.wrote(spec, pointer) is written


def at(value: Any, place: str) -> Any:
    for token in place.split("/"):
        value = value[int(token)] if isinstance(value, list) else value[token]
    return value
