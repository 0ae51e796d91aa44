"""What goes wrong, as a client sees it: the right code, rich details, and not a word too much."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from trainyard.service.core.errors import RefusedError, StoreUnavailableError
from trainyard.service.core.jobstore import StoredReport
from trainyard.service.rpc.interceptors.allowed import LEAST_ROLE
from trainyard.v1 import job_pb2, lint_pb2
from trainyard.v1 import training_service_pb2 as pb

Live = Any
Spec = Callable[..., bytes]
Code = grpc.StatusCode
DETAILS = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.RetryInfo,
    lint_pb2.LintReport,
)


class Failure:
    """A refused call, unpacked."""

    def __init__(self, call: Callable[[], object]) -> None:
        with pytest.raises(grpc.RpcError) as caught:
            call()
        error: Any = caught.value
        self.code: grpc.StatusCode = error.code()
        self.message: str = error.details()
        self.status: status_pb2.Status = rpc_status.from_call(error)

    def detail(self, kind: Any) -> Any:
        """Return the one detail of this kind; None when there is none."""
        found = [any_ for any_ in self.status.details if any_.Is(kind.DESCRIPTOR)]
        assert len(found) <= 1
        if not found:
            return None
        message = kind()
        found[0].Unpack(message)
        return message

    @property
    def reason(self) -> str:
        info = self.detail(error_details_pb2.ErrorInfo)
        assert info.domain == "trainyard"
        return str(info.reason)


def test_a_refused_spec_carries_the_findings_of_the_linter(live: Live, spec: Spec) -> None:
    bad = spec(training={"epoch": 3}, optimizer={"type": "adam", "learning_rate": 0.5})
    failure = Failure(lambda: live.call("CreateJob", pb.CreateJobRequest(spec=bad)))
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, "SPEC_REFUSED")
    judged = live.call("LintSpec", pb.LintSpecRequest(spec=bad)).report
    inside = failure.detail(lint_pb2.LintReport)
    told = [(finding.code, finding.name, finding.severity, finding.pointer, finding.message) for finding in inside.findings]
    assert told == [(finding.code, finding.name, finding.severity, finding.pointer, finding.message) for finding in judged.findings]
    assert [finding.start for finding in inside.findings] == [finding.start for finding in judged.findings]
    violations = failure.detail(error_details_pb2.PreconditionFailure).violations
    assert [(one.type, one.subject) for one in violations] == [(finding.code, finding.pointer) for finding in judged.findings]
    assert not live.call("ListJobs", pb.ListJobsRequest()).jobs


def test_the_whole_report_of_a_refusal_is_kept_under_the_digest_that_the_error_names(live: Live, spec: Spec) -> None:
    failure = Failure(lambda: live.call("CreateJob", pb.CreateJobRequest(spec=spec(training={"epoch": 3}))))
    digest = failure.detail(error_details_pb2.ErrorInfo).metadata["report_digest"]
    assert digest == failure.detail(lint_pb2.LintReport).digest
    report = live.call("GetLintReport", pb.GetLintReportRequest(digest=digest)).report
    assert report.digest == digest
    assert not report.passed
    assert json.loads(report.report_json)["files"][0]["verdict"] == "fail"


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[1]", b"null", b"{} {}", b"\0" * 100, b"[" * 100_000, b'"' + b"x" * 300_000])
def test_bytes_that_are_no_json_object_are_an_invalid_argument_with_their_findings(live: Live, raw: bytes) -> None:
    failure = Failure(lambda: live.call("CreateJob", pb.CreateJobRequest(spec=raw)))
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, "SPEC_MALFORMED")
    assert failure.detail(lint_pb2.LintReport).findings
    assert failure.detail(error_details_pb2.BadRequest).field_violations
    assert failure.status.ByteSize() < 6 * 1024


def test_a_dataset_that_is_not_here_refuses(live: Live, spec: Spec) -> None:
    for path in ("gone.csv", "../escape.csv", "/etc/passwd", "a/../../b.csv"):
        absent = spec(dataset={"type": "csv", "path": path, "target": "label", "input_shape": [2]})
        failure = Failure(lambda absent=absent: live.call("CreateJob", pb.CreateJobRequest(spec=absent)))  # type: ignore[misc]
        assert failure.code is Code.FAILED_PRECONDITION
        assert any(finding.pointer == "/dataset/path" for finding in failure.detail(lint_pb2.LintReport).findings)


def test_a_suppressed_error_is_still_an_error_here(live: Live, spec: Spec) -> None:
    huge = json.loads(spec(training={"epochs": 3, "batch_size": 10**9}))
    huge["$lint"] = [{"rule": "batch-exceeds-memory", "reason": "trust me"}]
    failure = Failure(lambda: live.call("CreateJob", pb.CreateJobRequest(spec=json.dumps(huge).encode())))
    assert failure.code is Code.FAILED_PRECONDITION
    errors = [one for one in failure.detail(lint_pb2.LintReport).findings if one.severity == lint_pb2.SEVERITY_ERROR]
    assert "batch-exceeds-memory" in {one.name for one in errors if not one.HasField("suppressed_reason")}


REFUSALS: list[tuple[str, Any, grpc.StatusCode, str]] = [
    ("GetJob", pb.GetJobRequest(id="nope"), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("GetJob", pb.GetJobRequest(id=""), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("GetJob", pb.GetJobRequest(id="%"), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("GetJob", pb.GetJobRequest(id="x" * 100_000), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("GetJob", pb.GetJobRequest(id="j\0'; DROP TABLE job; --"), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("CancelJob", pb.CancelJobRequest(id="nope"), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("GetLintReport", pb.GetLintReportRequest(digest="nope"), Code.NOT_FOUND, "REPORT_NOT_FOUND"),
    ("GetLintReport", pb.GetLintReportRequest(), Code.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ("ListJobs", pb.ListJobsRequest(page_size=-1), Code.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ("ListJobs", pb.ListJobsRequest(page_token="!!"), Code.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ("ListJobs", pb.ListJobsRequest(page_token="WzEsICJhIl0="), Code.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ("ListJobs", pb.ListJobsRequest(states=[99]), Code.INVALID_ARGUMENT, "REQUEST_INVALID"),  # type: ignore[list-item]
    ("CreateJob", pb.CreateJobRequest(spec=b"{}", request_id="not-a-uuid"), Code.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ("CreateJob", pb.CreateJobRequest(spec=b"{}", priority=10**6), Code.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ("PauseJob", pb.PauseJobRequest(id="nope"), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("ResumeJob", pb.ResumeJobRequest(), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("StopJob", pb.StopJobRequest(), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("DeleteJob", pb.DeleteJobRequest(id="../.."), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("GetHistory", pb.GetHistoryRequest(), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("ListArtifacts", pb.ListArtifactsRequest(), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ("ListDatasets", pb.ListDatasetsRequest(page_size=-1), Code.INVALID_ARGUMENT, "REQUEST_INVALID"),
    ("ListDatasets", pb.ListDatasetsRequest(page_token="e30="), Code.INVALID_ARGUMENT, "REQUEST_INVALID"),
]


@pytest.mark.parametrize("method,request_,code,reason", REFUSALS, ids=lambda value: str(value)[:30])
def test_each_refusal_has_its_code_its_reason_and_a_sentence(
    live: Live, method: str, request_: Any, code: grpc.StatusCode, reason: str
) -> None:
    failure = Failure(lambda: live.call(method, request_))
    assert (failure.code, failure.reason) == (code, reason)
    assert len(failure.message) > 20
    assert failure.status.ByteSize() < 6 * 1024


@pytest.mark.parametrize("method,request_", [("DownloadArtifact", pb.DownloadArtifactRequest()), ("TailLog", pb.TailLogRequest())])
def test_streams_of_jobs_that_are_not_there_say_so(live: Live, method: str, request_: Any) -> None:
    assert Failure(lambda: list(live.call(method, request_))).reason == "JOB_NOT_FOUND"


def test_a_watch_of_an_unknown_job_or_a_negative_number_is_refused(live: Live) -> None:
    assert Failure(lambda: live.events("nope")).reason == "JOB_NOT_FOUND"
    job_id = live.submit("hold")
    assert Failure(lambda: live.events(job_id, -1)).reason == "REQUEST_INVALID"


def test_a_prefix_of_many_jobs_is_refused_with_their_number(live: Live) -> None:
    seen: dict[str, str] = {}
    while True:
        job_id = live.submit("hold")
        if job_id[0] in seen:
            break
        seen[job_id[0]] = job_id
    assert Failure(lambda: live.call("GetJob", pb.GetJobRequest(id=job_id[0]))).reason == "JOB_ID_AMBIGUOUS"


def test_a_request_id_with_another_body_already_exists(live: Live, spec: Spec) -> None:
    request_id = str(uuid.uuid4())
    live.call("CreateJob", pb.CreateJobRequest(spec=spec("hold"), request_id=request_id))
    for other in (pb.CreateJobRequest(spec=spec("good")), pb.CreateJobRequest(spec=spec("hold"), priority=1)):
        other.request_id = request_id
        failure = Failure(lambda other=other: live.call("CreateJob", other))  # type: ignore[misc]
        assert (failure.code, failure.reason) == (Code.ALREADY_EXISTS, "REQUEST_ID_REUSED")


def test_a_finished_job_can_not_be_cancelled(live: Live) -> None:
    job_id = live.submit()
    live.events(job_id)
    failure = Failure(lambda: live.call("CancelJob", pb.CancelJobRequest(id=job_id)))
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, "COMMAND_NOT_ALLOWED")
    assert failure.detail(error_details_pb2.ErrorInfo).metadata["state"] == "succeeded"


def test_a_page_token_is_good_only_for_the_list_that_made_it(live: Live) -> None:
    for _ in range(2):
        live.submit("hold")
    token = live.call("ListJobs", pb.ListJobsRequest(page_size=1)).next_page_token
    other = pb.ListJobsRequest(page_size=1, page_token=token, states=[job_pb2.JOB_STATE_QUEUED])
    assert Failure(lambda: live.call("ListJobs", other)).reason == "REQUEST_INVALID"


BEARER = "Bearer a-token-for-tests-only"


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", ""),),
        (("authorization", "Bearer wrong"),),
        (("authorization", "Bearer "),),
        (("authorization", BEARER + "x"),),
        (("authorization", BEARER[:-1]),),
        (("authorization", "Basic a-token-for-tests-only"),),
        (("authorization", BEARER), ("authorization", BEARER)),
        (("authorization", "Bearer " + "x" * 5000),),
        (("x-authorization", BEARER),),
    ],
    ids=lambda metadata: str(metadata)[:40],
)
def test_without_exactly_one_good_token_nothing_is_answered(live: Live, metadata: Any) -> None:
    for method, request in (("ListJobs", pb.ListJobsRequest()), ("PlanSpec", pb.PlanSpecRequest())):
        failure = Failure(lambda method=method, request=request: live.call(method, request, metadata=metadata))  # type: ignore[misc]
        assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, "TOKEN_MISSING_OR_WRONG")


def test_the_word_bearer_is_read_in_any_case(live: Live) -> None:
    live.call("ListJobs", pb.ListJobsRequest(), metadata=(("authorization", BEARER.replace("Bearer", "bearer")),))


def test_a_method_that_does_not_exist_is_unimplemented_and_its_name_goes_nowhere(live: Live, scrape: Callable[[], str]) -> None:
    call = live.channel.unary_unary("/trainyard.v1.TrainingService/Evil\x7f", lambda raw: raw, lambda raw: raw)
    with pytest.raises(grpc.RpcError) as caught:
        call(b"", timeout=5, metadata=live.metadata)
    assert caught.value.code() is Code.UNIMPLEMENTED
    assert 'grpc_method="unknown"' in scrape()
    assert "Evil" not in scrape()


def test_a_method_without_a_row_in_the_table_is_nobodys_not_even_the_operators(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(LEAST_ROLE, "/trainyard.v1.TrainingService/ListJobs")
    failure = Failure(lambda: live.call("ListJobs", pb.ListJobsRequest()))
    assert (failure.code, failure.reason) == (Code.PERMISSION_DENIED, "ROLE_TOO_LOW")
    assert Failure(lambda: live.call("ListJobs", pb.ListJobsRequest(), metadata=())).code is Code.UNAUTHENTICATED


def test_a_fault_of_ours_tells_nothing_but_a_request_id(
    live: Live, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("/home/secret/place: a private word")

    monkeypatch.setattr(live.parts.store, "find", broken)
    metadata = (*live.metadata, ("x-request-id", "my-id-1"))
    for method, request in (("GetJob", pb.GetJobRequest(id="x")), ("WatchJob", pb.WatchJobRequest(id="x"))):
        failure = Failure(lambda method=method, request=request: _drain(live.call(method, request, metadata=metadata)))  # type: ignore[misc]
        assert (failure.code, failure.reason) == (Code.INTERNAL, "INTERNAL")
        assert failure.detail(error_details_pb2.ErrorInfo).metadata["request_id"] == "my-id-1"
        for word in ("secret", "private", "RuntimeError", "Traceback", ".py"):
            assert word.encode() not in failure.status.SerializeToString()
    logged = "".join(capsys.readouterr())
    assert "a private word" in logged
    assert "my-id-1" in logged
    assert "a-token-for-tests-only" not in logged


def _drain(answer: Any) -> None:
    if isinstance(answer, grpc.Call) and hasattr(answer, "__iter__"):
        list(answer)


def test_a_store_that_can_not_write_is_unavailable_and_says_when_to_try_again(
    live: Live, spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    def full(*_: object) -> None:
        raise OperationalError("INSERT INTO job", {}, Exception("database or disk is full"))

    monkeypatch.setattr("trainyard.service.store.changes.create", full)
    failure = Failure(lambda: live.call("CreateJob", pb.CreateJobRequest(spec=spec())))
    assert (failure.code, failure.reason) == (Code.UNAVAILABLE, "STORE_UNAVAILABLE")
    assert failure.detail(error_details_pb2.RetryInfo).retry_delay.seconds > 0
    assert "INSERT" not in failure.message


def test_a_store_that_does_not_answer_costs_a_scrape_one_number(
    live: Live, scrape: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_node: str = "") -> Any:
        raise StoreUnavailableError

    monkeypatch.setattr(live.parts.store, "held_devices", away)
    told = scrape()
    assert "trainyard_slots_held NaN" in told
    assert "trainyard_slots 1.0" in told


def test_a_spec_that_is_too_large_is_refused_in_words_of_ours(live: Live) -> None:
    failure = Failure(lambda: live.call("CreateJob", pb.CreateJobRequest(spec=b"x" * 3_000_000)))
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, "SPEC_MALFORMED")
    assert "larger than the limit of 65,536 bytes" in failure.message


def test_a_request_that_is_far_too_large_is_refused_and_the_server_goes_on(live: Live) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        live.call("CreateJob", pb.CreateJobRequest(spec=b"x" * 20_000_000))
    assert failure.value.code() is Code.RESOURCE_EXHAUSTED
    live.call("ListJobs", pb.ListJobsRequest())


def test_a_deadline_that_is_too_short_for_a_commit_is_refused_before_it(live: Live, spec: Spec) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        live.call("CreateJob", pb.CreateJobRequest(spec=spec("hold")), timeout=0.03)
    assert failure.value.code() is Code.DEADLINE_EXCEEDED
    assert not live.call("ListJobs", pb.ListJobsRequest()).jobs


def test_the_largest_error_gets_through_every_time(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above 8 KiB of trailers the library refuses at random, so one try proves nothing."""
    text = "\U0001f600" * 500
    place = {"line": 10**6, "column": 10**6, "offset": 10**6}
    one = {"code": "XX001", "name": "n" * 99, "severity": "error", "message": text, "pointer": text, "start": place, "end": place}
    findings = [{**one, "suggestion": None, "suppressed": None, "fixed": False}] * 30
    judged = {"path": "", "digest": "d" * 64, "verdict": "fail", "findings": findings, "more_findings": 0}
    body = json.dumps({"ruleset": "r", "files": [judged]})
    report = StoredReport("d" * 64, body, datetime.now(UTC), None)

    def refuse(*_: object) -> None:
        raise RefusedError(report, summary=text)

    monkeypatch.setattr(live.parts.store, "find", refuse)
    codes = {Failure(lambda: live.call("GetJob", pb.GetJobRequest(id="x"))).code for _ in range(200)}
    assert codes == {Code.FAILED_PRECONDITION}
