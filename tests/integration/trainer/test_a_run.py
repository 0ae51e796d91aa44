"""What one run says and leaves behind."""

import hashlib
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from trainyard.service import wire
from trainyard.service.trainer.data import division

KINDS = ["circle", "cross", "stripe"]


def test_a_run_announces_itself_reports_every_epoch_and_leaves_its_artifacts(images_run: Any) -> None:
    result = images_run

    assert result.verdict.outcome == wire.SUCCEEDED
    assert result.verdict.reason == "completed"
    assert isinstance(result.events[0], wire.Started)
    started = result.events[0]
    assert (started.train_samples, started.validation_samples, started.test_samples) == (50, 11, 11)
    assert (started.steps_per_epoch, started.epochs_planned, list(started.classes)) == (4, 4, KINDS)
    epochs = result.of(wire.EpochFinished)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4]
    assert set(epochs[0].metrics) == {"loss", "accuracy", "f1", "val_loss", "val_accuracy", "val_f1"}
    assert epochs[0].samples_per_second == pytest.approx(50 / epochs[0].seconds)
    assert all(epoch.device_memory_bytes > 0 for epoch in epochs)
    for artifact in result.of(wire.ArtifactWritten):
        content = (result.folder.artifacts / artifact.name).read_bytes()
        assert artifact.name == "best.keras" or artifact.sha256 == hashlib.sha256(content).hexdigest()
    assert {file.name for file in result.folder.artifacts.iterdir()} == {
        "best.keras",
        "environment.json",
        "evaluation.json",
        "history.json",
        "labels.json",
        "model_card.md",
        "prediction.json",
    }


def test_the_history_holds_what_the_events_said(images_run: Any) -> None:
    result = images_run

    epochs = result.json("history.json")["epochs"]
    assert [entry["epoch"] for entry in epochs] == [1, 2, 3, 4]
    for entry, event in zip(epochs, result.of(wire.EpochFinished), strict=True):
        assert entry == {"epoch": event.epoch, **event.metrics, "learning_rate": event.learning_rate}


def test_the_saved_model_takes_raw_samples_and_repeats_the_evaluation(images_run: Any, typed: Any, data_root: Path) -> None:
    result = images_run
    model = keras.saving.load_model(result.folder.artifacts / "best.keras")
    parts = division.read(typed("images").dataset, "classification", data_root)
    assert parts.test is not None
    raw = parts.test.inputs[parts.test.indices]
    predicted = model.predict(raw, verbose=0).argmax(axis=1)
    judged = result.json("evaluation.json")
    assert judged["part"] == "test"
    assert judged["epoch"] == max(event.epoch for event in result.of(wire.CheckpointSaved))
    assert raw.dtype == np.uint8
    assert np.mean(predicted == parts.test.targets[parts.test.indices]) == judged["accuracy"]
    assert not model.compiled
    assert not any("random" in layer.name for layer in model.layers)


def test_the_evaluation_agrees_with_itself_and_with_keras(images_run: Any) -> None:
    judged = images_run.json("evaluation.json")

    matrix = np.array(judged["confusion_matrix"])
    assert matrix.sum() == judged["samples"] == 11
    assert judged["accuracy"] == pytest.approx(np.trace(matrix) / 11)
    assert judged["metrics"]["accuracy"] == pytest.approx(judged["accuracy"])
    assert judged["metrics"]["f1"] == pytest.approx(judged["macro_f1"], abs=1e-6)
    assert [row["class"] for row in judged["per_class"]] == judged["classes"] == KINDS
    assert [row["support"] for row in judged["per_class"]] == matrix.sum(axis=1).tolist()


def test_two_deterministic_runs_are_equal_to_the_digit(train: Any) -> None:
    spec: dict[str, Any] = {"training": {"deterministic": True, "epochs": 3}, "augmentation": "light"}
    spec["model"] = {"type": "cnn", "blocks": [{"filters": 4, "batch_norm": True, "dropout": 0.2}]}

    first, second = train("images", **spec), train("images", **spec)

    assert first.json("history.json") == second.json("history.json")
    models = [keras.saving.load_model(run.folder.artifacts / "best.keras") for run in (first, second)]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


def test_class_weights_come_from_the_training_part_and_plain_metrics_stay_plain(train: Any) -> None:
    weights = {"circle": 1.0, "cross": 4.0, "stripe": 0.5}
    result = train(imbalance={"type": "class_weights", "method": "explicit", "weights": weights}, regularization={"l2": 0.1})

    assert result.events[0].class_weights == (1.0, 4.0, 0.5)
    metrics = result.of(wire.EpochFinished)[0].metrics
    assert metrics["loss"] > metrics["unweighted_loss"]
    assert metrics["val_loss"] > metrics["val_unweighted_loss"]
    assert 0 <= metrics["accuracy"] <= 1


def test_early_stopping_ends_the_run_and_brings_the_best_weights_back(train: Any) -> None:
    stopping = {"monitor": "val_loss", "patience": 2, "min_delta": 1000.0}
    result = train(training={"epochs": 9}, callbacks={"early_stopping": stopping, "checkpoint": None})

    assert result.verdict.reason == "early_stopped"
    assert len(result.of(wire.EpochFinished)) == 3
    assert result.of(wire.EarlyStopped) == [wire.EarlyStopped(3, 1, "val_loss", 2)]
    assert result.json("evaluation.json")["epoch"] == 1
    assert (result.folder.artifacts / "best.keras").exists()


def test_the_best_epoch_is_the_one_that_is_judged(train: Any) -> None:
    """The largest validation loss counts as best, so that the best epoch is the first and not the last."""
    watched = {"checkpoint": {"monitor": "val_loss", "mode": "max"}}
    result = train(dataset={"split": {"test": None, "validation": 0.3}}, callbacks=watched, training={"epochs": 3})

    judged, epochs = result.json("evaluation.json"), result.json("history.json")["epochs"]
    assert (judged["part"], judged["epoch"]) == ("validation", 1)
    assert judged["loss"] == pytest.approx(epochs[0]["val_loss"], rel=1e-6)
    assert judged["loss"] > epochs[-1]["val_loss"]


def test_a_plateau_lowers_the_rate_and_says_so(train: Any) -> None:
    plateau = {"type": "reduce_on_plateau", "monitor": "val_loss", "patience": 1, "factor": 0.1, "min_delta": 1000.0, "min_lr": 2e-4}
    result = train(training={"epochs": 4}, optimizer={"type": "adam", "learning_rate": 0.01}, scheduler=plateau)

    rates = [epoch.learning_rate for epoch in result.of(wire.EpochFinished)]
    assert rates == pytest.approx([0.01, 0.01, 0.001, 2e-4])
    changes = [(change.epoch, change.before, change.after) for change in result.of(wire.LearningRateChanged)]
    assert changes == [(2, pytest.approx(0.01), pytest.approx(0.001)), (3, pytest.approx(0.001), pytest.approx(2e-4))]


def test_without_a_validation_part_the_training_loss_is_watched(train: Any) -> None:
    result = train(dataset={"split": {"validation": None}})

    assert result.verdict.outcome == wire.SUCCEEDED
    assert all(event.monitor == "loss" for event in result.of(wire.CheckpointSaved))


def test_a_time_limit_ends_the_run_well(train: Any) -> None:
    result = train(training={"epochs": 500, "max_hours": 1e-7})

    assert (result.verdict.outcome, result.verdict.reason) == (wire.SUCCEEDED, "time_limit")
    assert (result.folder.artifacts / "best.keras").exists()


def test_the_environment_names_versions_device_and_digest(images_run: Any) -> None:
    environment = images_run.json("environment.json")

    assert environment["versions"]["keras"] == keras.__version__
    assert environment["device"]["kind"] == "cpu"
    assert environment["platform"]["threads"] >= 1
    assert len(environment["spec_digest"]) == 64
    assert len(environment["dataset_fingerprint"]) == 64


def test_the_progress_file_holds_what_the_server_reads(images_run: Any) -> None:
    progress = json.loads(images_run.folder.progress.read_text(encoding="utf-8"))

    assert (progress["steps"], progress["step"] <= 4, progress["epoch"] <= 4) == (4, True, True)
    assert progress["metrics"].keys() >= {"loss", "accuracy"}
