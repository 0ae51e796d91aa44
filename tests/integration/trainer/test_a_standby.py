"""A standby, as a server starts and orders it: the run it makes is the one that a trainer started afresh makes, to the last bit."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from trainyard.service import wire
from trainyard.service.executor.environment import CPU, STANDBY, standby_environment

DEADLINE_SECONDS = 180.0


def _ordered(folder: wire.RunFolder, data_root: Path, waiting: Path) -> str:
    """Give a run to a standby and return what it said before it had one."""
    environment = standby_environment(os.environ, slots=1)(CPU)
    order = {
        "arguments": [str(folder.path), "--attempt", "1", "--data-root", str(data_root)],
        "environment": {"HOME": str(folder.path)},
        "log": str(folder.log),
    }
    said = waiting / "standby.log"
    with said.open("wb") as log:
        standby = subprocess.Popen(STANDBY, cwd=waiting, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log)
    standby.communicate(json.dumps(order).encode() + b"\n", timeout=DEADLINE_SECONDS)
    assert standby.returncode == 0, folder.log.read_text(encoding="utf-8")
    return said.read_text(encoding="utf-8")


def _afresh(folder: wire.RunFolder, data_root: Path) -> None:
    command = [sys.executable, "-P", "-m", "trainyard.service.trainer", str(folder.path), "--data-root", str(data_root), "--device", "cpu"]
    environment = {**os.environ, **standby_environment(os.environ, slots=1)(CPU), "HOME": str(folder.path)}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=DEADLINE_SECONDS)


def test_a_standby_that_took_a_step_in_advance_trains_the_same_run_to_the_last_bit(write_run: Any, data_root: Path, tmp_path: Path) -> None:
    spec = {"training": {"epochs": 3, "deterministic": True}, "augmentation": "light"}
    afresh, ordered = (write_run("images", **spec) for _ in range(2))
    _afresh(afresh, data_root)

    said = _ordered(ordered, data_root, tmp_path)

    assert "in advance failed" not in said
    assert (ordered.artifacts / "history.json").read_bytes() == (afresh.artifacts / "history.json").read_bytes()
    weights = [keras.models.load_model(run.artifacts / "best.keras").get_weights() for run in (afresh, ordered)]
    assert all(np.array_equal(one, other) for one, other in zip(*weights, strict=True))
    names = [[layer.name for layer in keras.models.load_model(run.artifacts / "best.keras").layers] for run in (afresh, ordered)]
    assert names[0] == names[1], "nothing of the first step is left in the names of layers"
