"""What is refused before Keras is imported: a person waits a second for it, not ten."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter import spec as language
from trainyard.service import wire
from trainyard.service.trainer.journal import Journal
from trainyard.service.trainer.run import Task, run
from trainyard.service.trainer.verdict import Verdict

WRITTEN: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "csv", "path": "t.csv", "target": "label"},
    "model": {"type": "mlp", "hidden": [4]},
    "loss": {"type": "ctc"},
}


def _run(path: Path) -> Verdict:
    folder = wire.RunFolder(path)
    return run(Task(folder, Journal(folder.events, 1, lambda: 0.0), path, "cpu", lambda: 0.0))


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"version": "v1"}', "\x00"])
def test_a_folder_without_a_resolved_spec_is_refused_with_a_sentence(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "resolved.json").write_text(content, encoding="utf-8")

    verdict = _run(tmp_path)

    assert (verdict.outcome, verdict.reason, verdict.exit_code) == (wire.FAILED, "spec", 1)
    assert "no resolved spec" in verdict.message


def test_a_spec_that_can_not_be_trained_is_refused_before_keras_is_imported(tmp_path: Path) -> None:
    (tmp_path / "resolved.json").write_text(json.dumps(language.resolve(WRITTEN)), encoding="utf-8")
    code = f"""
import sys
sys.argv = ["trainer", {str(tmp_path)!r}, "--data-root", {str(tmp_path)!r}]
import os
os._exit = lambda code: print(code, *sys.modules)
from trainyard.service.trainer.__main__ import main
main(standalone_mode=False)
"""
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()

    assert said[0] == "1"
    assert not {"keras", "tensorflow", "numpy"} & set(said)
    ended = wire.decode((tmp_path / "events.jsonl").read_bytes().splitlines()[-1]).body
    assert isinstance(ended, wire.Ended)
    assert (ended.reason, "/loss/type" in ended.message) == ("spec", True)
