from __future__ import annotations

from typing import Any

import pytest

from trainyard.linter import spec as language

SPEC: dict[str, Any] = {
    "optimizer": {"type": "sgd", "momentum": 0.9},
    "scheduler": [{"type": "step"}, {"type": "cosine"}],
    "model": {"type": "graph", "layers": [{"name": "a", "layer": {"type": "lstm", "units": 3}}]},
}


def test_a_field_tells_what_the_schema_says_of_it() -> None:
    field = language.field("/optimizer/learning_rate", SPEC)
    assert field is not None
    assert (field.title, field.default, field.usual_range, field.required) == ("Learning rate", 0.01, (0.0001, 0.01), False)
    assert field.description.endswith(".")


@pytest.mark.parametrize(
    "pointer,title",
    [
        ("/scheduler/0/gamma", "Gamma"),
        ("/scheduler/1/t_max", "T max"),
        ("/scheduler/1/t_max/epochs", "Epochs"),
        ("/model/layers/0/layer/units", "Units"),
        ("/model/layers/0/layer/kernel_regularizer", "Kernel regularizer"),
        ("/callbacks/early_stopping/patience", "Patience"),
        ("/dataset/split/validation", "Validation part"),
        ("/metrics/0", "Metrics"),
        ("/$lint/0/reason", "Reason"),
    ],
)
def test_a_field_is_found_through_lists_unions_and_shorthands(pointer: str, title: str) -> None:
    field = language.field(pointer, SPEC)
    assert field is not None
    assert field.title == title


@pytest.mark.parametrize("pointer", ["", "/nothing", "/optimizer/beta_1", "/optimizer/learning_rate/deeper", "/scheduler/0/t_max"])
def test_what_the_chosen_member_does_not_have_is_not_there(pointer: str) -> None:
    assert language.field(pointer, SPEC) is None


def test_without_a_document_any_member_answers() -> None:
    field = language.field("/optimizer/beta_1")
    assert field is not None
    assert field.default == 0.9


def test_fields_list_what_an_object_may_hold() -> None:
    assert [field.key for field in language.fields("/optimizer", SPEC)][:4] == ["type", "learning_rate", "momentum", "nesterov"]
    assert [field.key for field in language.fields("/scheduler/0", SPEC)] == ["type", "size", "milestones", "gamma", "warmup"]
    assert [field.key for field in language.fields()][:3] == ["$schema", "version", "experiment"]
    assert language.fields("/task") == ()


def test_a_closed_vocabulary_is_listed() -> None:
    assert {field.key: field.allowed for field in language.fields("/optimizer", {"optimizer": {}})}["type"] is not None
    task = language.field("/task")
    assert task is not None
    assert task.allowed == ("classification", "multilabel", "regression", "other")


def test_a_derived_default_is_told_in_words() -> None:
    loss = language.field("/loss")
    assert loss is not None
    assert loss.default is None
    assert "sparse_categorical_crossentropy" in (loss.derived or "")
