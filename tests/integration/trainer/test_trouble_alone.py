"""``trainyard train`` in trouble: stopped, its data gone, ended from outside, its disk full; what it says, and how it goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.trainer.test_the_train_command import CODE

from trainyard.service import wire
from trainyard.service.trainer.bundle.files import BundleFiles

DEADLINE_SECONDS = 120.0
SMALL_DISK, LARGE_DISK = "size=150k", "size=64m"
TABLE = "breast-cancer/breast_cancer.csv"


@dataclass
class Command:
    """``trainyard train`` on one run folder, attempt after attempt."""

    file: Path
    run: wire.RunFolder
    root: Path

    def start(self, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", CODE, str(self.file), "--run", str(self.run.path), "--data-root", str(self.root), "--json", *more]
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)

    @property
    def epochs(self) -> list[int]:
        return [body.epoch for body in self.bodies if isinstance(body, wire.EpochFinished)]

    @property
    def bodies(self) -> list[wire.Body]:
        """What was said; a line that a full disk cut in half says nothing, to the server's reader as to this one."""
        lines = self.run.events.read_bytes().splitlines() if self.run.events.exists() else []
        found: list[wire.Body] = []
        for line in lines:
            with suppress(wire.WireError):
                found.append(wire.decode(line).body)
        return found

    def wait_for(self, happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not happened():
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)


@pytest.fixture
def command(repository: Path, tmp_path: Path) -> Command:
    """The example on a copy of its table, for far more epochs than anybody waits for."""
    root, spec = tmp_path / "root", json.loads((repository / "examples/breast-cancer/good.trainspec.json").read_bytes())
    (root / TABLE).parent.mkdir(parents=True)
    shutil.copy(repository / "examples" / TABLE, root / TABLE)
    file, long = tmp_path / "s.trainspec.json", {"epochs": 5000, "batch_size": 16, "max_hours": 0.1}
    file.write_text(json.dumps({**spec, "training": long, "callbacks": {"early_stopping": None}}), encoding="utf-8")
    return Command(file, wire.RunFolder(tmp_path / "run"), root)


def test_a_run_bears_being_stopped_and_its_data_vanishing_and_goes_on_after_sigterm_when_they_are_back(command: Command) -> None:
    process = command.start()
    command.wait_for(lambda: len(command.epochs) >= 1, process)
    process.send_signal(signal.SIGSTOP)
    (command.root / TABLE).rename(command.root / "elsewhere.csv")
    before = len(command.epochs)
    command.wait_for(lambda: len(command.epochs) > before, process)
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGTERM)
    said, shown = process.communicate(timeout=DEADLINE_SECONDS)

    assert process.returncode == 128 + signal.SIGTERM, shown
    assert (json.loads(said)["outcome"], json.loads(said)["reason"]) == (wire.PAUSED, wire.ASKED)
    assert "in 10 s it is ended" in shown
    assert BundleFiles(command.run).read() is not None
    assert len(json.loads((command.run.artifacts / "history.json").read_bytes())["epochs"]) == len(command.epochs)
    assert not list(command.run.path.rglob("*.part*"))

    refused = command.start("--resume")
    _, shown = refused.communicate(timeout=DEADLINE_SECONDS)
    assert refused.returncode == 1
    assert TABLE in shown
    assert "Traceback" not in shown
    trained = command.epochs

    (command.root / "elsewhere.csv").rename(command.root / TABLE)
    again = command.start("--resume")
    command.wait_for(lambda: len(command.epochs) > len(trained), again)
    command.run.control.write_text("stop\n", encoding="utf-8")
    said, shown = again.communicate(timeout=DEADLINE_SECONDS)
    assert again.returncode == 0, shown
    assert (json.loads(said)["outcome"], json.loads(said)["reason"]) == (wire.SUCCEEDED, "stopped")
    assert command.epochs == list(range(1, len(command.epochs) + 1))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that is soon full."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or not Path("/bin/mount").exists() or _mount(disk, SMALL_DISK):
        pytest.skip("only root may mount a small disk; a limit on file sizes stands in for it in another test")
    yield disk
    subprocess.run(["/bin/umount", "-l", str(disk)], check=False)


def _mount(disk: Path, size: str, *options: str) -> int:
    return subprocess.run(
        ["/bin/mount", *options, "-t", "tmpfs", "-o", size, "tmpfs", str(disk)], check=False, capture_output=True
    ).returncode


def test_a_full_disk_is_named_and_with_more_room_the_run_goes_on(command: Command, small_disk: Path) -> None:
    command.run = wire.RunFolder(small_disk / "run")
    process = command.start()
    said, shown = process.communicate(timeout=DEADLINE_SECONDS)

    assert process.returncode == 1, shown
    assert "Traceback" not in shown
    told = json.loads(said)
    assert (told["outcome"], told["reason"]) == (wire.FAILED, "disk_full")
    assert told["message"] == "The disk with the run folder is full, or a size limit was reached."
    assert not list(command.run.path.rglob("*.part*"))
    for left in command.run.artifacts.glob("*.json"):
        json.loads(left.read_bytes())

    assert _mount(small_disk, f"remount,{LARGE_DISK}") == 0
    trained = command.epochs
    again = command.start("--resume")
    command.wait_for(lambda: len(command.epochs) > len(trained), again)
    command.run.control.write_text("stop\n", encoding="utf-8")
    said, shown = again.communicate(timeout=DEADLINE_SECONDS)
    assert json.loads(said)["outcome"] == wire.SUCCEEDED, shown
    # Its first bundle may not have had room: then the run begins anew, and its history is whole all the same.
    history = [epoch["epoch"] for epoch in json.loads((command.run.artifacts / "history.json").read_bytes())["epochs"]]
    assert history == list(range(1, len(history) + 1))
    assert history[-1] == command.epochs[-1]
