"""Pausing, stopping, rolling back, keeping several models: runs that end in other ways than by their last epoch."""

import json
import time
from pathlib import Path
from typing import Any

import keras
import pytest

from trainyard.service import wire
from trainyard.service.trainer.bundle.files import BundleFiles
from trainyard.service.trainer.journal import Journal
from trainyard.service.trainer.run import Task, run

WORD = "trainyard.service.trainer.fitting.read_word"


@pytest.fixture
def attempt(data_root: Path, read_run: Any) -> Any:
    """Runs one more attempt in a folder."""

    def go_on(folder: wire.RunFolder, number: int, root: Path = data_root, **options: Any) -> Any:
        journal = Journal(folder.events, number, time.time)
        verdict = run(Task(folder, journal, root, "cpu", time.monotonic, number, **options))
        journal.close()
        return read_run(folder, verdict)

    return go_on


def _words(monkeypatch: pytest.MonkeyPatch, word: str, looks: int) -> None:
    heard = iter([None] * looks)
    monkeypatch.setattr(WORD, lambda _path: next(heard, word))


def test_a_paused_run_goes_on_and_ends_as_if_it_had_not_paused(attempt: Any, write_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    spec: dict[str, Any] = {"training": {"epochs": 4}, "callbacks": {"early_stopping": None}}
    whole, parted = write_run("images", augmentation="light", **spec), write_run("images", augmentation="light", **spec)
    straight = attempt(whole, 1)
    with monkeypatch.context() as patch:
        _words(patch, wire.PAUSE, 3)
        first = attempt(parted, 1)
    assert (first.verdict.outcome, first.verdict.reason, first.verdict.exit_code) == (wire.PAUSED, "user", 0)
    assert first.verdict.message.startswith("Paused after ")
    assert (parted.artifacts / "best.keras").exists()
    head = wire.read_bundle_head(parted)
    assert head is not None
    assert 1 <= head.epoch < 4
    second = attempt(parted, 2)
    assert second.verdict == straight.verdict
    assert second.json("history.json") == straight.json("history.json")
    assert second.json("evaluation.json") == straight.json("evaluation.json")
    assert [event.epoch for event in second.of(wire.EpochFinished)] == [1, 2, 3, 4]


def test_a_trainer_whose_server_is_silent_saves_its_place_and_ends(attempt: Any, write_run: Any) -> None:
    result = attempt(write_run(training={"epochs": 100_000}, callbacks={"early_stopping": None}), 1, orphan_limit_seconds=1.0)
    assert (result.verdict.outcome, result.verdict.reason) == (wire.PAUSED, wire.ORPHANED)
    assert wire.read_bundle_head(result.folder) is not None


def test_a_run_rolls_back_at_half_the_rate_as_often_as_it_may(attempt: Any, write_run: Any) -> None:
    spec: dict[str, Any] = {
        "optimizer": {"type": "sgd", "learning_rate": 1e30},
        "callbacks": {"on_divergence": {"action": "roll_back", "times": 2, "factor": 0.5}},
        "training": {"epochs": 3},
    }
    result = attempt(write_run("regression", **spec), 1)
    assert (result.verdict.outcome, result.verdict.reason) == (wire.FAILED, "nonfinite_loss")
    changes = result.of(wire.LearningRateChanged)
    assert [(change.cause, change.after / change.before, change.rollback) for change in changes] == [
        ("roll_back", 0.5, 1),
        ("roll_back", 0.5, 2),
    ]
    assert {event.rollback for event in result.of(wire.Diagnosis)} == {0, 1, 2}
    keys = [wire.key(wire.decode(line)) for line in result.folder.events.read_bytes().splitlines()]
    assert len(set(keys)) == len(keys)


def test_a_run_that_is_rolled_back_far_enough_succeeds(attempt: Any, write_run: Any) -> None:
    spec: dict[str, Any] = {
        "optimizer": {"type": "sgd", "learning_rate": 2.0},
        "callbacks": {"on_divergence": {"action": "roll_back", "times": 9, "factor": 0.01}},
        "training": {"epochs": 3},
    }
    result = attempt(write_run("regression", **spec), 1)
    assert result.verdict.outcome == wire.SUCCEEDED, result.verdict
    assert [entry["epoch"] for entry in result.json("history.json")["epochs"]] == [1, 2, 3]
    assert result.of(wire.LearningRateChanged)
    assert result.of(wire.EpochFinished)[-1].rollback >= 1


def test_the_best_models_are_kept_in_order_and_curves_are_there_for_tensorboard(attempt: Any, write_run: Any) -> None:
    tf = pytest.importorskip("tensorflow")
    watched = {"checkpoint": {"monitor": "loss", "keep": 3}, "early_stopping": None, "tensorboard": True}
    result = attempt(write_run(callbacks=watched, training={"epochs": 5}), 1)
    assert result.verdict.outcome == wire.SUCCEEDED, result.verdict
    epochs = result.json("history.json")["epochs"]
    ranked = sorted(epochs, key=lambda entry: entry["loss"])[:3]
    kept = {file.name for file in result.folder.artifacts.glob("*.keras")}
    assert kept == {"best.keras", *(f"epoch-{entry['epoch']:04}.keras" for entry in ranked[1:])}
    assert all(keras.saving.load_model(result.folder.artifacts / name) is not None for name in kept)
    shown: dict[str, list[float]] = {}
    for path in (result.folder.artifacts / "tensorboard" / "validation").iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
                shown.setdefault(value.tag, []).append(value.simple_value)
    assert shown["epoch_loss"] == pytest.approx([entry["val_loss"] for entry in epochs])


def test_a_bundle_of_another_spec_or_other_data_is_refused_with_a_sentence(
    attempt: Any, write_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run(training={"epochs": 50}, callbacks={"early_stopping": None})
    with monkeypatch.context() as patch:
        _words(patch, wire.PAUSE, 2)
        attempt(folder, 1)
    manifest = folder.bundle_manifest.read_bytes()
    folder.bundle_manifest.write_bytes(manifest.replace(b'"data_mark": "', b'"data_mark": "x'))
    changed = attempt(folder, 2)
    assert (changed.verdict.outcome, changed.verdict.reason) == (wire.FAILED, "data")
    assert "on the same data only" in changed.verdict.message
    folder.bundle_manifest.write_bytes(manifest)
    resolved = json.loads(folder.resolved.read_bytes())
    folder.resolved.write_text(json.dumps({**resolved, "training": {**resolved["training"], "epochs": 51}}), encoding="utf-8")
    foreign = attempt(folder, 3)
    assert "it belongs to another spec" in foreign.verdict.message
    assert BundleFiles(folder).read() is not None


def test_data_that_vanished_ends_the_attempt_and_when_it_is_back_the_run_goes_on(
    attempt: Any, write_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run(training={"epochs": 4}, callbacks={"early_stopping": None})
    with monkeypatch.context() as patch:
        _words(patch, wire.PAUSE, 2)
        attempt(folder, 1)
    head = wire.read_bundle_head(folder)
    gone = attempt(folder, 2, root=tmp_path)
    assert (gone.verdict.outcome, gone.verdict.reason) == (wire.FAILED, "data")
    assert wire.read_bundle_head(folder) == head
    back = attempt(folder, 3)
    assert back.verdict.outcome == wire.SUCCEEDED
    assert [event.epoch for event in back.of(wire.EpochFinished)] == [1, 2, 3, 4]
