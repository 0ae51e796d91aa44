"""The trainer as a process: exit codes, signals, the control file, limits of the machine."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trainyard.service import wire

LONG: dict[str, Any] = {"training": {"epochs": 100_000}, "callbacks": {"early_stopping": None}}
DEADLINE_SECONDS = 120.0
# After this long the server sends SIGKILL.
GRACE_SECONDS = 10.0


@pytest.fixture
def start(data_root: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start_trainer(folder: wire.RunFolder, **options: Any) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-P",
            "-m",
            "trainyard.service.trainer",
            str(folder.path),
            "--attempt",
            "1",
            "--data-root",
            str(data_root),
        ]
        environment = {**os.environ, "HOME": str(folder.path), "CUDA_VISIBLE_DEVICES": "-1"}
        with folder.log.open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, **options)
        started.append(process)
        return process

    yield start_trainer
    for process in started:
        process.kill()
        process.wait()


def _wait_for_epoch(folder: wire.RunFolder, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if folder.events.exists() and b'"epoch_finished"' in folder.events.read_bytes():
            return
        assert process.poll() is None, folder.log.read_text(encoding="utf-8")
        time.sleep(0.05)
    pytest.fail("no epoch in time")


def test_sigterm_ends_the_run_at_once_with_one_last_word(start: Any, write_run: Any, read_run: Any) -> None:
    folder = write_run(**LONG)
    process = start(folder)
    _wait_for_epoch(folder, process)

    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_SECONDS) == 143
    result = read_run(folder)

    assert time.monotonic() - asked < GRACE_SECONDS
    assert [event for event in result.events if isinstance(event, wire.Ended)] == [result.events[-1]]
    assert (result.verdict.outcome, result.verdict.reason) == (wire.FAILED, "trainer_lost")
    assert len(result.json("history.json")["epochs"]) == len(result.of(wire.EpochFinished))
    assert not (folder.path / ".keras").exists()
    assert "Traceback" not in folder.log.read_text(encoding="utf-8")


def test_a_limit_on_file_size_is_a_full_disk(start: Any, write_run: Any, read_run: Any) -> None:
    """The model does not fit under the limit; the event log does."""
    folder = write_run(model={"type": "mlp", "hidden": [256, 256]})

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    assert start(folder, preexec_fn=limit).wait(DEADLINE_SECONDS) == 1
    result = read_run(folder)

    assert (result.verdict.outcome, result.verdict.reason) == (wire.FAILED, "disk_full")
    assert not (folder.artifacts / "best.keras").exists()
    assert not [file for file in folder.artifacts.iterdir() if ".part" in file.name]


def test_a_trainer_that_was_stopped_and_continued_pauses_on_request(start: Any, write_run: Any, read_run: Any) -> None:
    folder = write_run(**LONG)
    process = start(folder)
    _wait_for_epoch(folder, process)
    process.send_signal(signal.SIGSTOP)
    status = Path(f"/proc/{process.pid}/stat")
    _wait_until(lambda: status.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T")
    process.send_signal(signal.SIGCONT)
    asked = time.monotonic()
    folder.control.write_text("pause\n", encoding="utf-8")
    assert process.wait(DEADLINE_SECONDS) == 0
    result = read_run(folder)

    assert time.monotonic() - asked < GRACE_SECONDS
    assert (result.verdict.outcome, result.verdict.reason) == (wire.PAUSED, wire.ASKED)
    head = wire.read_bundle_head(folder)
    assert head is not None
    assert head.epoch == len(result.of(wire.EpochFinished))


def test_a_second_trainer_in_a_folder_is_turned_away(start: Any, write_run: Any) -> None:
    folder = write_run(**LONG)
    first = start(folder)
    _wait_for_epoch(folder, first)
    assert start(folder).wait(DEADLINE_SECONDS) == 2
    assert first.poll() is None


def _wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)
