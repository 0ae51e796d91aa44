import json
import subprocess
import sys
from pathlib import Path

import pytest

from trainyard.linter.cli import exits
from trainyard.service.trainer.main import train

SPEC = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "csv", "path": "t.csv", "target": "label"},
    "model": {"type": "mlp", "hidden": [4]},
}


def _run(*arguments: str) -> int:
    return exits.run(train, arguments, program="trainyard")


def test_a_missing_file_is_a_usage_error_on_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(str(tmp_path / "none.json"), "--run", str(tmp_path / "run")) == exits.USAGE
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_spec_with_findings_is_shown_and_nothing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.trainspec.json"
    file.write_text(json.dumps({**SPEC, "trainning": {}}), encoding="utf-8")

    assert _run(str(file), "--run", str(tmp_path / "run"), "--data-root", str(tmp_path)) == exits.FINDINGS
    assert "unknown-key" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_resuming_is_refused_with_a_clear_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("x.json", "--run", str(tmp_path), "--resume") == exits.USAGE
    assert "can not be resumed yet" in capsys.readouterr().err


def test_the_command_loads_without_keras_numpy_or_grpc() -> None:
    code = "import sys, trainyard.service.trainer.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()

    assert not {"keras", "tensorflow", "numpy", "grpc", "psutil", "sklearn"} & set(loaded)
