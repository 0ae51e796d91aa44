"""A real gRPC server on a port of its own, with jobs that are made up: it refuses, breaks and dawdles on request."""

# ruff: noqa: N802 - the contract names the methods

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import grpc
import pytest
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from trainyard.client.client import Client
from trainyard.v1 import event_pb2, job_pb2, lint_pb2, server_info_pb2
from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceServicer, add_TrainingServiceServicer_to_server

WAIT_SECONDS = 20.0
JOB_ID = "0jb4kq7t2m"


@dataclass
class Seen:
    """A call that reached the server."""

    method: str
    request: Any
    metadata: dict[str, str]
    seconds_left: float | None


@dataclass
class Failure:
    """An answer that is none."""

    code: grpc.StatusCode
    message: str = "made up"
    details: Sequence[Message] = ()

    def end(self, context: grpc.ServicerContext) -> NoReturn:
        packed = []
        for detail in self.details:
            packed.append(any_pb2.Any())
            packed[-1].Pack(detail)
        status = status_pb2.Status(code=self.code.value[0], message=self.message, details=packed)
        context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError("abort raises")


def lint_refusal(*findings: lint_pb2.Finding, more: int = 0) -> Failure:
    """Refuse as the lint gate does."""
    report = lint_pb2.LintReport(digest="d" * 64, ruleset="recommended@2026.1", findings=findings, more_findings=more)
    reason = error_details_pb2.ErrorInfo(reason="SPEC_REFUSED", domain="trainyard", metadata={"report_digest": "d" * 64})
    violations = [
        error_details_pb2.PreconditionFailure.Violation(type=item.code, subject=item.pointer, description=item.message) for item in findings
    ]
    details = (reason, error_details_pb2.PreconditionFailure(violations=violations), report)
    return Failure(grpc.StatusCode.FAILED_PRECONDITION, "The linter refuses the spec: 1 error.", details)


def epoch_event(epoch: int, epochs: int) -> event_pb2.Event:
    metrics = [job_pb2.Metric(name="loss", value=1 / epoch), job_pb2.Metric(name="val_accuracy", value=1 - 0.5 / epoch)]
    finished = event_pb2.EpochFinished(
        epoch=epoch, epochs_planned=epochs, metrics=metrics, learning_rate=0.002, seconds=0.25, samples_per_second=5000.0
    )
    return event_pb2.Event(epoch_finished=finished)


def moved(before: str, after: str, reason: str = "UNSPECIFIED", message: str = "") -> event_pb2.Event:
    change = event_pb2.StateChanged(
        to=job_pb2.JobState.Value(f"JOB_STATE_{after}"), reason=job_pb2.JobReason.Value(f"JOB_REASON_{reason}"), message=message
    )
    setattr(change, "from", job_pb2.JobState.Value(f"JOB_STATE_{before}"))
    return event_pb2.Event(state_changed=change)


def whole_run(epochs: int) -> list[event_pb2.Event]:
    """Everything that happens in a job that ends well."""
    return [
        moved("UNSPECIFIED", "QUEUED"),
        moved("QUEUED", "STARTING"),
        moved("STARTING", "RUNNING"),
        *(epoch_event(epoch, epochs) for epoch in range(1, epochs + 1)),
        moved("RUNNING", "SUCCEEDED", "COMPLETED"),
    ]


@dataclass
class FakeServer(TrainingServiceServicer):  # what it leaves out answers UNIMPLEMENTED
    """Answers from memory. ``failures`` come first, method by method; ``cuts`` end streams after so many items."""

    token: str | None = None
    jobs: dict[str, job_pb2.Job] = field(default_factory=dict)
    events: dict[str, list[event_pb2.Event]] = field(default_factory=dict)
    progress: list[event_pb2.Progress] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    failures: dict[str, deque[Failure]] = field(default_factory=dict)
    cuts: deque[int] = field(default_factory=deque)
    cut_code: grpc.StatusCode | None = grpc.StatusCode.UNAVAILABLE
    distort: Callable[[list[event_pb2.Event]], list[event_pb2.Event]] = list
    ruleset: str = "recommended@2026.1"
    dawdle_seconds: float = 0.0
    calls: list[Seen] = field(default_factory=list)
    findings: list[lint_pb2.Finding] = field(default_factory=list)
    spec: bytes = b'{"version": "v1"}'

    def __post_init__(self) -> None:
        self._news = threading.Condition()
        self._leaving = threading.Event()
        self._server: grpc.Server | None = None
        self.port = 0

    # -- life

    def start(self) -> None:
        """Listen; after the first time on the same port as before."""
        self._leaving.clear()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=8), options=[("grpc.so_reuseport", 0)])
        add_TrainingServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()

    def stop(self) -> None:
        """Hang up on everybody."""
        if self._server is not None:
            self._leaving.set()
            with self._news:
                self._news.notify_all()
            self._server.stop(grace=None).wait(WAIT_SECONDS)
            self._server = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    # -- what it knows

    def add_job(self, job_id: str = JOB_ID, *, state: str = "QUEUED", epochs: int = 0, **fields: Any) -> job_pb2.Job:
        """Make a job; with ``epochs`` it has a whole run behind it."""
        job = job_pb2.Job(
            id=job_id, experiment="digits-small-cnn", epochs_planned=epochs, state=job_pb2.JobState.Value(f"JOB_STATE_{state}"), **fields
        )
        job.create_time.FromSeconds(1_790_000_000)
        self.jobs[job_id] = job
        self.events[job_id] = []
        if epochs:
            self.tell(job_id, *whole_run(epochs))
        return job

    def tell(self, job_id: str, *events: event_pb2.Event) -> None:
        """Append events, numbered, and let the job follow them."""
        with self._news:
            for event in events:
                event.job_id, event.attempt = job_id, 1
                event.seq = len(self.events[job_id]) + 1
                event.time.FromSeconds(1_790_000_000 + event.seq)
                self.events[job_id].append(event)
                self._follow(self.jobs[job_id], event)
            self._news.notify_all()

    @staticmethod
    def _follow(job: job_pb2.Job, event: event_pb2.Event) -> None:
        job.last_seq = event.seq
        if event.HasField("state_changed"):
            job.state, job.reason = event.state_changed.to, event.state_changed.reason
            job.message = event.state_changed.message
        if event.HasField("epoch_finished"):
            job.epoch = job.best_epoch = event.epoch_finished.epoch
            for metrics in (job.last_metrics, job.best_metrics):
                del metrics[:]
                metrics.extend(event.epoch_finished.metrics)

    def await_call(self, method: str) -> None:
        """Wait until somebody has called ``method``."""
        with self._news:
            assert self._news.wait_for(lambda: self.count(method) > 0, WAIT_SECONDS)

    def count(self, method: str) -> int:
        return sum(call.method == method for call in self.calls)

    # -- what it answers

    def _meet(self, method: str, request: Any, context: grpc.ServicerContext) -> None:
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        with self._news:
            self.calls.append(Seen(method, request, metadata, context.time_remaining()))
            self._news.notify_all()
        if self.token is not None and metadata.get("authorization") != f"Bearer {self.token}":
            Failure(grpc.StatusCode.UNAUTHENTICATED, "Who are you?").end(context)
        waiting = self.failures.get(method)
        if waiting:
            waiting.popleft().end(context)
        if self.dawdle_seconds:
            self._leaving.wait(self.dawdle_seconds)

    def _job(self, job_id: str, context: grpc.ServicerContext) -> job_pb2.Job:
        found = [job for job in self.jobs.values() if job.id.startswith(job_id)]
        if len(found) != 1:
            Failure(grpc.StatusCode.NOT_FOUND, f"There is no job '{job_id}' here.").end(context)
        return found[0]

    def LintSpec(self, request: pb.LintSpecRequest, context: Any) -> pb.LintSpecResponse:
        self._meet("LintSpec", request, context)
        return pb.LintSpecResponse(report=self._report())

    def CreateJob(self, request: pb.CreateJobRequest, context: Any) -> pb.CreateJobResponse:
        self._meet("CreateJob", request, context)
        if request.validate_only:
            return pb.CreateJobResponse(job=job_pb2.Job(experiment="digits-small-cnn"), report=self._report())
        known = [call.request.request_id for call in self.calls if call.method == "CreateJob"].index(request.request_id)
        job_id = f"{known:x}{JOB_ID}"
        job = self.jobs[job_id] if job_id in self.jobs else self.add_job(job_id, priority=request.priority)
        return pb.CreateJobResponse(job=job, report=self._report())

    def GetJob(self, request: pb.GetJobRequest, context: Any) -> pb.GetJobResponse:
        self._meet("GetJob", request, context)
        response = pb.GetJobResponse(job=self._job(request.id, context))
        if request.include_spec:
            response.spec, response.resolved_spec = self.spec, b'{"version":"v1","training":{"epochs":100}}'
        return response

    def ListJobs(self, request: pb.ListJobsRequest, context: Any) -> pb.ListJobsResponse:
        self._meet("ListJobs", request, context)
        newest_first = [job for job in reversed(self.jobs.values()) if not request.states or job.state in request.states]
        start = int(request.page_token or 0)
        end = start + (request.page_size or 50)
        token = str(end) if end < len(newest_first) else ""
        return pb.ListJobsResponse(jobs=newest_first[start:end], next_page_token=token)

    def CancelJob(self, request: pb.CancelJobRequest, context: Any) -> pb.CancelJobResponse:
        self._meet("CancelJob", request, context)
        job = self._job(request.id, context)
        self.tell(job.id, moved("RUNNING", "CANCELLED", "USER"))
        return pb.CancelJobResponse(job=job)

    def _command(self, method: str, request: Any, context: grpc.ServicerContext, *events: event_pb2.Event) -> job_pb2.Job:
        self._meet(method, request, context)
        job = self._job(request.id, context)
        self.tell(job.id, *events)
        return job

    def PauseJob(self, request: pb.PauseJobRequest, context: Any) -> pb.PauseJobResponse:
        return pb.PauseJobResponse(job=self._command("PauseJob", request, context, moved("RUNNING", "PAUSED")))

    def ResumeJob(self, request: pb.ResumeJobRequest, context: Any) -> pb.ResumeJobResponse:
        return pb.ResumeJobResponse(job=self._command("ResumeJob", request, context, moved("PAUSED", "QUEUED")))

    def StopJob(self, request: pb.StopJobRequest, context: Any) -> pb.StopJobResponse:
        return pb.StopJobResponse(job=self._command("StopJob", request, context, moved("RUNNING", "STOPPING")))

    def DeleteJob(self, request: pb.DeleteJobRequest, context: Any) -> pb.DeleteJobResponse:
        self._meet("DeleteJob", request, context)
        del self.jobs[self._job(request.id, context).id]
        return pb.DeleteJobResponse()

    def GetLintReport(self, request: pb.GetLintReportRequest, context: Any) -> pb.GetLintReportResponse:
        self._meet("GetLintReport", request, context)
        report = self._report()
        report.report_json = b'{"version": 1}'
        if request.digest:
            report.digest, report.passed = request.digest, False
        return pb.GetLintReportResponse(report=report)

    def GetHistory(self, request: pb.GetHistoryRequest, context: Any) -> pb.GetHistoryResponse:
        self._meet("GetHistory", request, context)
        told = self.events[self._job(request.id, context).id]
        return pb.GetHistoryResponse(epochs=[event.epoch_finished for event in told if event.HasField("epoch_finished")])

    def ListArtifacts(self, request: pb.ListArtifactsRequest, context: Any) -> pb.ListArtifactsResponse:
        self._meet("ListArtifacts", request, context)
        names = sorted(self.files)
        start = int(request.page_token or 0)
        end = start + 2
        token = str(end) if end < len(names) else ""
        return pb.ListArtifactsResponse(artifacts=[self._artifact(name) for name in names[start:end]], next_page_token=token)

    def _artifact(self, name: str) -> job_pb2.Artifact:
        content = self.files[name]
        return job_pb2.Artifact(
            name=name, kind="model", size_bytes=len(content), sha256=self.digests.get(name, hashlib.sha256(content).hexdigest())
        )

    def DownloadArtifact(self, request: pb.DownloadArtifactRequest, context: Any) -> Iterator[pb.DownloadArtifactResponse]:
        self._meet("DownloadArtifact", request, context)
        content = self.files[request.name]
        if request.offset > len(content):
            Failure(grpc.StatusCode.INVALID_ARGUMENT, "offset").end(context)
        left = self.cuts.popleft() if self.cuts else None
        yield pb.DownloadArtifactResponse(artifact=self._artifact(request.name))
        for start in range(request.offset, len(content), 10):
            if left == 0:
                Failure(grpc.StatusCode.UNAVAILABLE, "cut").end(context)
            left = None if left is None else left - 1
            yield pb.DownloadArtifactResponse(chunk=content[start : start + 10])

    def TailLog(self, request: pb.TailLogRequest, context: Any) -> Iterator[pb.TailLogResponse]:
        self._meet("TailLog", request, context)
        self._job(request.id, context)
        yield pb.TailLogResponse(text="Epoch 1\n")
        yield pb.TailLogResponse(text="Epoch 2\n")

    def ListDatasets(self, request: pb.ListDatasetsRequest, context: Any) -> pb.ListDatasetsResponse:
        self._meet("ListDatasets", request, context)
        found = [server_info_pb2.Dataset(path="digits/images", type="image_directory", classes=10, size_bytes=2**20)]
        return pb.ListDatasetsResponse(datasets=found)

    def GetServerInfo(self, request: pb.GetServerInfoRequest, context: Any) -> pb.GetServerInfoResponse:
        self._meet("GetServerInfo", request, context)
        server = server_info_pb2.ServerInfo(
            version="0.1.0",
            instance_id="i-7",
            ruleset="recommended@2026.1",
            refuse_on="error",
            backend="tensorflow",
            slots=2,
            free_slots=1,
            devices=[server_info_pb2.Device(kind="cpu", name="two cores", memory_bytes=8 * 2**30)],
            hardware_profile_json=b'{"name": "two cores"}',
            limits=server_info_pb2.Limits(max_epochs=500),
        )
        return pb.GetServerInfoResponse(server=server)

    def WatchJob(self, request: pb.WatchJobRequest, context: Any) -> Iterator[pb.WatchJobResponse]:
        self._meet("WatchJob", request, context)
        job = self._job(request.id, context)
        left = self.cuts.popleft() if self.cuts else None
        if request.include_progress:
            yield from (pb.WatchJobResponse(progress=item) for item in self.progress)
        for event in self._follow_events(job.id, request.after_seq, context):
            if left == 0:
                if self.cut_code is None:
                    return
                Failure(self.cut_code, "cut").end(context)
            left = None if left is None else left - 1
            yield pb.WatchJobResponse(event=event)

    def _follow_events(self, job_id: str, after_seq: int, context: grpc.ServicerContext) -> Iterator[event_pb2.Event]:
        context.add_callback(self._wake)
        while not self._leaving.is_set() and context.is_active():
            with self._news:
                fresh = [event for event in self.distort(self.events[job_id]) if event.seq > after_seq]
                if not fresh:
                    self._news.wait(WAIT_SECONDS)
                    continue
            for event in fresh:
                yield event
                after_seq = max(after_seq, event.seq)
                if event.state_changed.to in {8, 9, 10}:
                    return

    def _wake(self) -> None:
        with self._news:
            self._news.notify_all()

    def _report(self) -> lint_pb2.LintReport:
        return lint_pb2.LintReport(digest="a" * 64, ruleset=self.ruleset, passed=True, findings=self.findings)


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    server = FakeServer()  # type: ignore[abstract]
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(fake: FakeServer) -> Iterator[Client]:
    with Client(fake.address) as client:
        yield client


@dataclass(frozen=True)
class Shell:
    """Runs ``trainyard`` as a user does: a process of its own, a state folder of its own."""

    environment: dict[str, str]
    folder: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "trainyard.client.main", *arguments]

    def run(self, *arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            env={**self.environment, **environment},
            cwd=self.folder,
            timeout=WAIT_SECONDS * 3,
            check=False,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command(*arguments), env=self.environment, cwd=self.folder, **streams)


@pytest.fixture
def shell(fake: FakeServer, tmp_path: Path) -> Shell:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "PYTHONPATH") if name in os.environ}
    folder = tmp_path / "work"
    folder.mkdir()
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "TRAINYARD_SERVER": fake.address, "PYTHONWARNINGS": "error", "TERM": "xterm"}
    return Shell({**kept, **state}, folder)
