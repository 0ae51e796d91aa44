"""The policy of a running server: quotas, and a file that is read again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from trainyard.service.core.identity import Role
from trainyard.v1 import job_pb2
from trainyard.v1 import training_service_pb2 as pb

Start = Callable[..., Any]


def call(stub: Any, method: str, request: Any, token: str) -> Any:
    return getattr(stub, method)(request, timeout=20, metadata=(("authorization", f"Bearer {token}"),))


def test_a_principal_has_as_many_jobs_as_the_policy_allows_and_others_have_theirs(
    guarded: Start, spec: Callable[..., bytes], tmp_path: Path
) -> None:
    (tmp_path / "policy.toml").write_text("[limits]\nmax_jobs = 2\n")
    server = guarded(policy=tmp_path / "policy.toml")
    ann, bob, stub = server.give("ann", Role.SUBMITTER), server.give("bob", Role.SUBMITTER), server.stub()
    asked = pb.CreateJobRequest(spec=spec("hold"))
    jobs = [call(stub, "CreateJob", asked, token).job.id for token in (ann, ann, bob)]
    with pytest.raises(grpc.RpcError) as caught:
        call(stub, "CreateJob", asked, ann)
    failed: Any = caught.value
    assert failed.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "ann has 2 jobs" in failed.details()
    quota = error_details_pb2.QuotaFailure()
    assert any(detail.Unpack(quota) for detail in rpc_status.from_call(failed).details)
    assert quota.violations[0].subject == "ann"
    for job in jobs:
        call(stub, "CancelJob", pb.CancelJobRequest(id=job), server.token)
    until(lambda: call(stub, "CreateJob", pb.CreateJobRequest(spec=spec("good"), validate_only=True), ann))


def test_a_principal_holds_as_many_slots_as_the_policy_allows(guarded: Start, spec: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("[limits]\nmax_running = 1\n")
    server = guarded(policy=tmp_path / "policy.toml", slots=3)
    ann, bob, stub = server.give("ann", Role.SUBMITTER), server.give("bob", Role.SUBMITTER), server.stub()
    first, urgent = (call(stub, "CreateJob", pb.CreateJobRequest(spec=spec("hold"), priority=priority), ann).job.id for priority in (0, 5))
    of_bob = call(stub, "CreateJob", pb.CreateJobRequest(spec=spec("hold")), bob).job.id

    def state(job: str) -> int:
        return int(call(stub, "GetJob", pb.GetJobRequest(id=job), server.token).job.state)

    until(lambda: state(of_bob) == job_pb2.JOB_STATE_RUNNING)
    assert min(state(first), state(urgent)) == job_pb2.JOB_STATE_QUEUED
    (tmp_path / "policy.toml").write_text("")
    server.parts.house.read_again()
    call(stub, "CreateJob", pb.CreateJobRequest(spec=spec("hold")), bob)
    until(lambda: state(first) == state(urgent) == job_pb2.JOB_STATE_RUNNING)
    for job in call(stub, "ListJobs", pb.ListJobsRequest(), server.token).jobs:
        call(stub, "CancelJob", pb.CancelJobRequest(id=job.id), server.token)


def test_a_policy_that_is_read_again_counts_from_the_next_spec_on_and_a_broken_one_changes_nothing(
    guarded: Start, spec: Callable[..., bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("")
    server = guarded(policy=file)
    stub, asked = server.stub(), pb.CreateJobRequest(spec=spec("good"), validate_only=True)
    call(stub, "CreateJob", asked, server.token)
    file.write_text("[limits]\nmax_epochs = 2\n")
    server.parts.house.read_again()
    with pytest.raises(grpc.RpcError, match="FAILED_PRECONDITION"):
        call(stub, "CreateJob", asked, server.token)
    file.write_text("[limits]\nmax_epoch = 2\n")
    server.parts.house.read_again()
    with pytest.raises(grpc.RpcError, match="FAILED_PRECONDITION"):
        call(stub, "CreateJob", asked, server.token)
    said = capsys.readouterr()
    assert "max_epochs: no limit -> 2" in said.out + said.err
    assert "did you mean 'max_epochs'?" in said.out + said.err


def test_the_measured_profile_is_told_and_judged_by_after_it_is_read(guarded: Start) -> None:
    server = guarded()
    stub = server.stub()
    told = json.loads(call(stub, "GetServerInfo", pb.GetServerInfoRequest(), server.token).server.hardware_profile_json)
    assert not told["calibrated"]
    (server.home / "hardware.json").write_text(json.dumps({**told, "calibrated": True, "speed": {"step_seconds": [0.001, 0.002]}}))
    server.parts.house.read_again()
    told = json.loads(call(stub, "GetServerInfo", pb.GetServerInfoRequest(), server.token).server.hardware_profile_json)
    assert told["calibrated"]


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except grpc.RpcError:
            pass
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
