"""Data that many specs are submitted on is read once, and again when it changes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter import facts
from trainyard.linter.facts import Facts, Problem, Trouble
from trainyard.service.core.gate import Gate
from trainyard.service.core.recent_facts import RecentFacts


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
    settled(tmp_path / "table.csv", "\n".join(["x,y,label", *rows]) + "\n")
    return tmp_path


def settled(path: Path, text: str) -> None:
    """Write a file that was not written just now."""
    path.write_text(text)
    long_ago = time.time() - 100 - len(text)
    os.utime(path, (long_ago, long_ago))


def spec(**changes: Any) -> bytes:
    return json.dumps(
        {
            "version": "v1",
            "experiment": {"name": "x"},
            "task": "classification",
            "dataset": {"type": "csv", "path": "table.csv", "target": "label", "input_shape": [2], "scaling": "standardize"},
            "model": {"type": "mlp", "hidden": [8], "dropout": 0.1},
            "optimizer": {"type": "adam", "learning_rate": 0.001},
            "training": {"epochs": 3, "batch_size": 8},
        }
        | changes
    ).encode()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The data sets that were read from the disk."""
    found: list[str] = []
    really = facts._read_kind

    def read(dataset: Any, *rest: Any, **of: Any) -> Facts:
        found.append(dataset.path)
        return really(dataset, *rest, **of)

    monkeypatch.setattr(facts, "_read_kind", read)
    return found


def test_a_sweep_on_the_same_data_reads_it_once(root: Path, reads: list[str]) -> None:
    gate = Gate(root)
    verdicts = [gate.judge(spec(optimizer={"type": "adam", "learning_rate": rate})) for rate in (0.001, 0.002, 0.003)]
    assert all(verdict.passed for verdict in verdicts)
    assert reads == ["table.csv"]


def test_data_that_changed_is_read_again_and_judged_as_it_is(root: Path, reads: list[str]) -> None:
    gate = Gate(root)
    assert gate.judge(spec()).passed
    settled(root / "table.csv", "x,y\n1,2\n")
    assert not gate.judge(spec()).passed
    (root / "table.csv").unlink()
    assert any(finding.pointer == "/dataset/path" for finding in gate.judge(spec()).report.findings)


def test_facts_with_a_complaint_and_facts_that_are_not_whole_are_not_kept() -> None:
    kept = RecentFacts()
    kept.put("a", Facts("csv", "x", complete=False))
    kept.put("b", Facts("csv", "x", problems=(Problem(Trouble.NO_ROOT, "x", "m"),)))
    kept.put("c", Facts("csv", "x"))
    assert [kept.get(key) is not None for key in "abc"] == [False, False, True]


def test_only_the_facts_that_were_asked_for_lately_are_kept() -> None:
    kept = RecentFacts(most=2)
    for key in ("a", "b"):
        kept.put(key, Facts("csv", key))
    kept.get("a")
    kept.put("c", Facts("csv", "c"))
    assert [kept.get(key) is not None for key in "abc"] == [True, False, True]


@pytest.mark.parametrize(
    "source", [spec(), spec(task="other"), b"{", b"[]", spec(optimizer={"type": "adma"}), spec(experiment={"name": 7})]
)
def test_a_spec_that_is_understood_beforehand_is_judged_like_any(root: Path, source: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Gate(root).judge(source).report
    monkeypatch.setattr("trainyard.service.core.gate._understood", lambda *_: None)
    thorough = Gate(root).judge(source).report
    assert quick.to_json("") == thorough.to_json("")
    assert quick.digest == thorough.digest
