"""Profiles of boxes and the cache of facts, as a user meets them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Run = Callable[..., Any]
GIGABYTE = 10**9
POOLED = {
    "version": "v1",
    "experiment": {"name": "pooled"},
    "task": "classification",
    "dataset": {
        "type": "npz",
        "path": "pictures.npz",
        "input_shape": [64, 64, 3],
        "scaling": "standardize",
        "facts": {"samples": 60000, "classes": 10, "class_counts": [6000] * 10, "content": "photo"},
    },
    "model": {"type": "cnn", "blocks": [{"filters": filters, "convolutions": 2, "dropout": 0.2} for filters in (32, 64, 128)]},
    "optimizer": {"type": "adam", "learning_rate": 0.001},
    "training": {"batch_size": 128, "epochs": 30},
}


def profile(backend: str, memory_bytes: float) -> str:
    described = {
        "device": "Some CPU",
        "kind": "cpu",
        "backend": backend,
        "memory_bytes": memory_bytes,
        "usable_share": 1,
        "context_bytes": 0,
    }
    # A name of its own each time: a profile is read once in a process.
    name = f"{backend}-{memory_bytes:.0f}.hardware.json"
    Path(name).write_text(json.dumps(described), encoding="utf-8")
    return name


def findings(outcome: Any) -> dict[str, str]:
    return {finding["code"]: finding["severity"] for file in outcome.json["files"] for finding in file["findings"]}


def test_a_step_that_xla_cannot_lay_out_on_a_box_is_an_error_and_one_that_it_can_is_silence(run: Run) -> None:
    Path("pooled.trainspec.json").write_text(json.dumps(POOLED), encoding="utf-8")
    # XLA reports 0.97 GB for this step without its dropout (deep-64-large in tests/bench/results/memory_xla.json).
    for memory, severity in ((0.5 * GIGABYTE, "error"), (1.2 * GIGABYTE, "warning"), (2 * GIGABYTE, None)):
        outcome = run("check", "pooled.trainspec.json", "--hardware", profile("jax", memory), "--format", "json")
        assert findings(outcome).get("MEM001") == severity, memory


def test_a_profile_with_a_misspelt_figure_is_refused_with_the_word_that_was_meant(run: Run) -> None:
    Path("pooled.trainspec.json").write_text(json.dumps(POOLED), encoding="utf-8")
    Path("misspelt.hardware.json").write_text(json.dumps({"device": "x", "memory_byte": 1}), encoding="utf-8")
    outcome = run("check", "pooled.trainspec.json", "--hardware", "misspelt.hardware.json")
    assert outcome.code == 2
    assert "did you mean 'memory_bytes'" in outcome.err


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRAINYARD_CACHE", str(tmp_path / "cache"))
    for name in ("ant", "bee"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(3):
            Image.new("L", (4, 4)).save(tmp_path / "data" / name / f"{index}.png")
    for path in (tmp_path / "data").rglob("*.png"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return tmp_path


def spoil(root: Path) -> None:
    """Write another number of samples into what was kept."""
    (kept,) = (root / "cache/facts").glob("*.json")
    kept.write_text(kept.read_text(encoding="ascii").replace('"samples": 6', '"samples": 7'), encoding="ascii")


def test_facts_come_from_the_cache_until_the_data_changes_or_none_is_wanted(run: Run, pictures: Path) -> None:
    def samples(*arguments: str) -> int:
        found: int = run("facts", "data", "--format", "json", *arguments).json["facts"]["samples"]
        return found

    assert samples() == 6
    spoil(pictures)
    assert samples() == 7
    assert samples("--no-cache") == 6
    (pictures / "data/ant/0.png").unlink()
    assert samples() == 5


def test_a_cache_that_cannot_be_made_is_no_trouble(run: Run, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pictures / "file").write_text("x", encoding="utf-8")
    monkeypatch.setenv("TRAINYARD_CACHE", str(pictures / "file"))
    outcome = run("facts", "data", "--format", "json")
    assert (outcome.code, outcome.err) == (0, "")
