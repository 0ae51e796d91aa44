"""The commands beside submit, watch and jobs, as a shell sees them."""

from __future__ import annotations

import json
from collections import deque

import grpc
import pytest
from tests.integration.client.conftest import JOB_ID, Failure, FakeServer, Shell, lint_refusal

from trainyard.v1 import lint_pb2


@pytest.mark.parametrize(
    "command,method,state", [("pause", "PauseJob", "paused"), ("resume", "ResumeJob", "queued"), ("stop", "StopJob", "stopping")]
)
def test_a_job_is_moved_by_one_word(fake: FakeServer, shell: Shell, command: str, method: str, state: str) -> None:
    fake.add_job(state="RUNNING")
    done = shell.run(command, JOB_ID[:4], "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"id": JOB_ID, "state": state})
    assert [call.request.id for call in fake.calls if call.method == method] == [JOB_ID]
    fake.failures[method] = deque([Failure(grpc.StatusCode.FAILED_PRECONDITION, "The job is over.")])
    refused = shell.run(command, "@")
    assert (refused.returncode, refused.stderr) == (5, "error: The job is over.\n")


def test_nothing_is_moved_when_one_of_the_names_is_wrong(fake: FakeServer, shell: Shell) -> None:
    fake.add_job(state="RUNNING")
    assert shell.run("stop", "@", "zzz").returncode == 6
    assert fake.count("StopJob") == 0


def test_nothing_is_deleted_for_good_without_being_asked(fake: FakeServer, shell: Shell) -> None:
    fake.add_job(state="FAILED")
    refused = shell.run("delete", "@")
    assert (refused.returncode, "--yes" in refused.stderr, len(fake.jobs)) == (2, True, 1)
    done = shell.run("delete", "@", "--yes")
    assert (done.returncode, done.stdout, fake.jobs) == (0, f"{JOB_ID}  deleted\n", {})


def test_a_retry_sends_the_spec_of_the_job_with_what_was_set(fake: FakeServer, shell: Shell) -> None:
    fake.add_job(state="FAILED", priority=3)
    done = shell.run("retry", "@", "--set", "training.epochs=5", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "queued"
    (sent,) = [call.request for call in fake.calls if call.method == "CreateJob"]
    assert (json.loads(sent.spec)["training"], sent.priority) == ({"epochs": 5}, 3)
    assert shell.run("retry", "@", "--set", "epochs").returncode == 2


def test_the_log_is_printed_as_it_comes(fake: FakeServer, shell: Shell) -> None:
    fake.add_job()
    done = shell.run("logs", "@", "-n", "7", "--follow")
    assert (done.returncode, done.stdout) == (0, "Epoch 1\nEpoch 2\n")
    assert (fake.calls[-1].request.lines, fake.calls[-1].request.follow) == (7, True)
    fake.failures["TailLog"] = deque([Failure(grpc.StatusCode.UNAVAILABLE, "gone")])
    assert shell.run("logs", "@").returncode == 4


def test_the_report_of_a_job_and_of_a_refusal(fake: FakeServer, shell: Shell) -> None:
    fake.add_job()
    fake.findings.append(lint_pb2.Finding(code="LR001", name="learning-rate-too-high", message="too high", pointer="/optimizer"))
    let_in = shell.run("lint-report", "@")
    assert (let_in.returncode, "[LR001]: too high" in let_in.stdout, "was let in" in let_in.stdout) == (0, True, True)
    refused = shell.run("lint-report", "d" * 64)
    assert (refused.returncode, "was refused" in refused.stdout) == (1, True)
    assert json.loads(shell.run("lint-report", "@", "--json").stdout) == {"version": 1}


def test_a_refusal_whose_findings_did_not_travel_names_the_command_that_shows_them(fake: FakeServer, shell: Shell) -> None:
    (shell.folder / "a").write_text("{}")
    fake.failures["CreateJob"] = deque([lint_refusal(more=30)])
    assert f"trainyard lint-report {'d' * 64}" in shell.run("submit", "a").stderr


def test_a_server_with_other_rules_is_warned_of(fake: FakeServer, shell: Shell) -> None:
    (shell.folder / "a").write_text("{}")
    assert "warning" not in shell.run("submit", "a").stderr
    fake.ruleset = "recommended@2019.1"
    assert "judges by recommended@2019.1, trainlint here by 20" in shell.run("submit", "a").stderr


def test_a_spec_that_is_larger_than_what_travels_is_answered_in_our_words(fake: FakeServer, shell: Shell) -> None:
    (shell.folder / "a").write_bytes(b" " * (5 * 2**20))
    done = shell.run("submit", "a")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("error: what was sent is 5.0 MiB, more than the 4.0 MiB that travel")


def test_datasets_and_hardware_are_told_and_saved(fake: FakeServer, shell: Shell) -> None:
    assert "digits/images  image_directory  10       1.0 MiB" in shell.run("datasets").stdout
    assert json.loads(shell.run("datasets", "--json").stdout)[0]["path"] == "digits/images"
    assert shell.run("hardware", "--save", "lab.json").returncode == 0
    assert json.loads((shell.folder / "lab.json").read_text()) == {"name": "two cores"} == json.loads(shell.run("hardware").stdout)


def test_jobs_are_filtered_sorted_and_shown_in_the_columns_that_were_asked_for(fake: FakeServer, shell: Shell) -> None:
    fake.add_job("worse", epochs=2)
    fake.add_job("better", epochs=9)
    fake.add_job("fresh")
    done = shell.run("jobs", "--sort", "best", "--columns", "id,best", "--no-header", "--owner", "ann", "--name", "digits")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["better", "val_accuracy", "0.9444"],
        ["worse", "val_accuracy", "0.7500"],
        ["fresh", "-"],
    ]
    assert (fake.calls[-1].request.owner, fake.calls[-1].request.experiment) == ("ann", "digits")
    wrong = shell.run("jobs", "--columns", "id,colour")
    assert (wrong.returncode, "there are id, name" in wrong.stderr) == (2, True)


def test_a_monitor_is_not_forced_into_a_pipe(fake: FakeServer, shell: Shell) -> None:
    fake.add_job()
    done = shell.run("watch", "@", "--progress", "tty")
    assert (done.returncode, "needs a terminal" in done.stderr, fake.calls) == (2, True, [])


def test_a_server_is_named_used_shown_and_forgotten(fake: FakeServer, shell: Shell) -> None:
    fake.add_job()
    shell.environment.update(TRAINYARD_CONFIG=str(shell.folder / "client.toml"), TRAINYARD_SERVER="")
    assert "no contexts yet" in shell.run("context", "list").stderr
    assert shell.run("context", "add", "lab", "--server", fake.address).returncode == 0
    assert shell.run("context", "add", "away", "--server", "127.0.0.1:1", "--token-file", "~/t").returncode == 0
    assert shell.run("show", "@").returncode == 0
    assert shell.run("show", "@", "--context", "away").returncode == 2
    assert shell.run("context", "use", "away").returncode == 0
    listed = json.loads(shell.run("context", "list", "--json").stdout)
    assert [(entry["name"], entry["current"], entry["token_file"].endswith("/t")) for entry in listed] == [
        ("lab", False, False),
        ("away", True, True),
    ]
    assert shell.run("context", "show").stdout.splitlines()[:2] == ["away", "  server     127.0.0.1:1"]
    assert shell.run("context", "remove", "away").returncode == 0
    assert shell.run("context", "use", "away").returncode == 2
    assert shell.run("context", "add", "bad", "--server", "a b").returncode == 2


def test_curves_are_drawn_for_one_job_and_for_several_and_told_to_programs(fake: FakeServer, shell: Shell) -> None:
    fake.add_job("first", epochs=5)
    fake.add_job("second", epochs=7)
    one = shell.run("curves", "first", "--ascii", "--width", "60")
    assert (one.returncode, "loss over the epochs" in one.stdout, one.stdout.isascii()) == (0, True, True)
    assert max(len(line) for line in one.stdout.splitlines()) <= 60 or "5 epochs" in one.stdout
    both = shell.run("curves", "first", "second", "--metric", "val_accuracy")
    assert "Best first: digits-small-cnn seco 0.9286 in epoch 7" in both.stdout
    told = [json.loads(line) for line in shell.run("curves", "first", "second", "--json").stdout.splitlines()]
    assert [len(run["loss"]) for run in told] == [5, 7]
    absent = shell.run("curves", "first", "--metric", "f1")
    assert (absent.returncode, "there are loss, val_accuracy" in absent.stderr) == (6, True)


def test_runs_are_compared_and_one_alone_is_not(fake: FakeServer, shell: Shell) -> None:
    fake.add_job("first", epochs=5)
    fake.add_job("second", epochs=7)
    done = shell.run("compare", "first", "second")
    assert (done.returncode, "*0.1429" in done.stdout) == (0, True)
    assert json.loads(shell.run("compare", "first", "second", "--json").stdout)["last"]["loss"] == [0.2, 1 / 7]
    assert shell.run("compare", "first").returncode == 2


def test_a_curve_is_exported_in_every_format_and_a_report_written(fake: FakeServer, shell: Shell) -> None:
    fake.add_job(epochs=3)
    assert shell.run("export", "@", "--format", "csv").stdout.splitlines()[1].startswith("1,1.0,0.5,")
    openmetrics = shell.run("export", "@", "--format", "openmetrics")
    assert (openmetrics.returncode, openmetrics.stdout.count('split="train"} ')) == (0, 3)
    assert shell.run("export", "@", "--format", "json", "-o", "run.json").returncode == 0
    assert json.loads((shell.folder / "run.json").read_text())["epochs"][2]["time"] is not None
    assert shell.run("export", "@", "--format", "tensorboard").returncode == 2
    assert shell.run("export", "@", "--format", "tensorboard", "-o", "logs").returncode == 0
    assert (shell.folder / "logs/train").is_dir()
    assert shell.run("report", "@", "-o", "run.html").returncode == 0
    assert "<h1>digits-small-cnn</h1>" in (shell.folder / "run.html").read_text()
