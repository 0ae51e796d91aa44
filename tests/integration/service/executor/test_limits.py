"""What a trainer may not do for ever: be silent, be long, be large, talk without end. With real processes that are no Keras."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trainyard.service.core.jobs import Job, TrainerProcess
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import Command, State
from trainyard.service.executor import memory, processes, run_folder
from trainyard.service.executor.launching import LocalLauncher, Order
from trainyard.service.executor.patience import Patience
from trainyard.service.executor.slots import Slots
from trainyard.service.executor.supervisor import Supervisor
from trainyard.service.executor.walls import Wall
from trainyard.service.main.policy_file import House
from trainyard.service.store import open_sqlite
from trainyard.service.wire import RunFolder

FAKE = Path(__file__).parent.parent / "fake_trainer.py"
HASTY = Patience(exit_seconds=0.2, grace_seconds=0.3, pause_seconds=0.3, stop_seconds=0.3)


class Clock:
    """Real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class Yard:
    """A supervisor with a patience of its own."""

    def __init__(self, folder: Path, patience: Patience, **launcher: Any) -> None:
        self.store = open_sqlite(folder / "jobs.sqlite")
        self.available = 1 << 40
        made = LocalLauncher(self.command, lambda _: {"PATH": os.environ["PATH"]}, **launcher)
        self.launcher = made
        self.supervisor = Supervisor(
            store=self.store,
            launcher=made,
            runs=folder / "runs",
            slots=Slots(2, ("cpu",)),
            clock=Clock(),
            patience=patience,
            available_bytes=lambda: self.available,
        )

    def command(self, order: Order) -> list[str]:
        mode = self.store.job(order.job_id).summary.experiment
        return [sys.executable, str(FAKE), str(order.run.path), "--attempt", str(order.attempt), mode]

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(min(self.supervisor.tick().value, 0.01))

    def running(self, job_id: str) -> Job:
        self.until(lambda: self.store.job(job_id).epoch == 1)
        return self.store.job(job_id)

    def settled(self, job_id: str) -> Job:
        self.until(lambda: not self.store.job(job_id).held and self.store.job(job_id).state in {State.PAUSED, *_OVER})
        return self.store.job(job_id)

    def close(self) -> None:
        for job in self.store.unsettled():
            if job.process is not None:
                processes.send(job.process, signal.SIGKILL)
        self.launcher.close()
        self.store.close()


_OVER = {State.SUCCEEDED, State.FAILED, State.CANCELLED}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Yard]]:
    yards: list[Yard] = []

    def build(patience: Patience = HASTY, **launcher: Any) -> Yard:
        yards.append(Yard(tmp_path, patience, **launcher))
        return yards[-1]

    yield build
    for yard in yards:
        yard.close()


def test_a_trainer_without_a_sign_of_life_leaves_its_stacks_and_goes(make: Any, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainyard.service.executor.minding.LOOK_SECONDS", 0.05)
    yard = make(replace(HASTY, stall_seconds=0.5))
    job_id = submit(yard.store, experiment="frozen")
    yard.running(job_id)
    job = yard.settled(job_id)
    assert (job.state, job.reason) == (State.FAILED, Reason.TRAINER_LOST)
    assert "no sign of life" in job.message
    assert "wait_for_go" in yard.supervisor.run_of(job_id).log.read_text()


def test_a_trainer_that_takes_too_long_is_ended_and_not_tried_again(make: Any, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainyard.service.executor.minding.LOOK_SECONDS", 0.05)
    yard = make(replace(HASTY, wall_seconds=0.5))
    job = yard.settled(submit(yard.store, experiment="hold", max_attempts=3))
    assert (job.state, job.reason, job.attempt) == (State.FAILED, Reason.TIMEOUT, 1)


def test_an_attempt_ends_at_the_fewer_hours_of_both_and_later_only_when_its_spec_ends_it_by_itself(tmp_path: Path) -> None:
    """All combinations of the policy's hours, the operator's, and those of the spec."""
    policy, run = tmp_path / "policy.toml", RunFolder(tmp_path)
    for said, most, least in ((2.0, None, 2.0), (None, 3.0, 3.0), (2.0, 3.0, 2.0), (3.0, 2.0, 2.0), (None, None, None)):
        policy.write_text("" if said is None else f"[limits]\nmax_hours = {said}\n")
        house = House(policy, tmp_path, {}, most)
        wall = Wall(house.wall_seconds, 900.0)
        assert house.policy.max_hours == least
        for hours in (None, 1.0):
            run.resolved.write_text(json.dumps({"training": {"max_hours": hours}}))
            assert wall.seconds(run) == (None if least is None else least * 3600 + (0.0 if hours is None else 900.0))
    policy.write_text("[limits]\nmax_hours = 1\n")
    house.read_again()
    assert wall.least() == 3600.0


def test_a_policy_that_is_read_again_ends_who_is_over_it_already(make: Any, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainyard.service.executor.minding.LOOK_SECONDS", 0.05)
    limit: list[float | None] = [None]
    yard = make(HASTY)
    yard.supervisor._minder._wall = Wall(lambda: limit[0], 900.0)
    job_id = submit(yard.store, experiment="hold", max_attempts=3)
    yard.running(job_id)
    limit[0] = 0.1
    job = yard.settled(job_id)
    assert (job.state, job.reason, job.attempt) == (State.FAILED, Reason.TIMEOUT, 1)


def test_a_trainer_that_its_own_alarm_ended_was_too_long(make: Any, submit: Any) -> None:
    yard = make(replace(HASTY, wall_seconds=3600.0))
    job_id = submit(yard.store, experiment="hold", max_attempts=3)
    process = yard.running(job_id).process
    os.kill(process.pid, signal.SIGALRM)
    assert yard.settled(job_id).reason is Reason.TIMEOUT


def test_before_the_machine_runs_out_of_memory_the_largest_trainer_goes(make: Any, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    yard = make()
    small, large = (submit(yard.store, experiment="hold", max_attempts=3) for _ in range(2))
    for job_id in (small, large):
        yard.running(job_id)
    held = {yard.store.job(small).process: 10, yard.store.job(large).process: 20}
    monkeypatch.setattr(yard.launcher, "memory_bytes", held.get)
    monkeypatch.setattr("trainyard.service.executor.minding.LOOK_SECONDS", 0.0)
    yard.available = 1
    yard.until(lambda: yard.store.job(large).state is State.FAILED)
    yard.available = 1 << 40
    job = yard.settled(large)
    assert (job.reason, job.attempt) == (Reason.OOM_HOST, 1)
    assert yard.store.job(small).state is State.RUNNING


def test_a_trainer_that_the_kernel_ended_for_memory_is_not_tried_again(make: Any, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kills = [7]
    monkeypatch.setattr(memory, "kills", lambda: kills[0])
    yard = make()
    job_id = submit(yard.store, experiment="hold", max_attempts=3)
    process = yard.running(job_id).process
    kills[0] = 8
    os.kill(process.pid, signal.SIGKILL)
    assert yard.settled(job_id).reason is Reason.OOM_HOST


def test_a_killed_trainer_with_attempts_left_goes_on_from_its_bundle(make: Any, submit: Any) -> None:
    yard = make()
    job_id = submit(yard.store, experiment="obedient", max_attempts=3)
    process = yard.running(job_id).process
    run = yard.supervisor.run_of(job_id)
    yard.until(run.bundle_manifest.exists)
    os.kill(process.pid, signal.SIGKILL)
    yard.until(lambda: yard.store.job(job_id).attempt == 2)
    (run.path / "go").touch()
    job = yard.settled(job_id)
    assert (job.state, job.attempt, job.losses, job.epoch) == (State.SUCCEEDED, 2, 1, 5)
    keys = [event.key for event in yard.store.epochs(job_id, 0, 99)]
    assert keys == [f"epoch/0/{number}" for number in range(1, 6)]


def test_the_half_line_of_a_killed_trainer_does_not_swallow_the_first_word_of_the_next(make: Any, submit: Any) -> None:
    yard = make()
    job = yard.settled(submit(yard.store, experiment="silent", max_attempts=2))
    started = [event for event in yard.store.events(job.id, 0, 99) if event.key.startswith("started/")]
    assert [event.attempt for event in started] == [1, 2]


@pytest.mark.parametrize("command,state", [(Command.PAUSE, State.PAUSED), (Command.STOP, State.SUCCEEDED)])
def test_a_trainer_that_does_not_obey_is_made_to(make: Any, submit: Any, command: Command, state: State) -> None:
    yard = make()
    job_id = submit(yard.store, experiment="stubborn")
    process = yard.running(job_id).process
    yard.store.move(job_id, command, datetime.now(UTC))
    assert yard.settled(job_id).state is state
    assert processes.company(process) == []


@pytest.mark.parametrize(
    "command,grace_seconds", [(Command.CANCEL, 0.5), (Command.PAUSE, 1.0), (Command.STOP, 1.5)], ids=["cancel", "pause", "stop"]
)
def test_the_slot_of_a_trainer_that_ignores_everything_is_free_within_its_grace_and_two_seconds(
    make: Any, submit: Any, command: Command, grace_seconds: float
) -> None:
    """With its child, which ignores TERM too; the usual graces are 10, 30 and 900 s."""
    assert (Patience().grace_seconds, Patience().pause_seconds, Patience().stop_seconds) == (10.0, 30.0, 900.0)
    # Of the usual time from TERM to KILL nothing may be added to a pause or a stop.
    yard = make(Patience(grace_seconds=0.5 if command is Command.CANCEL else 20.0, pause_seconds=1.0, stop_seconds=1.5))
    job_id = submit(yard.store, experiment="stubborn")
    process = yard.running(job_id).process
    yard.store.move(job_id, command, datetime.now(UTC))
    begun = time.monotonic()
    yard.until(lambda: not yard.store.job(job_id).held, seconds=60.0)
    spent = time.monotonic() - begun
    assert processes.company(process) == []
    assert grace_seconds <= spent < grace_seconds + 2.0


def test_nothing_is_measured_by_the_time_of_day(make: Any, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is set back by a day while a trainer is to be ended, and forward while another one runs."""
    off = [0.0]
    monkeypatch.setattr(Clock, "now", lambda _self: datetime.fromtimestamp(time.time() + off[0], UTC))
    monkeypatch.setattr("trainyard.service.executor.minding.LOOK_SECONDS", 0.0)
    yard = make(replace(HASTY, wall_seconds=600.0, stall_seconds=600.0))
    stubborn, quiet = submit(yard.store, experiment="stubborn"), submit(yard.store, experiment="hold")
    for job_id in (stubborn, quiet):
        yard.running(job_id)
    off[0] = -86_400.0
    yard.store.move(stubborn, Command.CANCEL, Clock().now())
    assert yard.settled(stubborn).state is State.CANCELLED
    off[0] = 86_400.0
    for _ in range(5):
        yard.supervisor.tick()
    (yard.supervisor.run_of(quiet).path / "go").touch()
    job = yard.settled(quiet)
    assert (job.state, job.epoch) == (State.SUCCEEDED, 3)
    assert [event.seq for event in yard.store.events(quiet, 0, 99)] == list(range(1, job.last_seq + 1))


def test_a_log_is_cut_in_the_middle_and_goes_on(make: Any, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainyard.service.executor.minding.LOOK_SECONDS", 0.05)
    yard = make(replace(HASTY, log_bytes=100_000))
    job_id = submit(yard.store, experiment="chatter")
    log = yard.supervisor.run_of(job_id).log
    yard.until(lambda: log.exists() and 0 < log.stat().st_size < 100_000 and b"cut here" in log.read_bytes())
    assert log.read_bytes().endswith(b"the last words\n")
    (log.parent / "go").touch()
    assert yard.settled(job_id).state is State.SUCCEEDED


def test_a_flooded_spool_ends_the_trainer_with_a_name(make: Any, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainyard.service.executor.minding.LOOK_SECONDS", 0.0)
    yard = make(replace(HASTY, spool_bytes=100))
    job = yard.settled(submit(yard.store, experiment="hold", max_attempts=3))
    assert (job.reason, job.attempt) == (Reason.SERVER, 1)
    assert "MiB of events" in job.message


def test_files_of_a_trainer_are_bounded_by_the_kernel_and_it_dumps_no_core(make: Any, submit: Any) -> None:
    yard = make(HASTY, file_bytes=12345)
    process = yard.running(submit(yard.store, experiment="hold")).process
    assert resource.prlimit(process.pid, resource.RLIMIT_FSIZE) == (12345, 12345)
    assert resource.prlimit(process.pid, resource.RLIMIT_CORE) == (0, 0)


def test_a_slot_is_not_free_while_a_gpu_shows_a_process_of_its_last_trainer(make: Any, submit: Any) -> None:
    shown: set[int] = set()
    yard = make(HASTY, on_device=lambda: frozenset(shown))
    job_id = submit(yard.store, experiment="hold")
    shown.add(yard.running(job_id).process.pid)
    yard.store.move(job_id, Command.CANCEL, datetime.now(UTC))
    yard.until(lambda: not processes.company(yard.store.job(job_id).process))
    for _ in range(5):
        yard.supervisor.tick()
    assert yard.store.job(job_id).held
    shown.clear()
    assert yard.settled(job_id).state is State.CANCELLED


START = [sys.executable, "-P", "-m", "trainyard.service.trainer.start"]


def start(folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Start a trainer whose module path leads to a stand-in that sleeps."""
    package = folder / "modules" / "sitecustomize.py"
    package.parent.mkdir(exist_ok=True)
    package.write_text(
        "import sys, types, time\n"
        "stand_in = types.ModuleType('trainyard.service.trainer.__main__')\n"
        "stand_in.main = types.SimpleNamespace(main=lambda **_: time.sleep(60))\n"
        "sys.modules['trainyard.service.trainer.__main__'] = stand_in\n"
    )
    kept = {name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV") if name in os.environ}
    return subprocess.Popen([*START, str(folder)], env={**kept, "PYTHONPATH": str(package.parent), **environment}, stdin=subprocess.DEVNULL)


def test_the_wall_clock_limit_holds_with_no_server_at_all(tmp_path: Path) -> None:
    with start(tmp_path, TRAINYARD_WALL_SECONDS="0.5") as trainer:
        assert trainer.wait(20) == -signal.SIGALRM


def test_an_orphan_that_does_not_save_its_place_is_ended_with_no_server_at_all(tmp_path: Path) -> None:
    with start(tmp_path, TRAINYARD_ORPHAN_SECONDS="-44.5") as trainer:
        assert trainer.wait(20) == -signal.SIGKILL


def test_an_orphan_that_sees_a_heartbeat_goes_on(tmp_path: Path) -> None:
    with start(tmp_path, TRAINYARD_ORPHAN_SECONDS="-44.5") as trainer:
        deadline = time.monotonic() + 2.0
        while time.monotonic() < deadline:
            (tmp_path / "heartbeat").touch()
            time.sleep(0.01)
            assert trainer.poll() is None
        trainer.kill()


def test_a_server_beats_for_its_trainers_and_not_without_its_store(make: Any, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    yard = make(replace(HASTY, orphan_seconds=0.2))
    job_id = submit(yard.store, experiment="hold")
    yard.running(job_id)
    heartbeat = yard.supervisor.run_of(job_id).heartbeat
    first = heartbeat.stat().st_mtime_ns
    yard.until(lambda: heartbeat.stat().st_mtime_ns != first)

    def unreachable(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(yard.store, "renew", unreachable)
    last = heartbeat.stat().st_mtime_ns
    for _ in range(3):
        yard.supervisor._next_beat = 0.0
        with pytest.raises(OSError):
            yard.supervisor.tick()
    assert heartbeat.stat().st_mtime_ns == last


def test_the_machines_memory_is_known() -> None:
    assert 0 < memory.available_bytes() < 1 << 50
    assert memory.kills() >= 0
    assert memory.resident_bytes([os.getpid()]) > 1 << 20
    assert memory.resident_bytes([2**22 + 1]) == 0


def test_the_noted_process_is_that_of_its_attempt_only(tmp_path: Path) -> None:
    run, this = RunFolder(tmp_path), processes.look(os.getpid())
    assert run_folder.noted_process(run, 1, "h") is None
    assert this is not None
    process = TrainerProcess("h", processes.boot_id(), this.pid, this.start_ticks)
    run_folder.note_process(run, 2, process)
    assert run_folder.noted_process(run, 2, "h") == process
    assert run_folder.noted_process(run, 1, "h") is None
