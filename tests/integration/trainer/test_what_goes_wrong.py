"""Every way to fail has a reason code, one sentence, and a run folder that can still be read."""

import errno
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainyard.service import wire
from trainyard.service.trainer import artifacts, batches
from trainyard.service.trainer.data import samples
from trainyard.service.trainer.data.order import epoch_order
from trainyard.service.trainer.journal import Journal
from trainyard.service.trainer.run import Task, run


def _failed(result: Any, reason: str) -> str:
    assert (result.verdict.outcome, result.verdict.reason) == (wire.FAILED, reason), result.verdict
    assert "\n" not in result.verdict.message
    assert "/tmp" not in result.verdict.message
    message: str = result.verdict.message
    return message


def test_a_corrupt_image_fails_with_its_name_before_the_first_epoch(train: Any, data_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for file in (data_root / "pictures").glob("*/*.png"):
        copy = root / file.relative_to(data_root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    (root / "pictures" / "cross" / "001.png").write_bytes(b"\x89PNG cut")

    message = _failed(result := train("images", root=root), "data")
    assert "cross/001.png" in message
    assert result.of(wire.Started) == []

    skipped = train("images", root=root, dataset={"bad_records": "skip"}, training={"epochs": 1})
    assert skipped.verdict.outcome == wire.SUCCEEDED
    diagnosis = skipped.of(wire.Diagnosis)[0]
    assert (diagnosis.name, diagnosis.strength) == ("bad-records", pytest.approx(1 / 72))
    assert "cross/001.png" in diagnosis.message


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"dataset": {"path": "nowhere.csv"}}, "nowhere.csv"),
        ({"dataset": {"target": "height"}}, 'no column "height"'),
        ({"dataset": {"facts": {"samples": 99}}}, "99 samples and there are 72"),
        ({"dataset": {"facts": {"fingerprint": "0" * 64}}}, "fingerprint is 000000000000"),
        ({"model": {"output": {"units": 2}}}, "2 units and the data has 3 classes"),
        ({"training": {"batch_size": 64, "drop_remainder": True}}, "no batch of 64"),
        ({"dataset": {"type": "image_directory", "path": "empty"}, "model": {"type": "mlp", "hidden": []}}, "'empty'|\"empty\""),
    ],
)
def test_what_is_wrong_with_the_data_is_said(train: Any, data_root: Path, changes: dict[str, Any], words: str) -> None:
    (data_root / "empty" / "a").mkdir(parents=True, exist_ok=True)

    message = _failed(train(**changes), "data")
    assert any(word in message for word in words.split("|"))


def test_layers_that_do_not_fit_the_samples_are_the_specs_fault(train: Any) -> None:
    blocks = [{"filters": 2, "pool_size": 4}, {"filters": 2, "pool_size": 4}]

    message = _failed(train("images", model={"blocks": blocks}), "spec")
    assert "can not be built for samples of the shape [8, 8, 1]" in message
    assert "\x1b" not in message


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"augmentation": [{"type": "random_contrast", "factor": 7.0}]}, "model can not be built"),
        ({"optimizer": {"type": "sgd", "momentum": 7.0}}, "optimizer can not be made"),
        ({"model": {"blocks": [{"filters": 2, "dropout": 7.0}]}}, "model can not be built"),
    ],
)
def test_a_value_that_keras_refuses_is_the_specs_fault(train: Any, changes: dict[str, Any], words: str) -> None:
    assert words in _failed(train("images", **changes), "spec")


def test_a_loss_that_is_no_number_ends_the_run_and_the_epoch_is_kept(train: Any) -> None:
    result = train("regression", optimizer={"type": "sgd", "learning_rate": 1e30}, training={"epochs": 5})

    message = _failed(result, "nonfinite_loss")
    assert "optimizer.learning_rate" in message
    assert result.of(wire.Diagnosis) == [wire.Diagnosis("nonfinite-loss", 1, message, 1.0)]
    assert "history.json" in {artifact.name for artifact in result.of(wire.ArtifactWritten)}


def test_memory_that_runs_out_has_its_own_reason(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The framework's own error type, with the words of another vendor: the type decides."""
    import tensorflow as tf

    def exhausted(*_arguments: Any) -> Any:
        raise tf.errors.ResourceExhaustedError(None, None, "no more of it")

    monkeypatch.setattr(batches, "epoch_order", exhausted)
    assert "batch_size" in _failed(train(), "oom_host")

    monkeypatch.setattr("trainyard.service.trainer.backend.device", lambda: type("Device", (), {"kind": "gpu", "name": "x"}))
    monkeypatch.setattr("trainyard.service.trainer.backend.peak_memory_bytes", lambda: 2**31)
    assert "2.0 GiB" in _failed(train(), "oom_device")


def test_an_operation_that_the_framework_lacks_is_the_specs_fault_and_not_ours(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    def lacking(*_arguments: Any) -> Any:
        raise tf.errors.UnimplementedError(None, None, "Detected at node\nThe Conv2D op does not support grouped convolutions on this CPU")

    monkeypatch.setattr(batches, "epoch_order", lacking)
    message = _failed(train(), "spec")
    assert message.endswith("no way to compute this model on this device: The Conv2D op does not support grouped convolutions on this CPU")


def test_samples_that_neither_memory_nor_disk_holds_are_a_full_disk(train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("TRAINYARD_CACHE", str(cache))
    monkeypatch.setenv("TRAINYARD_SAMPLE_MEMORY_MIB", "0")
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: type("Disk", (), {"free": 1000}))
    assert "MiB of disk are free" in _failed(train("images"), "disk_full")

    def full(*_arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.disk_usage", lambda _folder: type("Disk", (), {"free": 10**18}))
    monkeypatch.setattr(os, "posix_fallocate", full)
    assert "no room" in _failed(train(), "disk_full")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("kind", ["table", "parquet", "arrays", "images"])
def test_samples_larger_than_memory_are_trained_from_disk_to_the_same_weights_and_nothing_is_left_there(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    in_memory = train(kind, training={"epochs": 2})
    cache = tmp_path / "cache"
    monkeypatch.setenv("TRAINYARD_CACHE", str(cache))
    monkeypatch.setattr("trainyard.service.trainer.data.budget.fits", lambda _size: False)
    monkeypatch.setattr("trainyard.service.trainer.data.budget.claim", lambda *_claimed: None)
    from_disk = train(kind, training={"epochs": 2})

    assert from_disk.verdict.outcome == wire.SUCCEEDED, from_disk.verdict
    assert from_disk.json("history.json") == in_memory.json("history.json")
    assert from_disk.json("evaluation.json") == in_memory.json("evaluation.json")
    assert _weights(from_disk) == _weights(in_memory)
    assert list(cache.iterdir()) == []


def _weights(result: Any) -> list[bytes]:
    import keras

    return [values.tobytes() for values in keras.saving.load_model(result.folder.artifacts / "best.keras").get_weights()]


def test_a_cache_that_is_deleted_while_a_run_reads_from_it_changes_nothing(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("TRAINYARD_CACHE", str(cache))
    monkeypatch.setenv("TRAINYARD_SAMPLE_MEMORY_MIB", "0")
    whole = train("images")
    ordered = epoch_order

    def deleting(*arguments: Any) -> Any:
        shutil.rmtree(cache, ignore_errors=True)
        return ordered(*arguments)

    monkeypatch.setattr(batches, "epoch_order", deleting)
    assert train("images").json("history.json") == whole.json("history.json")
    assert not cache.exists()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to get at a file without a name")
def test_samples_cut_off_under_a_run_are_a_sentence(train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TRAINYARD_SAMPLE_MEMORY_MIB", "0")
    ordered, made, reserve = epoch_order, list[int](), os.posix_fallocate

    def reserving(file: int, first: int, size: int) -> None:
        made.append(file)
        reserve(file, first, size)

    monkeypatch.setattr(os, "posix_fallocate", reserving)

    def cutting(seed: int, epoch: int, count: int) -> Any:
        if epoch == 1:
            os.truncate(f"/proc/self/fd/{made[-1]}", 0)
        return ordered(seed, epoch, count)

    monkeypatch.setattr(batches, "epoch_order", cutting)
    assert "shorter than it was" in _failed(result := train("images"), "data")
    assert len(result.of(wire.EpochFinished)) == 1


@pytest.mark.parametrize(
    "text, words",
    [
        ("size,weight,colour,kind\n1,2,red,a\n2,nan,blue,b\n3,4,red,a\n", 'row 3: column "weight" is no finite number'),
        ("size,weight,colour,kind\n1,2,red,a\n2,3,blue,a\n3,4,red,a\n", 'All samples are of one class, "a"'),
        ("size,weight,colour,kind\n", "no samples"),
        ("", "can not be read as csv"),
    ],
)
def test_a_hostile_table_is_a_sentence(train: Any, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")

    assert words in _failed(result := train(root=tmp_path), "data")
    assert result.of(wire.Started) == []


@pytest.mark.parametrize(
    "labels, task, words",
    [
        ([0, 1, 7, 2] * 8, "classification", "3 classes and there are 4|of the class|names differ"),
        ([0.5, float("nan"), 1.0, 2.0] * 8, "regression", "NaN or infinity"),
        ([[0, 2], [1, 0]] * 16, "multilabel", "zeros and ones"),
    ],
)
def test_a_target_out_of_range_is_a_sentence(train: Any, tmp_path: Path, labels: Any, task: str, words: str) -> None:
    np.savez(tmp_path / "arrays.npz", x=np.random.default_rng(1).normal(size=(32, 4)), y=np.array(labels))
    facts: dict[str, Any] = {"classes": 3} if task == "classification" else {}
    dataset = {"type": "npz", "path": "arrays.npz", "facts": facts}

    message = _failed(train(root=tmp_path, task=task, dataset=dataset), "data")
    assert any(word in message for word in words.split("|")), message


def test_a_dataset_that_vanished_is_a_sentence(train: Any, tmp_path: Path) -> None:
    assert "table.csv" in _failed(train(root=tmp_path), "data")


def test_a_full_disk_is_named_and_the_folder_holds_no_half_file(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(artifacts, "_sync", full)
    result = train()
    _failed(result, "disk_full")
    assert list(result.folder.artifacts.iterdir()) == []


def test_a_fault_of_ours_leaves_its_traceback_in_the_log_alone(
    train: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(samples.Samples, "__len__", lambda _self: 1 // 0)
    message = _failed(train(), "server")
    assert "ZeroDivisionError" in message
    assert "Traceback" not in message
    assert "Traceback" in capsys.readouterr().err


def test_a_cancelled_run_keeps_its_history(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    words = iter([None, None, None])
    monkeypatch.setattr("trainyard.service.trainer.fitting.read_word", lambda _path: next(words, wire.CANCEL))
    result = train(training={"epochs": 400})

    assert (result.verdict.outcome, result.verdict.reason) == ("cancelled", "user")
    assert 1 <= len(result.of(wire.EpochFinished)) < 400
    assert len(result.json("history.json")["epochs"]) == len(result.of(wire.EpochFinished))


def test_the_word_is_read_from_the_control_file(write_run: Any, data_root: Path) -> None:
    folder = write_run()
    folder.control.write_text("cancel\n", encoding="utf-8")
    verdict = run(Task(folder, Journal(folder.events, 1, time.time), data_root, "cpu", time.monotonic))

    assert (verdict.outcome, verdict.reason, verdict.exit_code) == ("cancelled", "user", 7)
    assert b'"epoch_finished"' not in folder.events.read_bytes()


def test_a_stopped_run_is_evaluated(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    words = iter([None, None, None])
    monkeypatch.setattr("trainyard.service.trainer.fitting.read_word", lambda _path: next(words, wire.STOP))
    result = train(training={"epochs": 400})

    assert (result.verdict.outcome, result.verdict.reason) == (wire.SUCCEEDED, "stopped")
    assert np.isfinite(result.json("evaluation.json")["loss"])


def test_a_monitor_that_nobody_measures_is_refused(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainyard.service.trainer.run.untrainable", lambda _spec: ())
    message = _failed(train(callbacks={"checkpoint": {"monitor": "val_auc"}}), "spec")
    assert "this run reports loss, accuracy, f1, val_loss, val_accuracy, val_f1" in message


def test_a_gpu_that_was_promised_and_is_not_there_fails_the_run(train: Any) -> None:
    assert "the trainer sees none" in _failed(train(device="gpu"), "server")
    assert "asks for 1" in _failed(train(resources={"gpus": 1}), "spec")
