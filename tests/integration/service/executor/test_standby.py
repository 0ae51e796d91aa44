"""Standbys: one per free slot, given an order once, gone with their server. With a stand-in that imports no Keras."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trainyard.service.executor import processes, run_folder
from trainyard.service.executor.launching import LocalLauncher, Order
from trainyard.service.executor.standby import Standbys
from trainyard.service.wire import RunFolder

STAND_IN = """
import json, os, sys, time
line = sys.stdin.buffer.readline()
if not line:
    sys.exit(0)
order = json.loads(line)
open(os.path.join(order["environment"]["HOME"], "told"), "w").write(json.dumps(order))
time.sleep(60)
"""
COMMAND = [sys.executable, "-c", STAND_IN]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


@pytest.fixture
def standbys(tmp_path: Path) -> Iterator[Standbys]:
    made = Standbys(COMMAND, lambda device: {"PATH": os.environ["PATH"], "DEVICE": device}, tmp_path, time.monotonic, quiet_seconds=0.0)
    yield made
    made.close()


def order(folder: Path) -> Order:
    run = RunFolder(folder / "runs" / "j")
    run.path.mkdir(parents=True, exist_ok=True)
    return Order("j", 1, run, "cpu")


@pytest.fixture
def launcher(standbys: Standbys) -> Iterator[LocalLauncher]:
    def command(of: Order) -> list[str]:
        return [*COMMAND, str(of.run.path), "--attempt", str(of.attempt)]

    made = LocalLauncher(command, lambda of: {"PATH": os.environ["PATH"], "HOME": str(of.run.path)}, standbys=standbys)
    yield made
    made.close()


def test_there_is_one_standby_for_each_free_slot(standbys: Standbys) -> None:
    for _ in range(5):
        standbys.keep(["cpu", "cpu"])
    assert len(standbys.pids()) == 2
    standbys.keep(["cpu"])
    assert len(standbys.pids()) == 1
    standbys.keep([])
    assert standbys.pids() == []


def test_none_is_started_while_there_is_something_else_to_do(tmp_path: Path) -> None:
    now = [0.0]
    made = Standbys(COMMAND, lambda _: {}, tmp_path, lambda: now[0], quiet_seconds=3.0)
    made.keep(["cpu"])
    assert made.pids() == []
    now[0] = 2.0
    assert made.take("cpu") is None
    now[0] = 4.0
    made.keep(["cpu"])
    assert made.pids() == []
    now[0] = 5.0
    made.keep(["cpu"])
    assert len(made.pids()) == 1
    made.close()


def test_standbys_that_end_by_themselves_are_given_up(tmp_path: Path) -> None:
    made = Standbys([sys.executable, "-c", ""], lambda _: {}, tmp_path, time.monotonic, quiet_seconds=0.0)

    def tried() -> int:
        made.keep(["cpu"])
        return made._failures

    until(lambda: tried() >= 3)
    made.keep(["cpu"])
    assert made.pids() == []


def test_a_standby_takes_the_order_and_is_known_before_it_has_it(launcher: LocalLauncher, standbys: Standbys, tmp_path: Path) -> None:
    standbys.keep(["cpu"])
    (waiting,) = standbys.pids()
    job = order(tmp_path)
    process = launcher.launch(job)
    assert process.pid == waiting
    assert run_folder.noted_process(job.run, 1, process.host) == process
    until((job.run.path / "told").exists)
    until((job.run.path / "told").read_text)
    told = json.loads((job.run.path / "told").read_text())
    assert told["arguments"] == [str(job.run.path), "--attempt", "1"]
    assert (told["environment"]["HOME"], told["log"]) == (str(job.run.path), str(job.run.log))
    again = LocalLauncher(launcher._command, launcher._environment)
    assert again.find(job) == process
    launcher.signal(process, signal.SIGKILL)
    until(lambda: launcher.gone(process))


def test_a_dead_standby_costs_nothing_but_time(launcher: LocalLauncher, standbys: Standbys, tmp_path: Path) -> None:
    standbys.keep(["cpu"])
    (waiting,) = standbys.pids()
    os.kill(waiting, signal.SIGKILL)
    until(lambda: processes.look(waiting) is None)
    process = launcher.launch(order(tmp_path))
    assert process.pid != waiting
    launcher.signal(process, signal.SIGKILL)
    until(lambda: launcher.gone(process))


def test_standbys_go_with_their_server_however_it_ends(tmp_path: Path) -> None:
    """The server here is a program that starts one standby and is killed."""
    program = (
        "import sys, time; from pathlib import Path; from trainyard.service.executor.standby import Standbys\n"
        f"s = Standbys({COMMAND!r}, lambda _: {{}}, Path({str(tmp_path)!r}), time.monotonic, quiet_seconds=0.0)\n"
        "s.keep(['cpu']); print(s.pids()[0], flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        standby = int(server.stdout.readline())
        assert processes.look(standby) is not None
        server.kill()
    until(lambda: processes.look(standby) is None)


def test_a_disk_that_takes_no_note_leaves_no_standby_behind(
    launcher: LocalLauncher, standbys: Standbys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standbys.keep(["cpu"])
    (pid,) = standbys.pids()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_folder, "note_process", full)
    with pytest.raises(OSError, match="No space left"):
        launcher.launch(order(tmp_path))
    until(lambda: not Path(f"/proc/{pid}").exists())
