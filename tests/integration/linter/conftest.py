"""The command line, run inside this process or as a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from trainyard.linter.cli import exits
from trainyard.linter.cli.main import trainlint
from trainyard.linter.cli.settings import discovery

GOOD: dict[str, Any] = {
    "version": "v1",
    "experiment": {"name": "flowers"},
    "task": "classification",
    "dataset": {
        "type": "csv",
        "path": "flowers.csv",
        "target": "kind",
        "facts": {"samples": 3000, "classes": ["a", "b", "c"], "class_counts": {"a": 1000, "b": 1000, "c": 1000}, "content": "medical"},
    },
    "model": {"type": "mlp", "hidden": [32], "dropout": 0.2},
    "optimizer": {"type": "adam", "learning_rate": 0.001},
    "training": {"epochs": 60, "batch_size": 32},
}


class Outcome(NamedTuple):
    """What a run left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test works in a folder of its own, with nothing said in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    discovery.forget()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``trainlint`` in this process."""

    def call(*arguments: str, stdin: str | bytes = b"") -> Outcome:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        capsys.readouterr()
        code = exits.run(trainlint, arguments, program="trainlint")
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture
def process() -> Run:
    """Run ``trainlint`` as a process of its own."""

    def call(*arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None, python: Sequence[str] = ()) -> Outcome:
        command = [sys.executable, *python, "-m", "trainyard.linter.cli.main", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60, env={**os.environ, **(env or {})})
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a spec, the healthy one with some sections replaced; return its name."""

    def spec(name: str = "a.trainspec.json", /, **sections: Any) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**GOOD, **sections}, indent=2) + "\n", encoding="utf-8")
        return name

    return spec
