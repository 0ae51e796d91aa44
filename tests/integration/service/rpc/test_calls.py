"""Each method as a client sees it, over a real channel. On both databases."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from trainyard.service.core.identity import Principal, Role, Tokens
from trainyard.service.rpc.server import PortTakenError, Server
from trainyard.service.rpc.servicer import TrainingServicer
from trainyard.v1 import job_pb2, lint_pb2
from trainyard.v1 import training_service_pb2 as pb

Live = Any
Spec = Callable[..., bytes]
FINAL = {job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED}


@pytest.fixture(params=["sqlite", "postgresql"])
def live_store(request: pytest.FixtureRequest) -> str | None:
    """Every test here runs on both databases."""
    return None if request.param == "sqlite" else str(request.getfixturevalue("postgresql_schema"))


def refused(call: Callable[[], object]) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def test_lint_spec_judges_with_what_the_server_knows_and_keeps_nothing(live: Live, spec: Spec) -> None:
    assert live.call("LintSpec", pb.LintSpecRequest(spec=spec())).report.passed
    absent = spec(dataset={"type": "csv", "path": "gone.csv", "target": "label", "input_shape": [2]})
    report = live.call("LintSpec", pb.LintSpecRequest(spec=absent)).report
    assert not report.passed
    (finding,) = [one for one in report.findings if one.pointer == "/dataset/path" and one.severity == lint_pb2.SEVERITY_ERROR]
    assert absent[finding.start.offset : finding.end.offset] == b'"gone.csv"'
    assert json.loads(report.report_json)["files"][0]["verdict"] == "fail"
    assert refused(lambda: live.call("GetLintReport", pb.GetLintReportRequest(digest=report.digest))).code() is grpc.StatusCode.NOT_FOUND


def test_what_the_language_can_say_and_the_trainer_can_not_do_is_refused_by_name(live: Live, spec: Spec) -> None:
    other = spec(task="other", model={"type": "declared", "parameters": 10})
    report = live.call("LintSpec", pb.LintSpecRequest(spec=other)).report
    assert "SRV001" in {finding.code for finding in report.findings if finding.severity == lint_pb2.SEVERITY_ERROR}


def test_create_job_accepts_trains_and_remembers(live: Live, spec: Spec) -> None:
    response = live.call("CreateJob", pb.CreateJobRequest(spec=spec(), priority=3))
    job = response.job
    assert response.report.passed
    assert (job.name, job.state, job.priority, job.dataset, job.optimizer) == (
        f"jobs/{job.id}",
        job_pb2.JOB_STATE_QUEUED,
        3,
        "table.csv",
        "adam",
    )
    assert job.report_digest == response.report.digest
    last = live.events(job.id)[-1]
    assert (last.state_changed.to, last.state_changed.reason) == (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_REASON_COMPLETED)
    done = live.call("GetJob", pb.GetJobRequest(id=job.id)).job
    assert (done.epoch, done.best_epoch, done.last_seq, done.attempt) == (3, 3, last.seq, 1)
    assert {metric.name: metric.value for metric in done.best_metrics}["val_loss"] == pytest.approx(2 / 3)
    (artifact,) = done.artifacts
    assert artifact.name == "best.keras"
    assert artifact.local_path == str(live.runs / job.id / "artifacts" / "best.keras")


def test_validate_only_judges_and_makes_no_job(live: Live, spec: Spec) -> None:
    response = live.call("CreateJob", pb.CreateJobRequest(spec=spec(), validate_only=True))
    assert response.report.passed
    assert response.job.id == response.job.name == ""
    assert response.job.epochs_planned == 3
    assert not live.call("ListJobs", pb.ListJobsRequest()).jobs


def test_the_same_request_twice_is_one_job(live: Live, spec: Spec) -> None:
    request = pb.CreateJobRequest(spec=spec("hold"), request_id=str(uuid.uuid4()))
    first, second = live.call("CreateJob", request), live.call("CreateJob", request)
    assert first.job.id == second.job.id
    assert first.report == second.report
    assert len(live.call("ListJobs", pb.ListJobsRequest()).jobs) == 1


def test_a_spec_without_a_name_gets_one_that_is_stored(live: Live, spec: Spec) -> None:
    job = live.call("CreateJob", pb.CreateJobRequest(spec=spec(experiment={}))).job
    assert job.experiment.startswith("relu_mlp_table_20")
    resolved = live.call("GetJob", pb.GetJobRequest(id=job.id, include_spec=True)).resolved_spec
    assert json.loads(resolved)["experiment"]["name"] == job.experiment


def test_get_job_takes_a_prefix_and_returns_the_specs_when_asked(live: Live, spec: Spec) -> None:
    job_id = live.submit("hold")
    bare = live.call("GetJob", pb.GetJobRequest(id=job_id[:5]))
    assert (bare.job.id, bare.spec, bare.resolved_spec) == (job_id, b"", b"")
    full = live.call("GetJob", pb.GetJobRequest(id=job_id, include_spec=True))
    assert full.spec == spec("hold")
    assert json.loads(full.resolved_spec)["training"]["epochs"] == 3


def test_queued_jobs_know_their_place(live: Live) -> None:
    running = live.submit("hold")
    live.until(lambda: live.call("GetJob", pb.GetJobRequest(id=running)).job.state == job_pb2.JOB_STATE_RUNNING)
    first, urgent = live.submit("hold"), live.submit("hold", priority=9)
    places = {job.id: job.queue_position for job in live.call("ListJobs", pb.ListJobsRequest()).jobs}
    assert places == {running: 0, urgent: 0, first: 1}


def test_list_jobs_pages_newest_first_and_filters(live: Live) -> None:
    ids = [live.submit("hold") for _ in range(5)]
    seen, token = [], ""
    while True:
        page = live.call("ListJobs", pb.ListJobsRequest(page_size=2, page_token=token))
        seen += [job.id for job in page.jobs]
        token = page.next_page_token
        if not token:
            break
    assert seen == ids[::-1]
    queued = pb.ListJobsRequest(states=[job_pb2.JOB_STATE_QUEUED], tags=["tiny"], experiment="hol")
    live.until(lambda: len(live.call("ListJobs", queued).jobs) == 4)
    assert not live.call("ListJobs", pb.ListJobsRequest(tags=["huge"])).jobs
    assert not live.call("ListJobs", pb.ListJobsRequest(owner="nobody")).jobs


def test_cancel_job_is_asked_twice_like_once(live: Live) -> None:
    job_id = live.submit("hold")
    live.until(lambda: live.call("GetJob", pb.GetJobRequest(id=job_id)).job.state == job_pb2.JOB_STATE_RUNNING)
    for _ in range(2):
        state = live.call("CancelJob", pb.CancelJobRequest(id=job_id)).job.state
        assert state in {job_pb2.JOB_STATE_CANCELLING, job_pb2.JOB_STATE_CANCELLED}
    last = live.events(job_id)[-1].state_changed
    assert (last.to, last.reason) == (job_pb2.JOB_STATE_CANCELLED, job_pb2.JOB_REASON_USER)
    assert live.call("CancelJob", pb.CancelJobRequest(id=job_id)).job.state == job_pb2.JOB_STATE_CANCELLED


def test_lint_reports_are_found_by_job_and_by_digest(live: Live) -> None:
    job_id = live.submit("hold")
    by_job = live.call("GetLintReport", pb.GetLintReportRequest(job_id=job_id)).report
    by_digest = live.call("GetLintReport", pb.GetLintReportRequest(digest=by_job.digest)).report
    assert by_job == by_digest
    assert by_job.passed


def test_server_info_says_who_answers(live: Live) -> None:
    info = live.call("GetServerInfo", pb.GetServerInfoRequest()).server
    assert (info.slots, info.free_slots, info.refuse_on, info.backend) == (1, 1, "error", "tensorflow")
    assert info.instance_id == live.parts.instance
    assert [device.kind for device in info.devices] == ["cpu"]
    assert json.loads(info.hardware_profile_json)["memory_bytes"] > 0
    assert info.keras_version == ""
    live.events(live.submit())
    live.until(lambda: live.call("GetServerInfo", pb.GetServerInfoRequest()).server.keras_version == "0")


def test_health_needs_no_token_and_reflection_lists_the_service(live: Live) -> None:
    health: Any = health_pb2_grpc.HealthStub(live.channel)
    for service in ("", "trainyard.v1.TrainingService"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(live.channel)
    answers = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=5)
    names = {service.name for service in next(iter(answers)).list_services_response.service}
    assert "trainyard.v1.TrainingService" in names


def test_jobs_of_others_do_not_exist_for_a_submitter(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = live.submit("hold")
    monkeypatch.setattr(Tokens, "principal", lambda _self, _token: Principal("bob", Role.SUBMITTER))
    for call in (
        lambda: live.call("GetJob", pb.GetJobRequest(id=job_id)),
        lambda: live.call("CancelJob", pb.CancelJobRequest(id=job_id)),
        lambda: live.call("GetLintReport", pb.GetLintReportRequest(job_id=job_id)),
        lambda: live.events(job_id),
    ):
        assert refused(call).code() is grpc.StatusCode.NOT_FOUND
    assert not live.call("ListJobs", pb.ListJobsRequest()).jobs
    monkeypatch.setattr(Tokens, "principal", lambda _self, _token: Principal("eve", Role.VIEWER))
    assert refused(live.submit).code() is grpc.StatusCode.PERMISSION_DENIED


def test_a_second_server_does_not_get_the_port(live: Live) -> None:
    """By default the library lets two servers share a port silently, and each gets half of the calls."""

    async def second() -> None:
        Server(TrainingServicer(MagicMock()), tokens=Tokens([]), meter=MagicMock(), listen=f"127.0.0.1:{live.parts.server.port}")

    with pytest.raises(PortTakenError):
        asyncio.run_coroutine_threadsafe(second(), live.parts.bell._loop).result(10)


def test_a_plan_is_what_the_linter_would_print_with_the_hardware_and_data_of_the_server(live: Live, spec: Spec) -> None:
    plan = json.loads(live.call("PlanSpec", pb.PlanSpecRequest(spec=spec())).plan_json)
    assert plan["verdict"] == "pass"
    assert "steps" in json.dumps(plan)
    broken = json.loads(live.call("PlanSpec", pb.PlanSpecRequest(spec=b"{")).plan_json)
    assert broken["verdict"] == "fail"
