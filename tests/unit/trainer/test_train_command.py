import json
import subprocess
import sys
from pathlib import Path

import pytest

from trainyard.linter import spec as language
from trainyard.linter.cli import exits
from trainyard.service import wire
from trainyard.service.trainer import sameness
from trainyard.service.trainer.alone import last_attempt
from trainyard.service.trainer.journal import FolderBusyError, Journal
from trainyard.service.trainer.main import train

SPEC = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "csv", "path": "t.csv", "target": "label"},
    "model": {"type": "mlp", "hidden": [4], "output": {"units": 2}},
}


def _run(*arguments: str) -> int:
    return exits.run(train, arguments, program="trainyard")


def test_a_missing_file_is_a_usage_error_on_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(str(tmp_path / "none.json"), "--run", str(tmp_path / "run")) == exits.USAGE
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_backend_that_the_trainer_does_not_know_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.trainspec.json"
    file.write_text(json.dumps(SPEC), encoding="utf-8")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert _run(str(file), "--run", str(tmp_path / "run"), "--data-root", str(tmp_path)) == exits.USAGE
    assert "runs on tensorflow or jax" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_spec_with_findings_is_shown_and_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.trainspec.json"
    file.write_text(json.dumps({**SPEC, "trainning": {}}), encoding="utf-8")

    assert _run(str(file), "--run", str(tmp_path / "run"), "--data-root", str(tmp_path)) == exits.FINDINGS
    assert "unknown-key" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_what_nobody_can_train_is_shown_at_its_place_and_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "described.trainspec.json"
    file.write_text(json.dumps({**SPEC, "model": {"type": "declared", "parameters": 9}}, indent=1), encoding="utf-8")
    (tmp_path / "t.csv").write_text("x,y,label\n" + "1,2,a\n3,4,b\n" * 2500, encoding="utf-8")

    assert _run(str(file), "--run", str(tmp_path / "run"), "--data-root", str(tmp_path)) == exits.FINDINGS
    said = capsys.readouterr().err
    assert "/model/type can not be trained: a declared model is described, not built" in said
    assert f"{file}:" in said
    assert not (tmp_path / "run").exists()


def _taken_up(folder: Path, changed: dict[str, object] | None = None, ended: wire.Ended | None = None) -> int:
    """Make a run folder as an interrupted run leaves it, and try to go on with it under a changed spec."""
    run = wire.RunFolder(folder / "run")
    run.path.mkdir()
    run.resolved.write_text(json.dumps(language.resolve(SPEC)), encoding="utf-8")
    run.events.write_bytes(wire.encode(wire.Line(3, 0.0, ended)) if ended else b"")
    (folder / "t.csv").write_text("a,label\n" + "1,x\n2,y\n" * 300, encoding="utf-8")
    file = folder / "s.trainspec.json"
    file.write_text(json.dumps({**SPEC, **(changed or {})}), encoding="utf-8")
    return _run(str(file), "--run", str(run.path), "--data-root", str(folder), "--resume")


def test_going_on_with_a_changed_spec_is_refused_and_names_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _taken_up(tmp_path, {"training": {"epochs": 77}}) == exits.USAGE
    assert "/training/epochs is 77 and was" in capsys.readouterr().err


def test_going_on_with_a_run_that_is_done_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _taken_up(tmp_path, ended=wire.Ended(wire.SUCCEEDED, "completed", "Trained 5 of 5 epochs.")) == exits.USAGE
    assert "is done: Trained 5 of 5 epochs." in capsys.readouterr().err


def test_going_on_where_no_run_is_and_beginning_where_one_is_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "s.trainspec.json"
    file.write_text(json.dumps(SPEC), encoding="utf-8")
    (tmp_path / "t.csv").write_text("a,label\n" + "1,x\n2,y\n" * 300, encoding="utf-8")
    run = tmp_path / "run"
    assert _run(str(file), "--run", str(run), "--data-root", str(tmp_path), "--resume") == exits.USAGE
    assert "holds no run" in capsys.readouterr().err
    run.mkdir()
    (run / "resolved.json").write_text("{}", encoding="utf-8")
    assert _run(str(file), "--run", str(run), "--data-root", str(tmp_path)) == exits.USAGE
    assert "--resume" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", "[]", "3", '{"experiment": []}', '{"dataset": 3}', ""])
def test_a_run_whose_resolved_spec_was_spoilt_is_refused_in_words(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, run = tmp_path / "a.trainspec.json", tmp_path / "run"
    file.write_text(json.dumps(SPEC), encoding="utf-8")
    (tmp_path / "t.csv").write_text("x,y,label\n" + "1,2,a\n3,4,b\n" * 2500, encoding="utf-8")
    run.mkdir()
    (run / "resolved.json").write_text(content, encoding="utf-8")
    assert _run(str(file), "--run", str(run), "--data-root", str(tmp_path), "--resume") == exits.USAGE
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")


def test_names_and_notes_may_change_and_three_changes_are_named() -> None:
    before = language.resolve(SPEC)
    named = {**before, "experiment": {**before["experiment"], "name": "other"}, "$lint": []}
    assert sameness.changes(before, named) == ""
    changed = {**before, "training": {**before["training"], "epochs": 1, "batch_size": 2, "shuffle": False, "max_hours": 3}}
    assert sameness.changes(before, changed).endswith(", and 1 more")
    assert "seed is 5 and was 0" in sameness.changes(before, {**before, "experiment": {"seed": 5}})


def test_the_newest_attempt_and_how_it_ended_are_read_from_the_events(tmp_path: Path) -> None:
    ended = wire.Ended(wire.FAILED, "data", "Gone.")
    lines = [wire.encode(wire.Line(1, 0.0, ended)), b"junk\n", wire.encode(wire.Line(2, 0.0, wire.Diagnosis("x", 1, "y", 0.1)))]
    (tmp_path / "events").write_bytes(b"".join(lines[:1]))
    assert last_attempt(tmp_path / "events") == (1, ended)
    (tmp_path / "events").write_bytes(b"".join(lines))
    assert last_attempt(tmp_path / "events") == (2, None)
    assert last_attempt(tmp_path / "none") == (0, None)


def test_two_trainers_never_share_a_folder(tmp_path: Path) -> None:
    first = Journal(tmp_path / "events.jsonl", 1, lambda: 0.0)
    with pytest.raises(FolderBusyError):
        Journal(tmp_path / "events.jsonl", 2, lambda: 0.0)
    first.close()
    Journal(tmp_path / "events.jsonl", 2, lambda: 0.0).close()


def test_the_command_loads_without_keras_numpy_or_grpc() -> None:
    code = "import sys, trainyard.service.trainer.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()

    assert not {"keras", "tensorflow", "numpy", "grpc", "psutil", "sklearn"} & set(loaded)
