"""Output, loss and metrics that the author left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter import spec as language

Made = Callable[..., dict[str, Any]]


def dataset(classes: int | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "image_directory", "path": "a", "facts": {"classes": classes}} | more


def mlp(**output: Any) -> dict[str, Any]:
    return {"type": "mlp", "hidden": [8]} | ({"output": output} if output else {})


def loss(type_: str, **parameters: Any) -> dict[str, Any]:
    return {"type": type_} | parameters


@pytest.mark.parametrize(
    "sections,expected",
    [
        # Nothing written: the task decides, and two classes are like any other number of them.
        ({"dataset": dataset(10)}, ("sparse_categorical_crossentropy", False, 10, "softmax")),
        ({"dataset": dataset(2)}, ("sparse_categorical_crossentropy", False, 2, "softmax")),
        ({"dataset": dataset()}, ("sparse_categorical_crossentropy", False, None, "softmax")),
        ({"task": "multilabel", "dataset": dataset(5)}, ("binary_crossentropy", False, 5, "sigmoid")),
        ({"task": "regression"}, ("mean_squared_error", None, 1, "linear")),
        # The output is written: the loss follows it.
        ({"model": mlp(units=1)}, ("binary_crossentropy", False, 1, "sigmoid")),
        ({"model": mlp(units=10, activation="linear")}, ("sparse_categorical_crossentropy", True, 10, "linear")),
        ({"task": "multilabel", "model": mlp(units=3, activation="linear")}, ("binary_crossentropy", True, 3, "linear")),
        # The loss is written: the output follows it.
        ({"dataset": dataset(2), "loss": loss("binary_crossentropy")}, ("binary_crossentropy", False, 1, "sigmoid")),
        ({"dataset": dataset(4), "loss": loss("binary_crossentropy")}, ("binary_crossentropy", False, 4, "sigmoid")),
        ({"dataset": dataset(2), "loss": loss("hinge")}, ("hinge", None, 1, "linear")),
        (
            {"dataset": dataset(4), "loss": loss("categorical_crossentropy", from_logits=True)},
            ("categorical_crossentropy", True, 4, "linear"),
        ),
    ],
)
def test_what_is_left_out_follows_from_what_is_written(
    minimal: Made, sections: dict[str, Any], expected: tuple[str, bool | None, int | None, str]
) -> None:
    resolved = language.resolve(minimal(**sections))
    loss, output = resolved["loss"], resolved["model"]["output"]
    assert (loss["type"], loss.get("from_logits"), output.get("units"), output["activation"]) == expected
    assert not language.check(resolved)


def test_what_is_written_stays_even_when_it_does_not_fit(minimal: Made) -> None:
    resolved = language.resolve(minimal(model=mlp(units=3, activation="relu"), loss=loss("mean_squared_error"), metrics=[]))
    assert resolved["model"]["output"] == {"units": 3, "activation": "relu", "bias": True}
    assert resolved["loss"]["type"] == "mean_squared_error"
    assert resolved["metrics"] == []


def test_a_number_of_classes_that_was_read_goes_before_the_declared_one(minimal: Made) -> None:
    resolved = language.resolve(minimal(dataset=dataset(4)), classes=7)
    assert resolved["model"]["output"]["units"] == 7


@pytest.mark.parametrize(
    "facts", [{"classes": ["a", "b", "c"]}, {"class_counts": {"a": 1, "b": 1, "c": 1}}, {"class_shares": [0.2, 0.3, 0.5]}]
)
def test_classes_are_counted_from_names_counts_or_shares(minimal: Made, facts: dict[str, Any]) -> None:
    resolved = language.resolve(minimal(dataset={"type": "image_directory", "path": "a", "facts": facts}))
    assert resolved["model"]["output"]["units"] == 3


def test_a_regression_has_an_output_per_target_column(minimal: Made) -> None:
    table = {"type": "csv", "path": "t.csv", "target": ["x", "y"]}
    assert language.resolve(minimal(task="regression", dataset=table))["model"]["output"]["units"] == 2


@pytest.mark.parametrize(
    "layers,expected_loss,from_logits",
    [
        ([{"type": "dense", "units": 1, "activation": "sigmoid"}], "binary_crossentropy", False),
        ([{"type": "dense", "units": 5, "activation": "softmax"}], "sparse_categorical_crossentropy", False),
        ([{"type": "dense", "units": 5}], "sparse_categorical_crossentropy", True),
        ([{"type": "dense", "units": 1}, {"type": "activation", "activation": "sigmoid"}], "binary_crossentropy", False),
        ([], "sparse_categorical_crossentropy", False),
    ],
)
def test_the_last_of_explicit_layers_is_the_output(minimal: Made, layers: list[Any], expected_loss: str, from_logits: bool) -> None:
    for model in (
        {"type": "sequential", "layers": layers},
        {"type": "graph", "layers": [{"name": f"n{at}", "layer": layer} for at, layer in enumerate(layers)]},
    ):
        resolved = language.resolve(minimal(model=model))
        assert resolved["loss"]["type"] == expected_loss
        assert resolved["loss"]["from_logits"] is from_logits
        assert resolved["model"]["output"] is None


@pytest.mark.parametrize(
    "task,metrics",
    [
        ("classification", ["accuracy", "f1"]),
        ("multilabel", ["binary_accuracy", "f1"]),
        ("regression", ["mean_absolute_error"]),
        ("other", []),
    ],
)
def test_metrics_follow_the_task(minimal: Made, task: str, metrics: list[str]) -> None:
    assert [metric["type"] for metric in language.resolve(minimal(task=task))["metrics"]] == metrics


def test_a_declared_model_of_another_task_needs_no_loss(minimal: Made) -> None:
    resolved = language.resolve(minimal(task="other", model={"type": "declared", "parameters": 2_400_000}))
    assert "loss" not in resolved
    assert language.typed(resolved).loss is None
