"""``trainyard serve`` as a process: how it starts, how it refuses to, how it ends, and how it comes back."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.integration.service.program import Program

from trainyard.service.executor import processes
from trainyard.service.store import open_sqlite
from trainyard.v1 import job_pb2
from trainyard.v1 import training_service_pb2 as pb


def test_it_answers_when_the_ready_file_says_so_and_leaves_nothing_when_it_ends(program: Program) -> None:
    ready = program.serve()
    assert set(ready) == {"listen", "metrics", "pid", "instance"}
    with urllib.request.urlopen(f"http://{ready['metrics']}/metrics", timeout=10) as answer:
        text = answer.read()
    assert b"trainyard_build_info" in text
    assert b'trainyard_lint_findings_total{rule="LR001",severity="warning"} 0.0' in text
    with closing(program.client().channel):
        pass
    code, logged = program.end()
    assert code == 0
    assert not program.ready.exists()
    for line in logged.splitlines():
        assert {"event", "level", "timestamp"} <= set(json.loads(line))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file that is always full is a device of Linux")
def test_a_log_that_can_not_be_written_costs_no_job(program: Program) -> None:
    with Path("/dev/full").open("w") as full:
        program.log = full
        program.serve()
    client = program.client()
    job_id = client.submit("good")
    client.until(job_id, lambda job: job.state == job_pb2.JOB_STATE_SUCCEEDED)
    client.channel.close()
    assert program.end()[0] == 0


def test_a_reader_of_the_log_that_goes_away_costs_no_job(program: Program) -> None:
    reading, writing = os.pipe()
    program.log = writing
    program.serve()
    os.close(writing)
    os.close(reading)
    client = program.client()
    client.until(client.submit("good"), lambda job: job.state == job_pb2.JOB_STATE_SUCCEEDED)
    client.channel.close()
    assert program.end()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_well_and_soon(program: Program, number: signal.Signals) -> None:
    program.serve()
    begun = time.monotonic()
    assert program.end(number)[0] == 0
    assert time.monotonic() - begun < 10


def test_the_server_never_imports_tensorflow_or_keras(program: Program) -> None:
    program.serve()
    client = program.client()
    client.events(client.submit("good"))
    client.channel.close()
    assert program.end()[0] == 0
    imported = {name.partition(".")[0] for name in program.modules.read_text().split()}
    assert imported >= {"trainyard", "grpc", "sqlalchemy"}
    assert not {"tensorflow", "keras", "jax", "torch"} & imported
    assert not any(name.startswith("trainyard.service.trainer") for name in program.modules.read_text().split())


def test_the_token_is_made_once_and_only_for_this_user(program: Program) -> None:
    program.serve()
    token = program.token.read_text()
    assert stat.S_IMODE(program.token.stat().st_mode) == 0o600
    assert list(program.token.parent.iterdir()) == [program.token]
    assert program.end()[0] == 0
    program.serve()
    assert program.token.read_text() == token
    _, logged = program.end()
    assert token.strip() not in logged


def test_home_and_what_lies_in_it_are_the_users_own(program: Program) -> None:
    program.serve()
    assert stat.S_IMODE((program.home / "runs").stat().st_mode) == 0o700
    program.end()


def test_a_token_file_that_others_can_read_is_refused(program: Program) -> None:
    program.token.parent.mkdir(parents=True)
    program.token.write_text("x" * 40)
    program.token.chmod(0o644)
    assert "can be read by others" in program.refused()


@pytest.mark.parametrize("option", ["listen", "metrics"])
def test_a_busy_port_is_one_clear_line_and_leaves_nothing_behind(program: Program, option: str) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        logged = program.refused(**{option: address})
    assert logged.splitlines() == [
        f"error: --{option} {address}: address already in use; stop what listens there, or choose another port (0 takes any)"
    ]
    assert not program.home.exists()
    assert not program.ready.exists()
    assert not program.token.exists()


def test_two_servers_do_not_share_a_port(program: Program, tmp_path: Path) -> None:
    ready = program.serve()
    (tmp_path / "second").mkdir()
    second = Program(tmp_path / "second")
    assert "already in use" in second.refused(listen=ready["listen"])
    assert "already in use" in second.refused(metrics=ready["metrics"])


def test_two_servers_do_not_share_a_home(program: Program) -> None:
    first = program.serve()
    running = program.process
    assert "another server uses it" in program.refused()
    assert json.loads(program.ready.read_text()) == first
    program.process = running


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.168.1.1:0", "example.org:0"])
def test_an_address_that_others_can_reach_is_refused(program: Program, address: str) -> None:
    logged = program.refused(listen=address)
    assert "others can reach this address, so it needs --tls-cert and --tls-key" in logged
    assert len(logged.splitlines()) == 1
    logged = program.refused(metrics=address)
    assert "it needs --metrics-tls-cert and --metrics-tls-key and --metrics-token-file" in logged


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:x", ":0", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_refused(program: Program, address: str) -> None:
    assert "wants HOST:PORT" in program.refused(listen=address)


def test_a_data_root_that_is_absent_is_refused(program: Program) -> None:
    assert "does not exist" in program.refused(data_root="/no/such/folder")


def test_without_a_gpu_device_gpu_is_refused(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "--device gpu: the driver shows no GPU here" in program.refused(device="gpu")
    assert not program.home.exists()


def test_a_configuration_file_gives_options_and_what_is_written_wins(program: Program, tmp_path: Path) -> None:
    config = tmp_path / "serve.toml"
    config.write_text(f'data-root = "{tmp_path / "data"}"\nslots = 3\ndevice = "cpu"\nlisten = "0.0.0.0:1"\n')
    program.serve("--config", str(config), data_root="", device="")
    client = program.client()
    info = client.stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=client.metadata, timeout=10).server
    client.channel.close()
    assert info.slots == 3


@pytest.mark.parametrize(
    "text,said",
    [("slotz = 3", "did you mean 'slots'"), ("slots = ", "TOML"), ("slots = true", "a text or a number"), ('slots = "x"', "slots")],
)
def test_a_configuration_file_that_makes_no_sense_is_refused(program: Program, tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "serve.toml"
    config.write_text(text)
    assert said in program.refused("--config", str(config))


def test_training_goes_on_while_the_server_is_dead_and_nothing_is_lost_or_doubled(program: Program) -> None:
    program.serve()
    client = program.client()
    job_id = client.submit("hold")
    before = client.until(job_id, lambda job: job.epoch == 1)
    client.channel.close()
    assert program.process is not None
    program.process.kill()
    program.process.communicate()
    trainer = trainer_of(program, job_id)
    assert processes.alive(trainer)
    (program.home / "runs" / job_id / "go").touch()
    deadline = time.monotonic() + 20
    while processes.alive(trainer):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    program.serve()
    client = program.client()
    events = client.events(job_id)
    client.channel.close()
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.epoch_finished.epoch for event in events if event.HasField("epoch_finished")] == [1, 2, 3]
    assert events[-1].state_changed.to == job_pb2.JOB_STATE_SUCCEEDED
    assert len(events) > before.last_seq
    assert {event.attempt for event in events[1:]} == {1}


def test_a_server_that_was_killed_re_attaches_to_a_living_trainer(program: Program) -> None:
    program.serve()
    client = program.client()
    job_id = client.submit("hold")
    seen = client.until(job_id, lambda job: job.epoch == 1).last_seq
    client.channel.close()
    trainer = trainer_of(program, job_id)
    assert program.process is not None
    program.process.kill()
    program.process.communicate()
    begun = time.monotonic()
    program.serve()
    client = program.client()
    assert client.job(job_id).state == job_pb2.JOB_STATE_RUNNING
    assert time.monotonic() - begun < 15
    another = client.submit("good")  # waits for the only slot; when it is cancelled, every trainer has been looked for
    client.stub.CancelJob(pb.CancelJobRequest(id=another), metadata=client.metadata, timeout=10)
    client.until(another, lambda job: job.state == job_pb2.JOB_STATE_CANCELLED)
    assert trainer_of(program, job_id) == trainer
    (program.home / "runs" / job_id / "go").touch()
    rest = client.events(job_id, seen)
    assert {event.attempt for event in rest} == {1}
    client.channel.close()
    assert rest[0].seq == seen + 1
    assert rest[-1].state_changed.to == job_pb2.JOB_STATE_SUCCEEDED


def test_a_graceful_end_leaves_trainers_running_too(program: Program) -> None:
    program.serve()
    client = program.client()
    job_id = client.submit("hold")
    client.until(job_id, lambda job: job.epoch == 1)
    client.channel.close()
    trainer = trainer_of(program, job_id)
    assert program.end()[0] == 0
    assert processes.alive(trainer)
    program.serve()
    client = program.client()
    client.stub.CancelJob(pb.CancelJobRequest(id=job_id), metadata=client.metadata, timeout=10)
    client.until(job_id, lambda job: job.state == job_pb2.JOB_STATE_CANCELLED)
    client.channel.close()
    assert not processes.alive(trainer)


def trainer_of(program: Program, job_id: str) -> Any:
    store = open_sqlite(program.home / "jobs.sqlite")
    process = store.job(job_id).process
    store.close()
    assert process is not None
    return process


def test_a_hangup_reads_the_policy_again_and_ends_nothing(program: Program, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("")
    program.serve(policy=str(policy))
    client = program.client()
    client.submit("good")
    policy.write_text("[limits]\nmax_epochs = 1\n")
    assert program.process is not None
    program.process.send_signal(signal.SIGHUP)
    assert refused_within(lambda: client.submit("good"), 20) is grpc.StatusCode.FAILED_PRECONDITION
    client.channel.close()
    code, logged = program.end()
    assert code == 0
    assert any(json.loads(line).get("changes") == ["max_epochs: no limit -> 1"] for line in logged.splitlines())


def refused_within(call: Callable[[], object], seconds: float) -> grpc.StatusCode:
    """Call until it is refused; return the code."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            call()
        except grpc.RpcError as error:
            failed: Any = error
            code: grpc.StatusCode = failed.code()
            return code
    raise AssertionError("it was never refused")
