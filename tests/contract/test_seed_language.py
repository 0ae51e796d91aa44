"""Every option, default and range of the page that Trainyard grew from is in the language.

Ranges are annotations for editors and sliders and never validation: the rules judge values.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from trainyard.linter import lint


@pytest.fixture(scope="module")
def schema(repository: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((repository / "linter/trainyard/linter/spec/schema/v1.json").read_text(encoding="utf-8"))
    return loaded


def field(schema: dict[str, Any], place: str) -> dict[str, Any]:
    """Return what the schema says of ``Definition.property``: the keywords beside a reference go before the ones behind it."""
    definition, name = place.split(".")
    found: dict[str, Any] = schema["$defs"][definition]["properties"][name]
    if "$ref" in found:
        found = {**schema["$defs"][found["$ref"].rpartition("/")[2]], **found}
    return found


def tags(schema: dict[str, Any], union: str) -> set[str]:
    return set(schema["$defs"][union]["properties"]["type"]["enum"])


@pytest.mark.parametrize(
    "union,named",
    [
        ("Optimizer", {"adam", "adamw", "sgd", "rmsprop"}),
        ("Schedule", {"constant", "reduce_on_plateau", "cosine", "step", "exponential"}),
        ("Imbalance", {"class_weights", "focal", "none"}),
    ],
)
def test_every_choice_of_the_page_is_a_choice_of_the_language(schema: dict[str, Any], union: str, named: set[str]) -> None:
    assert named <= tags(schema, union)


@pytest.mark.parametrize(
    "place,default,usual_range",
    [
        ("Adam.learning_rate", 0.001, [0.0001, 0.01]),
        ("AdamW.learning_rate", 0.001, [0.0001, 0.01]),
        ("RmsProp.learning_rate", 0.001, [0.0001, 0.01]),
        ("Adam.beta_1", 0.9, None),
        ("AdamW.beta_1", 0.9, None),
        ("Adam.beta_2", 0.999, None),
        ("AdamW.beta_2", 0.999, None),
        ("Adam.epsilon", 1e-7, None),
        ("AdamW.epsilon", 1e-7, None),
        ("Sgd.momentum", 0.9, None),
        ("Sgd.nesterov", True, None),
        ("ReduceOnPlateau.factor", 0.5, [0.1, 0.9]),
        ("ReduceOnPlateau.patience", 5, [3, 20]),
        ("ReduceOnPlateau.min_lr", 1e-7, None),
        ("Cosine.t_max", {"epochs": 50}, [10, 100]),
        ("Cosine.eta_min", 0, None),
        ("Training.epochs", 100, [10, 200]),
        ("Training.batch_size", 32, [16, 128]),
        ("Training.shuffle", True, None),
        ("Regularization.l2", None, [0.0001, 0.01]),
        ("EarlyStopping.patience", 10, [5, 30]),
        ("EarlyStopping.min_delta", 0.0001, None),
        ("Callbacks.tensorboard", False, None),
    ],
)
def test_a_default_and_a_range_of_the_page_are_in_the_language(
    schema: dict[str, Any], place: str, default: object, usual_range: list[float] | None
) -> None:
    found = field(schema, place)
    assert found["default"] == default
    if usual_range is not None:
        assert found["x-usual-range"] == usual_range


def test_weight_decay_starts_at_the_pages_value_when_it_is_switched_on(schema: dict[str, Any]) -> None:
    assert field(schema, "Regularization.l2")["x-when-on"] == 0.0001


def test_the_batch_sizes_of_the_page_are_offered(schema: dict[str, Any]) -> None:
    assert field(schema, "Training.batch_size")["x-usual-values"] == [16, 32, 64, 128]


@pytest.mark.parametrize("callback", ["early_stopping", "checkpoint"])
def test_a_callback_that_the_page_has_on_is_on_and_can_be_switched_off(schema: dict[str, Any], callback: str) -> None:
    found = field(schema, f"Callbacks.{callback}")
    assert found["default"] == {}
    assert jsonschema_rs.validator_for(schema).is_valid(minimal(callbacks={callback: None}))


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_the_best_model_is_kept_by_validation_loss_or_accuracy(schema: dict[str, Any], monitor: str) -> None:
    assert jsonschema_rs.validator_for(schema).is_valid(minimal(callbacks={"checkpoint": {"monitor": monitor}}))


def resolved(**sections: object) -> dict[str, Any]:
    """Return a spec with every default filled in."""
    report = lint(json.dumps(minimal(**sections)))
    assert report.resolved is not None
    return report.resolved


def test_dropout_of_convolutional_and_dense_layers_is_set_separately_and_shown_per_layer() -> None:
    model = {"type": "cnn", "blocks": [{"filters": 8}, {"filters": 16}], "head": {"hidden": [32]}, "dropout": {"conv": 0.25, "dense": 0.5}}
    shown = resolved(model=model)["model"]
    assert [block["dropout"] for block in shown["blocks"]] == [0.25, 0.25]
    assert shown["head"]["dropout"] == [0.5]


def test_the_resolved_spec_shows_every_section_whatever_was_left_out(schema: dict[str, Any]) -> None:
    assert set(schema["properties"]) - {"$schema", "$lint"} <= set(resolved())


@pytest.mark.parametrize(
    "section,foreign",
    [
        ({"optimizer": {"type": "adam"}}, "momentum"),
        ({"optimizer": {"type": "sgd"}}, "beta_1"),
        ({"scheduler": {"type": "cosine"}}, "patience"),
        ({"scheduler": {"type": "reduce_on_plateau"}}, "t_max"),
    ],
)
def test_a_parameter_of_another_choice_is_a_finding(section: dict[str, dict[str, object]], foreign: str) -> None:
    (key,) = section
    report = lint(json.dumps(minimal(**{key: {**section[key], foreign: 0.5}})))
    assert f"/{key}/{foreign}" in {finding.pointer for finding in report.findings}


def test_an_absent_name_is_made_of_activation_model_dataset_and_time(schema: dict[str, Any]) -> None:
    assert field(schema, "Experiment.name")["default"] == "{activation}_{model}_{dataset}_{timestamp}"


def test_description_and_any_tags_may_be_given(schema: dict[str, Any]) -> None:
    experiment = {"name": "mine", "description": "Testing Mish", "tags": ["mish", "baseline", "a tag of my own"]}
    assert jsonschema_rs.validator_for(schema).is_valid(minimal(experiment=experiment))
    offered = {"mish", "relu", "swish", "baseline", "transfer-learning", "malimg", "experiment"}
    assert offered <= {tag for example in field(schema, "Experiment.tags")["examples"] for tag in example}


@pytest.mark.parametrize("rate", [5e-324, 1e-9, 3.0, 1e300])
def test_a_value_outside_the_usual_range_is_still_a_spec(schema: dict[str, Any], rate: float) -> None:
    assert jsonschema_rs.validator_for(schema).is_valid(minimal(optimizer={"type": "adam", "learning_rate": rate}))


def test_a_choice_that_is_not_in_the_language_is_no_spec(schema: dict[str, Any]) -> None:
    assert not jsonschema_rs.validator_for(schema).is_valid(minimal(optimizer={"type": "adamm"}))


def minimal(**sections: object) -> dict[str, Any]:
    """Return the smallest spec there is, with these sections."""
    return {
        "version": "v1",
        "task": "classification",
        "dataset": {"type": "image_directory", "path": "digits/images"},
        "model": {"type": "mlp", "hidden": [8]},
        **sections,
    }
