"""The Python client against a real gRPC server that answers as told."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from tests.integration.client.conftest import JOB_ID, Failure, FakeServer, lint_refusal

from trainyard.client import Client, ClientError, errors
from trainyard.client.values.job import JobState
from trainyard.linter.engine.findings import Position, Severity
from trainyard.v1 import job_pb2, lint_pb2

CODE = grpc.StatusCode
LOST = Failure(CODE.UNAVAILABLE)
FINDING = lint_pb2.Finding(
    code="LR001",
    name="learning-rate-too-high",
    severity=lint_pb2.SEVERITY_ERROR,
    message="learning rate 0.5 is far above what Adam can use here; write 0.001",
    pointer="/optimizer/learning_rate",
    start=lint_pb2.Position(line=1, column=20, offset=19),
    end=lint_pb2.Position(line=1, column=23, offset=22),
    suggestion=lint_pb2.Suggestion(pointer="/optimizer/learning_rate", value_json="0.001"),
)


def test_a_job_arrives_as_a_plain_value(fake: FakeServer, client: Client) -> None:
    sent = fake.add_job(
        state="SUCCEEDED",
        tags=["digits"],
        reason=job_pb2.JOB_REASON_EARLY_STOPPED,
        last_metrics=[job_pb2.Metric(name="loss", value=0.25)],
        artifacts=[job_pb2.Artifact(name="best.keras", kind="model", size_bytes=12, sha256="ab", local_path="/models/best.keras")],
        predicted_duration=duration_pb2.Duration(seconds=90, nanos=500_000_000),
        predicted_memory_high_bytes=2**30,
    )
    job = client.get_job(JOB_ID)
    assert (job.id, job.state, job.reason, job.tags) == (sent.id, JobState.SUCCEEDED, "early_stopped", ("digits",))
    assert (job.metrics, job.artifacts[0].local_path) == ({"loss": 0.25}, "/models/best.keras")
    assert (job.predicted_seconds, job.predicted_memory_bytes) == (90.5, (0, 2**30))
    assert job.created is not None
    assert job.created.isoformat() == "2026-09-21T14:13:20+00:00"
    assert job.ended is None


def test_a_state_of_a_newer_server_does_not_break_an_older_client(fake: FakeServer, client: Client) -> None:
    fake.add_job().state = 99  # type: ignore[assignment]
    assert client.get_job(JOB_ID).state is JobState.UNSPECIFIED


def test_a_prefix_finds_the_job_and_a_wrong_one_is_not_found(fake: FakeServer, client: Client) -> None:
    fake.add_job()
    assert client.get_job(JOB_ID[:4]).id == JOB_ID
    with pytest.raises(errors.NotFound, match="no job 'zzz'"):
        client.get_job("zzz")


def test_jobs_are_fetched_page_by_page_up_to_the_limit(fake: FakeServer, client: Client) -> None:
    for number in range(5):
        fake.add_job(f"job{number}")
    assert [job.id for job in client.jobs(limit=3)] == ["job4", "job3", "job2"]
    first = client.list_jobs(page_size=2)
    rest = client.list_jobs(page_size=10, page_token=first.next_page_token)
    assert [job.id for job in (*first.jobs, *rest.jobs)] == ["job4", "job3", "job2", "job1", "job0"]
    assert not rest.next_page_token


def test_the_same_request_id_twice_is_one_job(fake: FakeServer, client: Client) -> None:
    first = client.create_job(b"{}", request_id="9f2c3f0e-0000-4000-8000-000000000001", priority=3)
    second = client.create_job(b"{}", request_id="9f2c3f0e-0000-4000-8000-000000000001", priority=3)
    assert first.job.id == second.job.id
    assert (first.job.priority, first.report.passed) == (3, True)


def test_every_submission_gets_a_request_id_of_its_own(fake: FakeServer, client: Client) -> None:
    client.create_job(b"{}")
    client.create_job(b"{}")
    assert len({call.request.request_id for call in fake.calls}) == 2


def test_a_refusal_carries_the_findings_with_their_places(fake: FakeServer, client: Client) -> None:
    fake.failures["CreateJob"] = deque([lint_refusal(FINDING, more=3)])
    with pytest.raises(errors.SpecRefused, match="refuses the spec") as refused:
        client.create_job(b'{"learning_rate":   0.5}')
    report = refused.value.report
    (finding,) = report.findings
    assert (finding.code, finding.severity, finding.start) == ("LR001", Severity.ERROR, Position(1, 20, 19))
    assert finding.suggestion is not None
    assert finding.suggestion.value == 0.001
    assert (report.more_findings, report.passed, report.digest) == (3, False, "d" * 64)
    assert refused.value.exit_code == 5


def test_a_refusal_without_room_for_findings_is_still_one(fake: FakeServer, client: Client) -> None:
    reason = error_details_pb2.ErrorInfo(reason="SPEC_REFUSED", domain="trainyard", metadata={"report_digest": "e" * 64})
    fake.failures["CreateJob"] = deque([Failure(CODE.FAILED_PRECONDITION, "refused", [reason])])
    with pytest.raises(errors.SpecRefused) as refused:
        client.create_job(b"{}")
    assert (refused.value.report.digest, refused.value.report.findings) == ("e" * 64, ())


def test_bytes_that_are_no_json_are_refused_with_findings_too(fake: FakeServer, client: Client) -> None:
    fake.failures["CreateJob"] = deque([replace(lint_refusal(FINDING), code=CODE.INVALID_ARGUMENT)])
    with pytest.raises(errors.SpecRefused) as refused:
        client.create_job(b"nonsense")
    assert len(refused.value.report.findings) == 1


def test_a_lint_is_a_report_and_no_exception(fake: FakeServer, client: Client) -> None:
    fake.findings.append(FINDING)
    assert [finding.name for finding in client.lint(b"{}").findings] == ["learning-rate-too-high"]


@pytest.mark.parametrize(
    "code,error,exit_code",
    [
        (CODE.INVALID_ARGUMENT, errors.InvalidRequest, 5),
        (CODE.FAILED_PRECONDITION, errors.WrongState, 5),
        (CODE.NOT_FOUND, errors.NotFound, 6),
        (CODE.UNAUTHENTICATED, errors.Unauthenticated, 5),
        (CODE.PERMISSION_DENIED, errors.Forbidden, 5),
        (CODE.ALREADY_EXISTS, errors.Conflict, 5),
        (CODE.RESOURCE_EXHAUSTED, errors.OverQuota, 5),
        (CODE.UNIMPLEMENTED, errors.NotSupported, 5),
        (CODE.INTERNAL, errors.ServerFault, 3),
        (CODE.DATA_LOSS, errors.ServerFault, 3),
        (CODE.DEADLINE_EXCEEDED, errors.Unreachable, 4),
        (CODE.CANCELLED, errors.Unreachable, 4),
    ],
)
def test_every_status_has_a_meaning_and_an_exit_code(
    fake: FakeServer, client: Client, code: grpc.StatusCode, error: type[ClientError], exit_code: int
) -> None:
    fake.failures["GetJob"] = deque([Failure(code, "what the server said")])
    with pytest.raises(error) as raised:
        client.get_job(JOB_ID)
    assert raised.value.exit_code == exit_code
    assert "made up" not in str(raised.value)


def test_a_quota_says_when_to_come_back(fake: FakeServer, client: Client) -> None:
    wait = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=2))
    fake.failures["CreateJob"] = deque([Failure(CODE.RESOURCE_EXHAUSTED, "too many live jobs", [wait])])
    with pytest.raises(errors.OverQuota, match="too many live jobs") as refused:
        client.create_job(b"{}")
    assert refused.value.retry_seconds == 2.0


def test_a_server_that_is_away_for_a_moment_is_asked_again(fake: FakeServer, client: Client) -> None:
    fake.add_job()
    fake.failures["GetJob"] = deque([LOST, LOST])
    assert client.get_job(JOB_ID).id == JOB_ID
    assert fake.count("GetJob") == 3


def test_a_server_that_stays_away_is_unreachable(fake: FakeServer, client: Client) -> None:
    fake.failures["GetServerInfo"] = deque([LOST] * 9)
    with pytest.raises(errors.Unreachable):
        client.server_info()
    assert fake.count("GetServerInfo") == 4


def test_nothing_listening_is_said_so_with_the_way_out(fake: FakeServer, client: Client) -> None:
    fake.stop()
    with pytest.raises(errors.Unreachable, match=r"nothing listens there.*trainyard serve"):
        client.server_info()


def test_no_call_waits_for_ever(fake: FakeServer, client: Client) -> None:
    client.server_info()
    client.lint(b"{}")
    assert all(call.seconds_left is not None and 5 < call.seconds_left < 31 for call in fake.calls)


def test_the_token_travels_as_a_bearer_and_a_wrong_one_is_refused(fake: FakeServer) -> None:
    fake.token = "s3cret"
    with Client(fake.address, token="s3cret") as known:
        assert known.server_info().instance_id == "i-7"
    with Client(fake.address, token="other") as stranger, pytest.raises(errors.Unauthenticated, match="does not accept the token"):
        stranger.server_info()
    with Client(fake.address) as nobody, pytest.raises(errors.Unauthenticated, match="wants a token") as refused:
        nobody.server_info()
    assert "s3cret" not in str(refused.value)


def test_a_proxy_in_the_environment_never_sees_what_is_meant_for_this_machine(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Client(fake.address, token="s3cret") as client:
        assert client.server_info().instance_id == "i-7"


def test_garbage_in_the_error_details_is_ignored(fake: FakeServer, client: Client) -> None:
    from trainyard.client import details

    assert details.decode(b"\xff\xff\xff\xff") == details.Details()
    fake.failures["GetJob"] = deque([Failure(CODE.FAILED_PRECONDITION, "no details at all")])
    with pytest.raises(errors.WrongState, match="no details at all"):
        client.get_job(JOB_ID)
