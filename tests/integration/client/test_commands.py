"""The commands as a shell sees them: streams and exit codes, against a real gRPC server that answers as told."""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from pathlib import Path

import grpc
import pytest
from tests.integration.client.conftest import JOB_ID, WAIT_SECONDS, Failure, FakeServer, Shell, lint_refusal, moved, whole_run

from trainyard.v1 import job_pb2, lint_pb2

SPEC = b'{\n  "version": "v1",\n  "optimizer": {"type": "adam", "learning_rate": 0.5}\n}\n'
FINDING = lint_pb2.Finding(
    code="LR001",
    name="learning-rate-too-high",
    severity=lint_pb2.SEVERITY_ERROR,
    message="learning rate 0.5 is far above what Adam can use here; write 0.001",
    pointer="/optimizer/learning_rate",
    start=lint_pb2.Position(line=3, column=50, offset=71),
    end=lint_pb2.Position(line=3, column=53, offset=74),
)


@pytest.fixture
def spec(shell: Shell) -> Path:
    path = shell.folder / "digits.trainspec.json"
    path.write_bytes(SPEC)
    return path


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_submit_prints_the_id_and_sends_the_bytes_as_they_lie(fake: FakeServer, shell: Shell, spec: Path) -> None:
    done = shell.run("submit", spec.name, "--priority", "-3")
    assert (done.returncode, done.stdout) == (0, f"0{JOB_ID}  digits-small-cnn  queued\n")
    assert f"trainyard watch 0{JOB_ID}" in done.stderr
    (call,) = fake.calls
    assert (call.request.spec, call.request.priority) == (SPEC, -3)


def test_submit_as_json_is_one_object_a_file(fake: FakeServer, shell: Shell, spec: Path) -> None:
    done = shell.run("submit", spec.name, spec.name, "--json")
    assert [(line["id"], line["state"]) for line in lines(done.stdout)] == [(f"0{JOB_ID}", "queued"), (f"1{JOB_ID}", "queued")]
    assert not done.stderr


def test_submit_reads_standard_input(fake: FakeServer, shell: Shell) -> None:
    assert shell.run("submit", "-", stdin=SPEC).returncode == 0
    assert fake.calls[0].request.spec == SPEC


def test_submitting_again_with_the_same_request_id_names_the_same_job(fake: FakeServer, shell: Shell, spec: Path) -> None:
    same = ("submit", spec.name, "--json", "--request-id", "9f2c3f0e-0000-4000-8000-000000000001")
    assert shell.run(*same).stdout == shell.run(*same).stdout
    assert fake.calls[0].request.request_id == "9f2c3f0e-0000-4000-8000-000000000001"


def test_a_refusal_shows_the_findings_on_the_text_and_ends_with_5(fake: FakeServer, shell: Shell, spec: Path) -> None:
    fake.failures["CreateJob"] = deque([lint_refusal(FINDING)])
    done = shell.run("submit", spec.name)
    assert done.returncode == 5
    assert done.stdout.splitlines()[:5] == [
        "error[LR001]: learning rate 0.5 is far above what Adam can use here; write 0.001",
        " --> digits.trainspec.json:3:50 /optimizer/learning_rate",
        "  |",
        '3 |   "optimizer": {"type": "adam", "learning_rate": 0.5}',
        "  |                                                  ^^^ learning-rate-too-high",
    ]
    assert done.stderr == "error: digits.trainspec.json was refused: The linter refuses the spec: 1 error.\n"


def test_a_refusal_as_json_holds_the_findings(fake: FakeServer, shell: Shell, spec: Path) -> None:
    fake.failures["CreateJob"] = deque([lint_refusal(FINDING, more=2)])
    done = shell.run("submit", spec.name, "--json")
    (refusal,) = lines(done.stdout)
    assert (done.returncode, refusal["state"], refusal["report_digest"], refusal["more_findings"]) == (5, "refused", "d" * 64, 2)
    assert refusal["findings"][0]["pointer"] == "/optimizer/learning_rate"  # type: ignore[index]


def test_one_refused_spec_does_not_keep_the_others_out(fake: FakeServer, shell: Shell, spec: Path) -> None:
    fake.failures["CreateJob"] = deque([lint_refusal(FINDING)])
    done = shell.run("submit", spec.name, spec.name, "--json")
    assert (done.returncode, [line["state"] for line in lines(done.stdout)]) == (5, ["refused", "queued"])


def test_a_dry_run_makes_no_job(fake: FakeServer, shell: Shell, spec: Path) -> None:
    fake.findings.append(FINDING)
    done = shell.run("submit", spec.name, "--dry-run")
    assert (done.returncode, done.stdout) == (0, "digits.trainspec.json would be accepted\n")
    assert "error[LR001]" in done.stderr
    assert not fake.jobs
    as_json = shell.run("submit", spec.name, "--dry-run", "--json")
    (verdict,) = lines(as_json.stdout)
    assert (verdict["id"], verdict["state"]) == (None, "valid")


@pytest.mark.parametrize(
    "code,exit_code", [(grpc.StatusCode.INVALID_ARGUMENT, 5), (grpc.StatusCode.UNAUTHENTICATED, 5), (grpc.StatusCode.INTERNAL, 3)]
)
def test_other_failures_are_one_clear_line(fake: FakeServer, shell: Shell, spec: Path, code: grpc.StatusCode, exit_code: int) -> None:
    fake.failures["CreateJob"] = deque([Failure(code, "The spec is no JSON object:\n\x1b[2J line 1.")])
    done = shell.run("submit", spec.name)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (exit_code, "", 1)
    assert done.stderr.startswith("error: ")
    assert "\x1b" not in done.stderr


def test_a_file_that_is_absent_is_a_usage_error_before_anything_is_sent(fake: FakeServer, shell: Shell, spec: Path) -> None:
    done = shell.run("submit", spec.name, "absent.trainspec.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: can't read absent.trainspec.json: no such file or directory\n"
    assert not fake.calls


@pytest.mark.parametrize(
    "arguments",
    [
        ("submit", "a", "--dry-run", "--watch"),
        ("submit", "a", "b", "--request-id", "9f2c3f0e-0000-4000-8000-000000000001"),
        ("submit", "a", "--request-id", "seven"),
        ("submit",),
        ("show", "@", "--spec", "--resolved"),
        ("jobs", "--state", "asleep"),
        ("info", "--server", "127.0.0.1:port"),
        ("info", "--token-file", "absent"),
        ("wait", "@", "--timeout", "-1"),
    ],
)
def test_wrong_usage_ends_with_2_and_calls_nobody(fake: FakeServer, shell: Shell, arguments: tuple[str, ...]) -> None:
    for name in ("a", "b"):
        (shell.folder / name).write_bytes(SPEC)
    done = shell.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "rror:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not fake.calls


@pytest.mark.parametrize("arguments", [("jobs",), ("info",), ("show", "@"), ("watch", "@"), ("wait", "@"), ("cancel", "@")])
def test_no_server_is_one_clear_line_and_4(fake: FakeServer, shell: Shell, arguments: tuple[str, ...]) -> None:
    fake.stop()
    done = shell.run(*arguments)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == f"error: no server answers at {fake.address} (nothing listens there); start one with: trainyard serve\n"


@pytest.mark.parametrize("command", ["show", "watch", "wait", "cancel"])
def test_an_unknown_id_is_6(fake: FakeServer, shell: Shell, command: str) -> None:
    done = shell.run(command, "zzz")
    assert (done.returncode, done.stdout, done.stderr) == (6, "", "error: There is no job 'zzz' here.\n")


def test_the_last_job_is_an_at_sign_and_with_no_job_it_is_not_found(fake: FakeServer, shell: Shell) -> None:
    assert shell.run("show", "@").returncode == 6
    fake.add_job("older")
    fake.add_job("newer")
    assert json.loads(shell.run("show", "@", "--json").stdout)["id"] == "newer"


def test_the_token_file_is_used_and_its_content_is_never_shown(fake: FakeServer, shell: Shell, tmp_path: Path) -> None:
    fake.token = "s3cret-s3cret"
    (tmp_path / "token").write_text("s3cret-s3cret\n")
    assert shell.run("info", "--token-file", str(tmp_path / "token")).returncode == 0
    assert shell.run("info", TRAINYARD_TOKEN_FILE=str(tmp_path / "token")).returncode == 0
    refused = shell.run("info")
    assert (refused.returncode, "wants a token" in refused.stderr) == (5, True)
    left_here = tmp_path / "state" / "trainyard"
    left_here.mkdir(parents=True)
    (left_here / "token").write_text("s3cret-s3cret\n")
    assert shell.run("info").returncode == 0
    (left_here / "token").write_text("0ther\n")
    wrong = shell.run("info")
    assert (wrong.returncode, "does not accept the token" in wrong.stderr) == (5, True)
    assert "0ther" not in wrong.stderr + wrong.stdout


def test_jobs_is_a_table_for_people_and_an_array_for_programs(fake: FakeServer, shell: Shell) -> None:
    fake.add_job("first", epochs=3)
    fake.add_job("second")
    table = shell.run("jobs").stdout.splitlines()
    assert table[0].split() == ["ID", "NAME", "STATE", "EPOCH", "BEST", "CREATED"]
    assert [line.split()[0] for line in table[1:]] == ["second", "first"]
    assert "val_accuracy 0.8333" in table[2]
    assert [job["id"] for job in json.loads(shell.run("jobs", "--json").stdout)] == ["second", "first"]
    assert [job["id"] for job in json.loads(shell.run("jobs", "--json", "--state", "succeeded").stdout)] == ["first"]
    assert json.loads(shell.run("jobs", "--json", "--state", "paused").stdout) == []


def test_show_prints_the_spec_byte_for_byte(fake: FakeServer, shell: Shell) -> None:
    fake.add_job(epochs=2, owner="ann")
    fake.spec = b'{"version": "v1",\r\n "note": "\xff"}'
    done = shell.run("show", JOB_ID[:3])
    assert done.stdout.splitlines()[0] == f"{JOB_ID}  digits-small-cnn  succeeded (completed)"
    assert "  owner    ann" in done.stdout.splitlines()
    with shell.start("show", JOB_ID, "--spec", stdout=-1) as process:
        assert process.communicate()[0] == fake.spec
    assert json.loads(shell.run("show", JOB_ID, "--resolved").stdout)["training"] == {"epochs": 100}


def test_cancel_says_how_the_job_stands(fake: FakeServer, shell: Shell) -> None:
    fake.add_job(state="RUNNING")
    assert lines(shell.run("cancel", JOB_ID, "--json").stdout) == [{"id": JOB_ID, "state": "cancelled"}]


def test_info_names_devices_and_limits(fake: FakeServer, shell: Shell) -> None:
    shown = shell.run("info").stdout
    assert f"Trainyard 0.1.0 at {fake.address}, instance i-7" in shown
    assert "two cores  8.0 GiB" in shown
    assert "limits: epochs 500" in shown
    document = json.loads(shell.run("info", "--json").stdout)
    assert (document["slots"], document["hardware_profile"], document["limits"]["max_epochs"]) == (2, {"name": "two cores"}, 500)


@pytest.mark.parametrize("state,reason,code", [("SUCCEEDED", "COMPLETED", 0), ("FAILED", "DATA", 1), ("CANCELLED", "USER", 7)])
def test_wait_and_watch_off_a_terminal_end_with_the_outcome(fake: FakeServer, shell: Shell, state: str, reason: str, code: int) -> None:
    fake.add_job()
    fake.tell(JOB_ID, *whole_run(2)[:-1], moved("RUNNING", state, reason, "said why"))
    waited = shell.run("wait", JOB_ID, "--json")
    assert waited.returncode == code
    (document,) = lines(waited.stdout)
    assert (document["state"], document["reason"]) == (state.lower(), reason.lower())
    assert fake.count("WatchJob") == 0
    watched = shell.run("watch", JOB_ID)
    assert watched.returncode == code
    assert watched.stdout.startswith(f"{JOB_ID}  digits-small-cnn  {state.lower()} ({reason.lower()})\n")


def test_wait_for_several_ends_with_the_gravest_outcome(fake: FakeServer, shell: Shell) -> None:
    fake.add_job("good", epochs=1)
    fake.add_job("bad")
    fake.tell("bad", moved("RUNNING", "FAILED", "DATA"))
    done = shell.run("wait", "good", "bad")
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "good  digits-small-cnn  succeeded (completed)")


def test_wait_gives_up_in_time_and_the_job_goes_on(fake: FakeServer, shell: Shell) -> None:
    fake.add_job(state="RUNNING")
    done = shell.run("wait", JOB_ID, "--timeout", "0.2")
    assert (done.returncode, done.stdout) == (124, "")
    assert done.stderr == f"error: {JOB_ID} has not ended within 0.2 s; it goes on\n"
    assert fake.jobs[JOB_ID].state == job_pb2.JOB_STATE_RUNNING


def test_watch_plain_is_one_line_an_epoch_on_standard_error(fake: FakeServer, shell: Shell) -> None:
    fake.add_job(epochs=2)
    done = shell.run("watch", JOB_ID, "--progress", "plain")
    assert done.stderr.splitlines() == [
        f"digits-small-cnn  {JOB_ID}",
        "queued",
        "starting",
        "running",
        "epoch 1/2  loss 1.0000  val_accuracy 0.5000  lr 0.002  0.2 s",
        "epoch 2/2  loss 0.5000  val_accuracy 0.7500  lr 0.002  0.2 s",
        "succeeded (completed)",
    ]


def test_watch_json_is_one_object_a_line_and_nothing_else(fake: FakeServer, shell: Shell) -> None:
    fake.add_job(epochs=2)
    fake.cuts = deque([2])
    done = shell.run("watch", JOB_ID, "--progress", "json")
    assert not done.stderr
    told = lines(done.stdout)
    assert [line["seq"] for line in told if "seq" in line] == [1, 2, 3, 4, 5, 6]
    assert [line["attempt"] for line in told if line["type"] == "reconnecting"] == [1]
    assert {"type": "epoch", "epoch": 2, "metrics": {"loss": 0.5, "val_accuracy": 0.75}}.items() <= told[-2].items()


def test_a_restart_of_the_server_is_told_and_makes_no_other_noise(fake: FakeServer, shell: Shell) -> None:
    fake.add_job()
    fake.tell(JOB_ID, *whole_run(2)[:3])
    with shell.start("watch", JOB_ID, "--progress", "json", stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(3)]
        fake.stop()
        fake.start()
        fake.tell(JOB_ID, *whole_run(2)[3:])
        rest, noise = process.communicate(timeout=WAIT_SECONDS)
    told = lines(b"".join([*first, rest]).decode())
    assert [line["seq"] for line in told if "seq" in line] == [1, 2, 3, 4, 5, 6]
    assert {line["type"] for line in told} == {"state", "epoch", "reconnecting", "reconnected"}
    assert (process.returncode, noise) == (0, b"")


def test_submit_and_wait_as_json_is_one_object_the_ended_job(fake: FakeServer, shell: Shell, spec: Path) -> None:
    ended = threading.Thread(target=finish_when_submitted, args=(fake,))
    ended.start()
    done = shell.run("submit", spec.name, "--wait", "--json")
    ended.join()
    (document,) = lines(done.stdout)
    assert (done.returncode, document["id"], document["state"]) == (0, f"0{JOB_ID}", "succeeded")


def test_submit_and_watch_follows_to_the_end(fake: FakeServer, shell: Shell, spec: Path) -> None:
    ended = threading.Thread(target=finish_when_submitted, args=(fake,))
    ended.start()
    done = shell.run("submit", spec.name, "--watch")
    ended.join()
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"0{JOB_ID}  digits-small-cnn  succeeded (completed)")
    assert "epoch 1/1" in done.stderr


def finish_when_submitted(fake: FakeServer) -> None:
    fake.await_call("WatchJob")
    fake.tell(f"0{JOB_ID}", *whole_run(1))


def test_a_reader_that_goes_away_is_no_drama(fake: FakeServer, shell: Shell) -> None:
    fake.add_job(epochs=2000)
    read_end, write_end = os.pipe()
    with shell.start("watch", JOB_ID, "--progress", "json", stdout=write_end, stderr=-1) as process:
        os.close(write_end)
        os.read(read_end, 10)
        os.close(read_end)
        complaint = process.communicate(timeout=30)[1]
    assert (process.returncode, complaint) == (141, b"")
