"""The ladder, the slots, the environment, progress: parts that decide without a process."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from trainyard.service.core.jobs import Documents, TrainerProcess
from trainyard.service.executor import progress, run_folder
from trainyard.service.executor.environment import trainer_command, trainer_environment
from trainyard.service.executor.ladder import Ladder
from trainyard.service.executor.launching import Order, died_how
from trainyard.service.executor.slots import Slots
from trainyard.service.wire import RunFolder

PROCESS = TrainerProcess("h", "b", 1, 2)


def order(device: str = "cpu") -> Order:
    return Order("j", 2, RunFolder(Path("/runs/j")), device)


def test_the_ladder_asks_once_then_kills_until_nothing_is_left() -> None:
    now, sent = [0.0], list[signal.Signals]()
    ladder = Ladder(lambda _process, number: sent.append(number), lambda: now[0], grace_seconds=10)
    for moment in (0.0, 5.0, 9.9, 10.0, 11.0):
        now[0] = moment
        ladder.press(PROCESS)
    assert sent == [signal.SIGTERM, signal.SIGKILL, signal.SIGKILL]
    assert ladder.pressed(PROCESS)
    ladder.leave(PROCESS)
    assert not ladder.pressed(PROCESS)


def test_the_ladder_is_patient_with_one_that_said_its_last_word() -> None:
    now, sent = [100.0], list[signal.Signals]()
    ladder = Ladder(lambda _process, number: sent.append(number), lambda: now[0], grace_seconds=10)
    for moment in (100.0, 109.0, 110.0, 119.0, 120.0):
        now[0] = moment
        ladder.press(PROCESS, patience_seconds=10)
    assert sent == [signal.SIGTERM, signal.SIGKILL]


def test_slots_go_to_the_device_with_the_fewest_trainers() -> None:
    slots = Slots(3, ("gpu-a", "gpu-b"))
    assert slots.choose([]) == "gpu-a"
    assert slots.choose(["gpu-a"]) == "gpu-b"
    assert slots.choose(["gpu-a", "gpu-b"]) == "gpu-a"
    assert [slots.free(held) for held in (0, 2, 3, 9)] == [3, 1, 0, 0]


def test_a_job_on_several_gpus_gets_all_of_them_or_none() -> None:
    slots = Slots(4, ("gpu-a", "gpu-b", "gpu-c", "gpu-d"))
    assert slots.widest == 4
    assert slots.choose_all(4, []) == ("gpu-a", "gpu-b", "gpu-c", "gpu-d")
    assert slots.choose_all(2, ["gpu-b"]) == ("gpu-a", "gpu-c")
    assert slots.choose_all(4, ["gpu-b"]) is None
    assert slots.choose_all(1, ["gpu-a"]) == ("gpu-b",)
    assert slots.choose_all(1, ["gpu-a", "gpu-b", "gpu-c", "gpu-d"]) is None


def test_where_jobs_share_gpus_a_wide_one_takes_different_ones_with_room() -> None:
    slots = Slots(4, ("gpu-a", "gpu-b"))
    assert slots.choose_all(2, ["gpu-a"]) == ("gpu-a", "gpu-b")
    assert slots.choose_all(2, ["gpu-a", "gpu-a"]) is None
    assert Slots(1, ("gpu-a", "gpu-b")).widest == 1


def test_a_trainer_on_several_gpus_sees_them_all_and_has_the_cores_of_as_many_slots() -> None:
    one, two = (trainer_environment({}, slots=1)(order(device)) for device in ("GPU-a", "GPU-a,GPU-b"))
    assert (two["CUDA_VISIBLE_DEVICES"], two["TRAINYARD_DEVICE"]) == ("GPU-a,GPU-b", "gpu")
    assert int(two["OMP_NUM_THREADS"]) == 2 * int(one["OMP_NUM_THREADS"])


def test_the_environment_hands_on_nothing_that_is_not_on_the_list() -> None:
    surroundings = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "s", "PYTHONPATH": "/x", "LD_PRELOAD": "/x", "LD_LIBRARY_PATH": "/cuda"}
    environment = trainer_environment(surroundings, slots=1)(order())
    assert environment["PATH"] == "/bin"
    assert environment["LD_LIBRARY_PATH"] == "/cuda"
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "LD_PRELOAD"} & set(environment)


@pytest.mark.parametrize("device,visible,kind", [("cpu", "-1", "cpu"), ("GPU-1234", "GPU-1234", "gpu")])
def test_a_trainer_sees_its_device_and_no_other(device: str, visible: str, kind: str) -> None:
    environment = trainer_environment({}, slots=1)(order(device))
    assert (environment["CUDA_VISIBLE_DEVICES"], environment["TRAINYARD_DEVICE"]) == (visible, kind)
    assert environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"


def test_cores_are_shared_between_slots() -> None:
    one, many = (trainer_environment({}, slots=slots)(order())["OMP_NUM_THREADS"] for slots in (1, 10_000))
    assert int(one) >= 1
    assert many == "1"


def test_the_command_line_names_run_attempt_and_data_and_imports_nothing_from_the_run_folder() -> None:
    command = trainer_command(Path("/data"))(order())
    assert command[1:] == ["-P", "-m", "trainyard.service.trainer.start", "/runs/j", "--attempt", "2", "--data-root", "/data"]


@pytest.mark.parametrize("status,words", [(None, "nobody saw how"), (-9, "killed by SIGKILL"), (3, "exit status 3"), (0, "exit status 0")])
def test_a_death_is_told_in_words(status: int | None, words: str) -> None:
    assert died_how(status) == words


def test_progress_is_read_when_it_makes_sense(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    assert progress.read(path) is None
    path.write_text('{"epoch": 2, "step": 3, "steps": 9, "metrics": {"loss": 0.5}}')
    assert progress.read(path) == progress.Progress(2, 3, 9, {"loss": 0.5})


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"epoch": "2", "step": 1, "steps": 1}', '{"epoch": 1, "step": 1, "steps": 1, "metrics": 3}', "[" * 99999]
)
def test_progress_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "progress.json"
    path.write_text(text)
    assert progress.read(path) is None


def test_a_run_folder_is_made_ready_again_and_again(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "runs" / "j")
    for source in (b"{1}", b"{2}"):
        run_folder.prepare(run, Documents(source, "{}"), "[]")
        assert (run.spec.read_bytes(), run.resolved.read_text(), run.lint.read_text()) == (source, "{}", "[]")
        assert not run.control.exists()
        run_folder.ask(run, "cancel")
        assert run.control.read_text() == "cancel\n"
    made = ["artifacts", "control", "events.jsonl", "heartbeat", "lint.json", "resolved.json", "spec.json"]
    assert sorted(path.name for path in run.path.iterdir()) == made
