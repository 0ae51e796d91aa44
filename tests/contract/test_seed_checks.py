"""Every warning and every figure that the page asks of a check, on a spec that is at the page's own threshold.

In the ruleset ``strict`` the thresholds hold literally; ``recommended`` speaks under conditions that the rules explain.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from trainyard.linter import Configuration, Finding, Severity, lint
from trainyard.linter.cli.main import trainlint

STRICT = Configuration(ruleset="strict")


def spec(**sections: object) -> dict[str, Any]:
    """Return a small healthy spec of a picture task with these sections replaced."""
    return {
        "version": "v1",
        "task": "classification",
        "dataset": dataset({"cat": 500, "dog": 500}),
        "model": {"type": "cnn", "blocks": [{"filters": 16}, {"filters": 32}], "dropout": {"conv": 0.25, "dense": 0.5}},
        "optimizer": {"type": "adam", "learning_rate": 0.001},
        **sections,
    }


def dataset(counts: dict[str, int]) -> dict[str, Any]:
    facts = {"samples": sum(counts.values()), "classes": list(counts), "class_counts": counts}
    return {"type": "image_directory", "path": "pictures", "input_shape": [64, 64, 3], "facts": facts}


def found(name: str, document: dict[str, Any], configuration: Configuration | None = None) -> Finding | None:
    report = lint(json.dumps(document), configuration=configuration)
    return next((finding for finding in report.findings if finding.name == name), None)


def spoken(name: str, document: dict[str, Any], configuration: Configuration | None = None) -> Finding:
    finding = found(name, document, configuration)
    assert finding is not None, f"{name} was silent"
    return finding


def adam(rate: float) -> dict[str, Any]:
    return spec(optimizer={"type": "adam", "learning_rate": rate})


def test_the_spec_of_these_tests_is_clean() -> None:
    assert [finding for finding in lint(json.dumps(spec())).findings if finding.severity >= Severity.WARNING] == []


@pytest.mark.parametrize("configuration", [None, STRICT], ids=["recommended", "strict"])
def test_a_rate_above_a_hundredth_is_warned_of_and_a_hundredth_is_not(configuration: Configuration | None) -> None:
    assert spoken("learning-rate-too-high", adam(0.011), configuration).severity is Severity.WARNING
    assert found("learning-rate-too-high", adam(0.01), configuration) is None


@pytest.mark.parametrize("configuration", [None, STRICT], ids=["recommended", "strict"])
def test_a_rate_below_a_hundred_thousandth_is_warned_of_and_that_one_is_not(configuration: Configuration | None) -> None:
    assert spoken("learning-rate-too-low", adam(0.9e-5), configuration).severity is Severity.WARNING
    assert found("learning-rate-too-low", adam(1e-5), configuration) is None


def test_the_suggested_rate_grows_with_the_batch_and_falls_with_the_model() -> None:
    def suggested(batch_size: int, filters: int) -> float:
        model = {"type": "cnn", "blocks": [{"filters": filters}, {"filters": filters}], "dropout": {"conv": 0.25}}
        document = {**adam(0.5), "model": model, "training": {"batch_size": batch_size}}
        suggestion = spoken("learning-rate-too-high", document).suggestion
        assert suggestion is not None
        return float(str(suggestion.value))

    assert suggested(16, 128) < suggested(32, 128) < suggested(64, 128)
    assert suggested(32, 512) < suggested(32, 128)
    assert 1e-5 <= suggested(8, 512) < suggested(512, 16) <= 1e-2


@pytest.mark.parametrize("configuration", [None, STRICT], ids=["recommended", "strict"])
def test_a_schedule_that_falls_below_a_ten_millionth_is_warned_of(configuration: Configuration | None) -> None:
    def decaying(rate: float) -> dict[str, Any]:
        return spec(scheduler={"type": "exponential", "rate": rate}, training={"epochs": 100})

    # 0.001 * 0.85**99 = 1.0e-10 and 0.001 * 0.95**99 = 6.2e-6.
    assert spoken("scheduled-rate-too-small", decaying(0.85), configuration).severity is Severity.WARNING
    assert found("scheduled-rate-too-small", decaying(0.95), configuration) is None


def test_a_batch_beyond_the_largest_card_is_an_error_with_one_that_fits() -> None:
    document = spec(dataset={**dataset({"cat": 500_000, "dog": 500_000}), "input_shape": [512, 512, 3]}, training={"batch_size": 65_536})
    finding = spoken("batch-exceeds-memory", document)
    assert (finding.severity, finding.pointer) == (Severity.ERROR, "/training/batch_size")
    assert finding.suggestion is not None
    document["training"]["batch_size"] = finding.suggestion.value
    smaller = found("batch-exceeds-memory", document)
    assert smaller is None or smaller.severity < Severity.ERROR


@pytest.mark.parametrize("configuration", [None, STRICT], ids=["recommended", "strict"])
def test_no_regularization_is_warned_of_at_the_model_where_dropout_would_go(configuration: Configuration | None) -> None:
    model = {"type": "cnn", "blocks": [{"filters": 16}], "head": {"hidden": [32]}}
    counts = {"cat": 100, "dog": 100}
    finding = spoken("no-regularization", spec(model=model, dataset=dataset(counts)), configuration)
    assert (finding.severity, finding.pointer) == (Severity.WARNING, "/model")


@pytest.mark.parametrize("section", [{"regularization": {"l2": 0.0001}}, {"augmentation": "light"}, {"model": None}])
def test_each_technique_of_the_page_silences_that_warning(section: dict[str, Any]) -> None:
    bare = {"type": "cnn", "blocks": [{"filters": 16}], "head": {"hidden": [32]}}
    with_dropout = {**bare, "dropout": {"dense": 0.5}}
    document = spec(**{"dataset": dataset({"cat": 100, "dog": 100}), "model": bare, **section})
    document["model"] = document["model"] or with_dropout
    assert found("no-regularization", document) is None


def test_classes_ten_to_one_are_let_pass_and_more_is_warned_of() -> None:
    assert found("imbalanced-classes", spec(dataset=dataset({"cat": 1000, "dog": 100}))) is None
    finding = spoken("imbalanced-classes", spec(dataset=dataset({"cat": 1010, "dog": 100})))
    assert (finding.severity, finding.pointer) == (Severity.WARNING, "/imbalance")


def test_the_warning_names_ratio_counts_and_balanced_weights() -> None:
    finding = spoken("imbalanced-classes", spec(dataset=dataset({"cat": 1800, "dog": 100, "cow": 100})))
    # 2,000 samples over 3 classes: 2000 / (3 * 1800) = 0.37 and 2000 / (3 * 100) = 6.67.
    assert all(word in finding.message for word in ("18", "1,800", "100", "0.37", "6.67"))
    assert finding.suggestion is not None
    assert finding.suggestion.value == {"type": "class_weights", "method": "balanced"}


def test_fewer_than_ten_epochs_are_warned_of_literally_in_strict_and_by_the_number_of_updates_otherwise() -> None:
    def run(epochs: int, samples_per_class: int) -> dict[str, Any]:
        counts = {"cat": samples_per_class, "dog": samples_per_class}
        return spec(training={"epochs": epochs}, dataset=dataset(counts))

    # 70 % of 20,000 samples in batches of 32 are 438 updates an epoch, of 200 samples 5.
    assert spoken("too-few-updates", run(9, 10_000), STRICT).severity is Severity.WARNING
    assert found("too-few-updates", run(10, 10_000), STRICT) is None
    assert found("too-few-updates", run(9, 10_000)) is None
    assert spoken("too-few-updates", run(9, 100)).severity is Severity.WARNING


def test_a_dataset_that_does_not_fit_the_model_is_an_error() -> None:
    three_classes = dataset({"cat": 500, "dog": 500, "cow": 500})
    two_outputs = {**spec()["model"], "output": {"units": 2}}
    assert spoken("fewer-outputs-than-classes", spec(dataset=three_classes, model=two_outputs)).severity is Severity.ERROR
    rows = {**dataset({"cat": 500, "dog": 500}), "input_shape": [30]}
    assert spoken("input-does-not-fit-layer", spec(dataset=rows)).severity is Severity.ERROR


def test_a_path_that_is_not_there_is_an_error_where_the_data_root_is_known(tmp_path: Path) -> None:
    file = tmp_path / "run.trainspec.json"
    file.write_text(json.dumps(spec()), encoding="utf-8")
    judged = CliRunner().invoke(trainlint, ["check", str(file), "--data-root", str(tmp_path), "--format", "concise"], standalone_mode=False)
    assert judged.return_value == 1
    assert "dataset-unusable] error" in judged.stdout


def test_a_section_that_must_be_there_is_asked_for() -> None:
    document = spec()
    del document["model"]
    finding = spoken("missing-key", document)
    assert finding.severity is Severity.ERROR
    assert "model" in finding.message
