"""TensorBoard itself draws what a run writes and what an export writes: its server is started and asked over HTTP."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import Machine, wait_until
from tests.acceptance.ports import answers, free_port

pytest.importorskip("tensorboard", reason="TensorBoard is not installed (it is in the group 'dev')")
pytestmark = pytest.mark.keras

EPOCHS = 40
PLUGIN = "/data/plugin/scalars"


@contextmanager
def tensorboard(logs: Path, log: Path) -> Iterator[str]:
    """Run TensorBoard over a folder and yield its address."""
    address = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs), "--port", address.rpartition(":")[2], "--load_fast=false"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_until(lambda: process.poll() is not None or answers(f"{address}{PLUGIN}/tags"))
        assert process.poll() is None, log.read_text()
        yield address
    finally:
        process.terminate()
        process.wait(30)


def asked(address: str, path: str, **parameters: str) -> Any:
    url = f"{address}{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - an address of this test's own
        return json.load(answer)


def test_tensorboard_draws_a_run_and_its_export_as_the_history_tells_them(machine: Machine) -> None:
    told = json.loads((machine.examples / "breast-cancer/good.trainspec.json").read_text())
    told["training"]["epochs"] = EPOCHS
    told["callbacks"] = {"early_stopping": None, "tensorboard": True}
    (machine.folder / "forty.trainspec.json").write_text(json.dumps(told))
    trained = machine.run("train", "forty.trainspec.json", "--run", "run", "--data-root", str(machine.examples))
    assert trained.returncode == 0, trained.stderr
    logs = machine.folder / "logs"
    assert machine.run("export", "run", "--format", "tensorboard", "-o", str(logs / "exported")).returncode == 0
    (logs / "written").symlink_to(machine.folder / "run/artifacts/tensorboard", target_is_directory=True)
    history = list(csv.DictReader(StringIO(machine.run("export", "run").stdout)))
    assert len(history) == EPOCHS

    runs = {"exported/train": "", "exported/validation": "val_", "written/train": "", "written/validation": "val_"}
    with tensorboard(logs, machine.folder / "tensorboard.log") as address:
        wait_until(lambda: asked(address, f"{PLUGIN}/tags").keys() >= runs.keys())
        tags = asked(address, f"{PLUGIN}/tags")
        for run, prefix in runs.items():
            assert {"epoch_loss", "epoch_accuracy"} <= tags[run].keys()
            for tag in ("epoch_loss", "epoch_accuracy"):
                points = asked(address, f"{PLUGIN}/scalars", run=run, tag=tag)
                wanted = [float(row[prefix + tag.removeprefix("epoch_")]) for row in history]
                assert [value for _, _, value in points] == pytest.approx(wanted, rel=1e-6), (run, tag)
            assert "epoch_learning_rate" in tags[run] or prefix
