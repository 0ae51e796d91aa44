"""How soon a run that is asked to pause does: from the word in the control file to the last event, its bundle written.

Pictures of a size at which a step takes tens of milliseconds, so that steps are launched in bundles of half a second. Asked at
random moments; every answer is followed by another attempt at the same run, which costs its start again.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.bench.conftest import TRAINERS, Bench
from tests.crash.conftest import run_folder

from trainyard.linter.estimate.launching import LAUNCH_SECONDS
from trainyard.service import wire

ASKED = 8
SAMPLES, SIDE = 1500, 48
SLOW: dict[str, Any] = {
    "version": "v1",
    "experiment": {"seed": 7},
    "task": "classification",
    "dataset": {"type": "npz", "path": "pictures.npz", "scaling": "min_max", "input_shape": [SIDE, SIDE, 1], "facts": {"classes": 3}},
    "model": {"type": "cnn", "blocks": [{"filters": 16, "dropout": 0.1}, {"filters": 32, "dropout": 0.1}]},
    "training": {"epochs": 1000, "batch_size": 32},
    "callbacks": {"early_stopping": None, "checkpoint": {"keep": 1}},
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("word", [wire.PAUSE])
def test_a_run_of_long_launches_pauses_within_about_a_second(bench: Bench, tmp_path: Path, word: str) -> None:
    if not bench.full:
        pytest.skip("minutes of starting: with --run-bench")
    draw = np.random.default_rng(5)
    labels = np.arange(SAMPLES) % 3
    pictures = draw.integers(0, 120, size=(SAMPLES, SIDE, SIDE, 1)) + 40 * labels[:, None, None, None]
    np.savez(tmp_path / "pictures.npz", x=pictures.astype(np.uint8), y=labels)
    folder = run_folder(tmp_path / "run", SLOW)
    chance = random.Random("when to ask")

    seconds = sorted(_answered(folder, tmp_path, attempt, chance.uniform(0.0, 3.0), word) for attempt in range(1, ASKED + 1))

    figures = {"asked": ASKED, "launch_seconds": LAUNCH_SECONDS, "median_seconds": round(statistics.median(seconds), 3)}
    bench.keep(f"answering_{word}", {**figures, "longest_seconds": round(seconds[-1], 3)}, TRAINERS)
    assert statistics.median(seconds) <= 1.0


def _answered(folder: wire.RunFolder, data_root: Path, attempt: int, after_seconds: float, word: str) -> float:
    """Start an attempt, ask so long after its first sign of progress, and return how long the answer took."""
    folder.control.unlink(missing_ok=True)
    folder.progress.unlink(missing_ok=True)
    command = [sys.executable, "-P", "-m", "trainyard.service.trainer", str(folder.path), "--attempt", str(attempt)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    with folder.log.open("ab") as log:
        process = subprocess.Popen([*command, "--data-root", str(data_root)], env=environment, stdout=log, stderr=log)
    while not folder.progress.exists():
        assert process.poll() is None, folder.log.read_text(encoding="utf-8")
        time.sleep(0.02)
    time.sleep(after_seconds)
    asked = time.time()
    folder.control.write_text(word + "\n", encoding="utf-8")
    assert process.wait(60) == 0, folder.log.read_text(encoding="utf-8")
    last = wire.decode(folder.events.read_bytes().splitlines()[-1])
    assert isinstance(last.body, wire.Ended)
    assert last.body.outcome == wire.PAUSED
    return last.at - asked
