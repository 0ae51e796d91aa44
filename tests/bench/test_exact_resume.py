"""Killed by SIGKILL at random moments, resumed every time, and equal to the run that was never killed."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.bench.conftest import TRAINERS, Bench
from tests.crash.conftest import EVERYTHING, Mortal, run_folder, same, write_arrays

KILLS = 20
LONG = {
    **EVERYTHING,
    "training": {**EVERYTHING["training"], "epochs": 300},
    "callbacks": {"early_stopping": None, "checkpoint": {"keep": 2}},
}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_twenty_random_deaths_change_neither_a_digit_nor_a_bit(bench: Bench, tmp_path: Path, backend: str) -> None:
    if not bench.full:
        pytest.skip("minutes of training: with --run-bench")
    write_arrays(tmp_path / "arrays.npz", 600)
    whole = Mortal(run_folder(tmp_path / "whole", LONG), tmp_path, backend)
    assert whole.live("never") == 0
    draw = random.Random(f"deaths on {backend}")
    killed = Mortal(run_folder(tmp_path / "killed", LONG), tmp_path, backend, options=["--bundle-every", "5"])
    deaths = 0
    while deaths < KILLS:
        if not _die(killed, draw.uniform(0.0, 2.0)):
            break
        deaths += 1
    if deaths == KILLS:
        assert killed.live("never") == 0
    bench.keep(f"exact_resume_{backend}", {"deaths": deaths, "attempts": killed.attempts, "epochs": 300}, TRAINERS)
    same(killed, whole)
    assert deaths >= KILLS


def _die(run: Mortal, seconds: float) -> bool:
    """Start an attempt and kill it so long after it began to train; tell whether it was killed before it ended."""
    began = run.folder.events.stat().st_size if run.folder.events.exists() else 0
    process = run.start("never")
    while process.poll() is None and not _trains(run, began):
        time.sleep(0.01)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    return process.wait() == -signal.SIGKILL


def _trains(run: Mortal, began: int) -> bool:
    return run.folder.events.exists() and b'"kind":"started"' in run.folder.events.read_bytes()[began:]
