"""The supervisor with real processes that are no Keras: they exit early, ignore TERM, flood, fork and vanish."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trainyard.service.core.jobs import Job
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import Command, State
from trainyard.service.executor import processes
from trainyard.service.executor.launching import LocalLauncher, Order
from trainyard.service.executor.patience import Patience
from trainyard.service.executor.slots import Slots
from trainyard.service.executor.supervisor import Pace, Supervisor
from trainyard.service.store import SqlJobStore

FAKE = Path(__file__).parent.parent / "fake_trainer.py"


class WallClock:
    """Real time, for real processes."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class Yard:
    """A supervisor over a store, whose trainers are fakes; a job's experiment name is their mode."""

    def __init__(
        self, store: SqlJobStore, runs: Path, slots: int = 1, patience: Patience | None = None, gpus: tuple[str, ...] = ()
    ) -> None:
        self.store, self.runs, self.slots, self.gpus = store, runs, slots, gpus
        self.patience = patience or Patience(exit_seconds=0.2, grace_seconds=0.3)
        self.restart()

    def restart(self) -> None:
        """Begin again as a new server would: nothing but the store and the run folders is left."""
        self.launcher = LocalLauncher(self.command, lambda _: {"PATH": os.environ["PATH"]})
        self.supervisor = Supervisor(
            store=self.store,
            launcher=self.launcher,
            runs=self.runs,
            slots=Slots(self.slots, self.gpus or ("cpu",)),
            clock=WallClock(),
            patience=self.patience,
            most_gpus=len(self.gpus),
        )

    def command(self, order: Order) -> list[str]:
        mode = self.store.job(order.job_id).summary.experiment
        return [sys.executable, str(FAKE), str(order.run.path), "--attempt", str(order.attempt), mode]

    def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Go round until ``condition`` holds; a test that waits too long fails."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(min(self.supervisor.tick().value, 0.01))

    def state(self, job_id: str) -> State:
        return self.store.job(job_id).state

    def settled(self, job_id: str) -> Job:
        self.until(lambda: self.state(job_id).terminal and not self.store.job(job_id).held)
        return self.store.job(job_id)

    def go(self, job_id: str) -> None:
        (self.runs / job_id / "go").touch()

    def cancel(self, job_id: str) -> None:
        self.store.move(job_id, Command.CANCEL, datetime.now(UTC))

    def pid(self, job_id: str) -> int:
        process = self.store.job(job_id).process
        assert process is not None
        return process.pid


@pytest.fixture
def yard(store: SqlJobStore, tmp_path: Path) -> Iterator[Yard]:
    made = Yard(store, tmp_path / "runs")
    yield made
    for job in store.unsettled():
        if job.process is not None:
            processes.send(job.process, signal.SIGKILL)
    made.launcher.close()


@pytest.fixture
def two_gpus(store: SqlJobStore, tmp_path: Path) -> Iterator[Yard]:
    made = Yard(store, tmp_path / "runs", slots=2, gpus=("GPU-a", "GPU-b"))
    yield made
    for job in store.unsettled():
        if job.process is not None:
            processes.send(job.process, signal.SIGKILL)
    made.launcher.close()


def kinds(store: SqlJobStore, job_id: str) -> list[str]:
    return [type(event.body).__name__ for event in store.events(job_id, 0, 10_000)]


def test_a_job_runs_from_queue_to_success_and_its_slot_is_free_again(yard: Yard, submit: Any) -> None:
    job = yard.settled(submit(yard.store, experiment="good"))
    assert (job.state, job.reason, job.epoch, job.best_epoch, job.attempt) == (State.SUCCEEDED, Reason.COMPLETED, 3, 3, 1)
    assert job.best_metrics["val_loss"] == pytest.approx(2 / 3)
    told = kinds(yard.store, job.id)
    assert told == ["StateChanged"] * 3 + ["EpochFinished"] * 3 + ["CheckpointSaved", "ArtifactWritten", "StateChanged"]
    assert yard.store.artifacts([job.id])[job.id][0].name == "best.keras"
    assert yard.supervisor.tick() is Pace.LATER


def test_the_run_folder_holds_what_the_job_stands_on(yard: Yard, submit: Any) -> None:
    job = yard.settled(submit(yard.store, experiment="good"))
    run, documents = yard.supervisor.run_of(job.id), yard.store.documents(job.id)
    assert run.spec.read_bytes() == documents.source
    assert run.resolved.read_text() == documents.resolved
    assert run.lint.read_text() == yard.store.report(job.digests.report).body


def test_a_trainer_that_says_it_failed_is_believed(yard: Yard, submit: Any) -> None:
    job = yard.settled(submit(yard.store, experiment="fail"))
    assert (job.state, job.reason, job.message) == (State.FAILED, Reason.DATA, "the images are gone")


def test_a_last_word_said_between_two_looks_is_heard(yard: Yard, submit: Any) -> None:
    """The trainer speaks and dies after the spool was read and before its death is seen."""
    job_id = submit(yard.store, experiment="hold")
    yard.until(lambda: yard.store.job(job_id).epoch == 1)
    alive = yard.launcher.alive

    def die_first(process: Any) -> bool:
        yard.go(job_id)
        deadline = time.monotonic() + 20
        while alive(process):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return False

    yard.launcher.alive = die_first  # type: ignore[method-assign]
    job = yard.settled(job_id)
    assert (job.state, job.reason) == (State.SUCCEEDED, Reason.COMPLETED)


@pytest.mark.parametrize("mode,how", [("early", "exit status 3"), ("silent", "exit status 0")])
def test_a_trainer_that_ends_without_a_word_is_lost(yard: Yard, submit: Any, mode: str, how: str) -> None:
    job = yard.settled(submit(yard.store, experiment=mode))
    assert (job.state, job.reason) == (State.FAILED, Reason.TRAINER_LOST)
    assert how in job.message


def test_what_a_trainer_prints_lies_in_its_log(yard: Yard, submit: Any) -> None:
    job = yard.settled(submit(yard.store, experiment="early"))
    assert "no such thing" in yard.supervisor.run_of(job.id).log.read_text()


def test_a_killed_trainer_is_lost_and_what_it_said_before_is_kept(yard: Yard, submit: Any) -> None:
    job_id = submit(yard.store, experiment="hold")
    yard.until(lambda: yard.store.job(job_id).epoch == 1)
    os.kill(yard.pid(job_id), signal.SIGKILL)
    job = yard.settled(job_id)
    assert (job.reason, job.epoch) == (Reason.TRAINER_LOST, 1)
    assert "killed by SIGKILL" in job.message


def test_a_flood_is_taken_in_without_junk_or_gaps(yard: Yard, submit: Any) -> None:
    job = yard.settled(submit(yard.store, experiment="flood"))
    assert job.state is State.SUCCEEDED
    events = yard.store.events(job.id, 0, 10_000)
    assert [event.seq for event in events] == list(range(1, job.last_seq + 1))
    assert kinds(yard.store, job.id).count("Diagnosis") == 2000


def test_a_trainer_that_says_too_much_is_ended(yard: Yard, submit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainyard.service.executor.minding.MAX_EVENTS", 3)
    job = yard.settled(submit(yard.store, experiment="hold"))
    assert (job.state, job.reason) == (State.FAILED, Reason.SERVER)
    assert "more than 3 events" in job.message


def test_cancel_asks_first(yard: Yard, submit: Any) -> None:
    job_id = submit(yard.store, experiment="hold")
    yard.until(lambda: yard.state(job_id) is State.RUNNING)
    yard.cancel(job_id)
    job = yard.settled(job_id)
    assert (job.state, job.reason) == (State.CANCELLED, Reason.USER)
    assert yard.supervisor.run_of(job_id).control.read_text() == "cancel\n"


def test_cancel_kills_what_ignores_it_and_frees_the_slot_only_when_nothing_is_left(yard: Yard, submit: Any) -> None:
    job_id, next_id = submit(yard.store, experiment="stubborn"), submit(yard.store, experiment="good")
    grandchild = yard.supervisor.run_of(job_id).path / "grandchild"
    yard.until(lambda: yard.state(job_id) is State.RUNNING and grandchild.exists())
    process, young = yard.store.job(job_id).process, int(grandchild.read_text())
    assert process is not None
    yard.cancel(job_id)

    def never_both() -> bool:
        if yard.store.job(next_id).attempt:
            assert not processes.company(process)
        return yard.store.job(next_id).attempt > 0

    yard.until(never_both)
    assert processes.look(young) is None
    assert yard.settled(job_id).state is State.CANCELLED
    assert yard.settled(next_id).state is State.SUCCEEDED


def test_a_cancelled_queued_job_never_starts(yard: Yard, submit: Any) -> None:
    job_id = submit(yard.store, experiment="good")
    yard.cancel(job_id)
    job = yard.settled(job_id)
    assert (job.state, job.attempt) == (State.CANCELLED, 0)


@pytest.mark.parametrize("mode", ["linger", "orphan"])
def test_a_trainer_that_is_done_but_does_not_go_is_helped_to(yard: Yard, submit: Any, mode: str) -> None:
    job_id = submit(yard.store, experiment=mode)
    yard.until(lambda: yard.state(job_id) is State.SUCCEEDED)
    process = yard.store.job(job_id).process
    assert process is not None
    assert yard.settled(job_id).state is State.SUCCEEDED
    assert processes.company(process) == []


def test_slots_bound_what_runs_and_priority_goes_first(yard: Yard, submit: Any) -> None:
    first, low, high = submit(yard.store, experiment="hold"), submit(yard.store), submit(yard.store, experiment="hold", priority=5)
    yard.until(lambda: yard.state(high) is State.RUNNING)
    assert [yard.state(job_id) for job_id in (first, low)] == [State.QUEUED, State.QUEUED]
    yard.go(high)
    yard.until(lambda: yard.state(first) is State.RUNNING)
    assert yard.state(low) is State.QUEUED


def test_a_job_on_two_gpus_waits_for_both_and_nothing_behind_it_takes_one_away(two_gpus: Yard, submit: Any) -> None:
    yard = two_gpus
    holders = [submit(yard.store, experiment="hold") for _ in range(2)]
    yard.until(lambda: all(yard.state(job_id) is State.RUNNING for job_id in holders))
    wide = submit(yard.store, experiment="hold", gpus=2)
    stream = [submit(yard.store) for _ in range(3)]
    yard.go(holders[0])
    yard.settled(holders[0])
    yard.until(lambda: yard.supervisor.tick() is not Pace.AT_ONCE)
    assert [yard.state(job_id) for job_id in (wide, *stream)] == [State.QUEUED] * 4
    yard.go(holders[1])
    yard.until(lambda: yard.state(wide) is State.RUNNING)
    assert yard.store.job(wide).devices == ("GPU-a", "GPU-b")
    assert yard.store.held_devices("") == ["GPU-a", "GPU-b"]
    assert [yard.state(job_id) for job_id in stream] == [State.QUEUED] * 3
    yard.go(wide)
    yard.until(lambda: all(yard.state(job_id) is State.SUCCEEDED for job_id in stream))


def test_a_job_for_more_gpus_than_this_node_has_is_left_to_another_and_holds_nobody_up(two_gpus: Yard, submit: Any) -> None:
    wide, narrow = submit(two_gpus.store, gpus=4), submit(two_gpus.store)
    assert two_gpus.settled(narrow).state is State.SUCCEEDED
    assert two_gpus.state(wide) is State.QUEUED


def test_a_new_server_re_attaches_to_a_trainer_that_went_on(yard: Yard, submit: Any) -> None:
    job_id = submit(yard.store, experiment="hold")
    yard.until(lambda: yard.store.job(job_id).epoch == 1)
    pid, offset = yard.pid(job_id), yard.store.job(job_id).spool_offset
    yard.launcher.close()
    yard.restart()
    yard.until(lambda: yard.supervisor.tick() is Pace.SOON)
    assert (yard.pid(job_id), yard.store.job(job_id).spool_offset, yard.state(job_id)) == (pid, offset, State.RUNNING)
    yard.go(job_id)
    job = yard.settled(job_id)
    assert (job.state, job.attempt) == (State.SUCCEEDED, 1)
    assert kinds(yard.store, job_id).count("EpochFinished") == 3


def test_what_was_said_while_no_server_listened_is_heard_later(yard: Yard, submit: Any) -> None:
    job_id = submit(yard.store, experiment="hold")
    yard.until(lambda: yard.state(job_id) is State.RUNNING)
    pid = yard.pid(job_id)
    yard.go(job_id)
    os.waitpid(pid, 0)
    yard.launcher.close()
    yard.restart()
    assert yard.settled(job_id).state is State.SUCCEEDED


def test_a_trainer_whose_start_was_never_written_down_is_found(yard: Yard, submit: Any) -> None:
    job_id = submit(yard.store, experiment="hold")
    bind = yard.store.bind
    yard.store.bind = lambda *_: None  # type: ignore[method-assign]
    yard.until((yard.runs / job_id / "events.jsonl").exists)
    yard.store.bind = bind  # type: ignore[method-assign]
    assert yard.store.job(job_id).process is None
    yard.launcher.close()
    yard.restart()
    run = str(yard.supervisor.run_of(job_id).path)
    (only,) = (found.pid for found in processes.everybody() if run in processes.arguments(found.pid))
    yard.until(lambda: yard.store.job(job_id).process is not None)
    assert [found.pid for found in processes.everybody() if run in processes.arguments(found.pid)] == [only]
    yard.go(job_id)
    job = yard.settled(job_id)
    assert (job.state, job.attempt) == (State.SUCCEEDED, 1)


def test_a_claim_whose_server_died_before_the_start_is_started(yard: Yard, submit: Any) -> None:
    job_id = submit(yard.store, experiment="good")
    yard.store.claim(job_id, "cpu", datetime.now(UTC))
    job = yard.settled(job_id)
    assert (job.state, job.attempt) == (State.SUCCEEDED, 1)


def test_a_stranger_with_the_pid_of_a_trainer_is_left_alone(yard: Yard, submit: Any) -> None:
    job_id = submit(yard.store, experiment="hold")
    yard.until(lambda: yard.state(job_id) is State.RUNNING)
    job = yard.store.job(job_id)
    assert job.process is not None
    stranger = type(job.process)(job.process.host, job.process.boot_id, job.process.pid, job.process.start_ticks - 1)
    assert processes.company(stranger) == []
    assert not processes.alive(stranger)
    processes.send(stranger, signal.SIGKILL)
    assert processes.alive(job.process)
    other_boot = type(job.process)(job.process.host, "another-boot", job.process.pid, job.process.start_ticks)
    assert processes.company(other_boot) == []
    assert not processes.alive(other_boot)


def test_a_trainer_that_can_not_be_started_fails_its_job_and_frees_the_slot(yard: Yard, submit: Any) -> None:
    yard.launcher._command = lambda _: ["/no/such/program"]
    job = yard.settled(submit(yard.store))
    assert (job.state, job.reason, job.held) == (State.FAILED, Reason.SERVER, False)
    assert "/no/such" not in job.message


def test_a_full_disk_has_a_name(yard: Yard, submit: Any) -> None:
    def full(_: Order) -> list[str]:
        raise OSError(28, "No space left on device")

    yard.launcher._command = full
    assert yard.settled(submit(yard.store)).reason is Reason.DISK_FULL


def test_a_fault_with_one_job_does_not_stop_the_others(yard: Yard, submit: Any) -> None:
    yard.slots = 2
    yard.restart()
    broken = submit(yard.store, experiment="hold")
    yard.until(lambda: yard.state(broken) is State.RUNNING)
    alive = yard.launcher.alive

    def fault(process: Any) -> bool:
        if process == yard.store.job(broken).process:
            raise RuntimeError("a fault of ours")
        return alive(process)

    yard.launcher.alive = fault  # type: ignore[method-assign]
    assert yard.settled(submit(yard.store, experiment="good")).state is State.SUCCEEDED
