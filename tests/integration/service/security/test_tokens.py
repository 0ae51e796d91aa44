"""Tokens that an operator gave out: who they are, whose jobs they see, and when they end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from trainyard.linter.cli.exits import Refusal
from trainyard.service.core.identity import Principal, Role
from trainyard.service.main import token_book
from trainyard.service.main.audit import AuditLog
from trainyard.service.rpc.interceptors.allowed import LEAST_ROLE
from trainyard.v1 import training_service_pb2 as pb

Start = Callable[..., Any]
OF_A_JOB = {
    "GetJob": pb.GetJobRequest,
    "WatchJob": pb.WatchJobRequest,
    "PauseJob": pb.PauseJobRequest,
    "ResumeJob": pb.ResumeJobRequest,
    "StopJob": pb.StopJobRequest,
    "CancelJob": pb.CancelJobRequest,
    "DeleteJob": pb.DeleteJobRequest,
    "GetHistory": pb.GetHistoryRequest,
    "ListArtifacts": pb.ListArtifactsRequest,
    "DownloadArtifact": pb.DownloadArtifactRequest,
    "TailLog": pb.TailLogRequest,
}
OF_NO_JOB = {"LintSpec", "PlanSpec", "CreateJob", "ListJobs", "GetLintReport", "ListDatasets", "GetServerInfo"}


def call(stub: Any, method: str, request: Any, token: str) -> Any:
    answer: Any = getattr(stub, method)(request, timeout=20, metadata=(("authorization", f"Bearer {token}"),))
    return list(answer) if hasattr(answer, "__next__") else answer


def refusal(stub: Any, method: str, request: Any, token: str) -> Any:
    with pytest.raises(grpc.RpcError) as caught:
        call(stub, method, request, token)
    return caught.value


def details(error: Any, kind: Any) -> list[Any]:
    found = []
    for packed in rpc_status.from_call(error).details:
        if packed.Is(kind.DESCRIPTOR):
            found.append(kind())
            packed.Unpack(found[-1])
    return found


def lines(server: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (server.home / "audit.jsonl").read_text().splitlines()]


def test_every_method_is_known_to_this_test() -> None:
    ours = {method.rpartition("/")[2] for method in LEAST_ROLE if "TrainingService" in method}
    assert ours == OF_A_JOB.keys() | OF_NO_JOB


def test_a_job_of_another_owner_does_not_exist_for_any_method(guarded: Start, spec: Callable[..., bytes]) -> None:
    server = guarded()
    ann, bob, stub = server.give("ann", Role.SUBMITTER), server.give("bob", Role.SUBMITTER), server.stub()
    job = call(stub, "CreateJob", pb.CreateJobRequest(spec=spec("hold")), ann).job
    before = call(stub, "GetJob", pb.GetJobRequest(id=job.id), ann).job.last_seq
    unknown = refusal(stub, "GetJob", pb.GetJobRequest(id="zzzzzzzzzzzz"), bob).details().replace("zzzzzzzzzzzz", job.id)
    for method, request in OF_A_JOB.items():
        for asked in (job.id, job.id[:4]):
            error = refusal(stub, method, request(id=asked), bob)
            assert error.code() is grpc.StatusCode.NOT_FOUND, method
            assert error.details() == unknown.replace(job.id, asked), method
    error = refusal(stub, "GetLintReport", pb.GetLintReportRequest(job_id=job.id), bob)
    assert error.code() is grpc.StatusCode.NOT_FOUND
    digest = call(stub, "GetLintReport", pb.GetLintReportRequest(job_id=job.id), ann).report.digest
    refused = refusal(stub, "CreateJob", pb.CreateJobRequest(spec=spec(training={"epoch": 3})), ann)
    (known,) = [dict(found.metadata)["report_digest"] for found in details(refused, error_details_pb2.ErrorInfo)]
    for of_ann in (digest, known):
        asked = pb.GetLintReportRequest(digest=of_ann)
        assert refusal(stub, "GetLintReport", asked, bob).code() is grpc.StatusCode.NOT_FOUND
        assert call(stub, "GetLintReport", asked, ann).report.digest == of_ann
        assert call(stub, "GetLintReport", asked, server.token).report.digest == of_ann
    assert not call(stub, "ListJobs", pb.ListJobsRequest(), bob).jobs
    assert not call(stub, "ListJobs", pb.ListJobsRequest(owner="ann"), bob).jobs
    after = call(stub, "GetJob", pb.GetJobRequest(id=job.id), server.token).job
    assert after.id == job.id
    assert before <= after.last_seq
    call(stub, "CancelJob", pb.CancelJobRequest(id=job.id), ann)


def test_a_viewer_sees_what_its_name_owns_and_changes_nothing(guarded: Start, spec: Callable[..., bytes]) -> None:
    server = guarded()
    ann, eyes, stub = server.give("ann", Role.SUBMITTER), server.give("ann", Role.VIEWER), server.stub()
    job = call(stub, "CreateJob", pb.CreateJobRequest(spec=spec("good")), ann).job
    assert call(stub, "GetJob", pb.GetJobRequest(id=job.id), eyes).job.owner == "ann"
    for method, request in {"CreateJob": pb.CreateJobRequest(spec=spec()), "CancelJob": pb.CancelJobRequest(id=job.id)}.items():
        assert refusal(stub, method, request, eyes).code() is grpc.StatusCode.PERMISSION_DENIED


def test_a_token_that_expired_or_was_revoked_opens_nothing(guarded: Start) -> None:
    server = guarded()
    past = datetime.now(UTC) - timedelta(days=2)
    stub, old, ended = (
        server.stub(),
        server.give("ann", Role.SUBMITTER, now=past, lifetime=timedelta(days=1)),
        server.give("bob", Role.OPERATOR),
    )
    assert refusal(stub, "GetServerInfo", pb.GetServerInfoRequest(), old).code() is grpc.StatusCode.UNAUTHENTICATED
    assert call(stub, "GetServerInfo", pb.GetServerInfoRequest(), ended).server.version
    server.book.revoke("bob", datetime.now(UTC))
    assert refusal(stub, "GetServerInfo", pb.GetServerInfoRequest(), ended).code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_token_that_ends_while_it_watches_ends_the_stream(
    guarded: Start, spec: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainyard.service.rpc.interceptors.identified.LOOK_SECONDS", 0.05)
    server = guarded()
    stub, revoked, brief = server.stub(), server.give("ann", Role.SUBMITTER), server.give("ann", Role.VIEWER, lifetime=timedelta(seconds=3))
    job = call(stub, "CreateJob", pb.CreateJobRequest(spec=spec("hold")), revoked).job
    streams = [
        stub.WatchJob(pb.WatchJobRequest(id=job.id), timeout=30, metadata=(("authorization", f"Bearer {token}"),))
        for token in (brief, revoked)
    ]
    assert all(next(stream).event.seq == 1 for stream in streams)
    server.book.revoke("ann", datetime.now(UTC))
    for stream in streams:
        with pytest.raises(grpc.RpcError) as caught:
            list(stream)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "expired or was revoked" in str(caught.value.details())
    call(stub, "CancelJob", pb.CancelJobRequest(id=job.id), server.token)


def test_the_book_holds_digests_only_and_is_its_owners(guarded: Start) -> None:
    server = guarded()
    token = server.give("ann", Role.SUBMITTER)
    assert token not in server.book.path.read_text()
    assert token.removeprefix(token_book.PREFIX) not in server.book.path.read_text()
    assert server.book.path.stat().st_mode & 0o077 == 0


def test_a_book_that_broke_while_the_server_runs_locks_nobody_out_and_lets_nobody_in(guarded: Start) -> None:
    server = guarded()
    token, stub = server.give("ann", Role.SUBMITTER), server.stub()
    assert call(stub, "GetServerInfo", pb.GetServerInfoRequest(), token).server.version
    server.book.path.write_text("{")
    assert call(stub, "GetServerInfo", pb.GetServerInfoRequest(), token).server.version
    assert refusal(stub, "GetServerInfo", pb.GetServerInfoRequest(), "ty_other").code() is grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(Refusal, match="can not be read"):
        server.book.entries()


def test_the_audit_log_says_who_did_what_to_which_job(guarded: Start, spec: Callable[..., bytes]) -> None:
    server = guarded()
    ann, bob, stub = server.give("ann", Role.SUBMITTER), server.give("bob", Role.SUBMITTER), server.stub()
    job = call(stub, "CreateJob", pb.CreateJobRequest(spec=spec("hold")), ann).job
    refusal(stub, "CancelJob", pb.CancelJobRequest(id=f'{job.id[:-1]}\n\x1b[31m"forged'), bob)
    refusal(stub, "GetJob", pb.GetJobRequest(id=job.id), "ty_wrong-token-of-nobody")
    call(stub, "CancelJob", pb.CancelJobRequest(id=job.id[:6]), ann)
    call(stub, "GetJob", pb.GetJobRequest(id=job.id), ann)
    kept = lines(server)
    assert [(line["principal"], line["method"], line["job"], line["code"]) for line in kept] == [
        ("ann", "CreateJob", job.id, "OK"),
        ("bob", "CancelJob", "", "NOT_FOUND"),
        ("", "GetJob", "", "UNAUTHENTICATED"),
        ("ann", "CancelJob", job.id, "OK"),
    ]
    assert all(line["peer"] and line["request_id"] and line["at"] for line in kept)
    raw = (server.home / "audit.jsonl").read_bytes()
    assert b"\x1b" not in raw
    assert not any(secret.encode() in raw for secret in (ann, bob, "ty_wrong"))
    assert (server.home / "audit.jsonl").stat().st_mode & 0o077 == 0


def test_a_full_audit_log_makes_room_and_keeps_the_one_before(tmp_path: Any) -> None:
    log = AuditLog(tmp_path, lambda: datetime(2026, 3, 1, tzinfo=UTC), most_bytes=200)
    for number in range(20):
        log.keep({"number": number})
    kept = [json.loads(line)["number"] for name in ("audit.jsonl.1", "audit.jsonl") for line in _text(tmp_path / name).splitlines()]
    assert kept == list(range(kept[0], 20))
    assert len(kept) >= 3


def _text(path: Any) -> str:
    return path.read_text() if path.exists() else ""


def test_a_disk_with_room_for_half_a_line_keeps_none_of_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AuditLog(tmp_path, lambda: datetime(2026, 3, 1, tzinfo=UTC))
    log.keep({"number": 1})
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, raw: write(descriptor, raw[:9]))
    log.keep({"number": 2})
    monkeypatch.undo()
    log.keep({"number": 3})
    assert [json.loads(line)["number"] for line in log.path.read_text().splitlines()] == [1, 3]


def test_a_book_that_was_mended_without_being_written_counts_at_once(tmp_path: Any) -> None:
    book, now = token_book.TokenBook(tmp_path), datetime(2026, 3, 1, tzinfo=UTC)
    _, secret = book.create("ann", Role.SUBMITTER, None, now)
    known = token_book.KnownTokens(("own-own-own-own-own", Principal("me", Role.OPERATOR)), book, lambda: now)
    assert known.principal(secret) is not None
    book.revoke("ann", now)
    book.path.chmod(0o666)
    assert known.principal(secret) is not None  # the book as it was, and the log says why
    book.path.chmod(0o600)
    assert known.principal(secret) is None


@pytest.mark.parametrize(
    "wrong", [{"role": None}, {"name": 7}, {"expires_at": "2026-03-01T00:00:00"}, {"expires_at": "soon"}, {"colour": "red"}]
)
def test_a_book_with_an_entry_that_is_none_is_refused_in_a_sentence(tmp_path: Any, wrong: dict[str, Any]) -> None:
    book = token_book.TokenBook(tmp_path)
    book.create("ann", Role.SUBMITTER, timedelta(days=1), datetime(2026, 3, 1, tzinfo=UTC))
    written = json.loads(book.path.read_bytes())
    written["tokens"][0] |= wrong
    book.path.write_text(json.dumps(written))
    with pytest.raises(Refusal, match=r"tokens\.json can not be read"):
        book.entries()
