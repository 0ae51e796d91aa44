"""Every call as a value: its name, its request, how its answer is read, how long it may take.

Pure, so that one description serves the blocking client and its asynchronous twin. With
``translation`` it is the only module that makes or reads generated messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from trainyard.client.translation import jobs
from trainyard.v1 import training_service_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from trainyard.client.values.event import EpochFinished, Event, Progress
    from trainyard.client.values.job import ArtifactPage, Job, JobPage, JobSpec, JobState, Piece
    from trainyard.client.values.report import LintReport, Submission
    from trainyard.client.values.server import DatasetPage, ServerInfo

Answer = TypeVar("Answer")
DEADLINE_SECONDS = 10.0
# Judging a spec may list a dataset, and accepting one waits for the disk.
GATE_DEADLINE_SECONDS = 30.0


class Call(NamedTuple, Generic[Answer]):
    """One call; ``deadline_seconds`` is None for a stream that lasts as long as it lasts."""

    method: str
    request: Message
    read: Callable[[Any], Answer]
    deadline_seconds: float | None = DEADLINE_SECONDS


def lint_spec(spec: bytes) -> Call[LintReport]:
    """Judge a spec as the server's gate would."""
    return Call("LintSpec", pb.LintSpecRequest(spec=spec), _report, GATE_DEADLINE_SECONDS)


def create_job(spec: bytes, request_id: str, *, validate_only: bool = False, priority: int = 0) -> Call[Submission]:
    """Submit a spec; the same ``request_id`` (a UUID) twice is one job."""
    request = pb.CreateJobRequest(spec=spec, request_id=request_id, validate_only=validate_only, priority=priority)
    return Call("CreateJob", request, _submission, GATE_DEADLINE_SECONDS)


def get_job(job_id: str) -> Call[Job]:
    """Ask for one job by id or unique prefix."""
    return Call("GetJob", pb.GetJobRequest(id=job_id), _job)


def get_job_spec(job_id: str) -> Call[JobSpec]:
    """Ask for one job with the spec it was made from."""
    return Call("GetJob", pb.GetJobRequest(id=job_id, include_spec=True), jobs.job_spec)


def list_jobs(
    *, states: Sequence[JobState], tags: Sequence[str], owner: str, experiment: str, page_size: int, page_token: str
) -> Call[JobPage]:
    """Ask for a page of jobs, newest first."""
    request = pb.ListJobsRequest(
        page_size=page_size,
        page_token=page_token,
        states=[jobs.state_number(state) for state in states],
        tags=tags,
        owner=owner,
        experiment=experiment,
    )
    return Call("ListJobs", request, jobs.page)


def watch_job(job_id: str, after_seq: int, *, include_progress: bool) -> Call[Event | Progress | None]:
    """Follow a job's events after a sequence number; an item is None when only a newer client knows it."""
    request = pb.WatchJobRequest(id=job_id, after_seq=after_seq, include_progress=include_progress)
    return Call("WatchJob", request, _watched, None)


def pause_job(job_id: str) -> Call[Job]:
    """Ask for a job's place to be saved and its slot to be freed."""
    return Call("PauseJob", pb.PauseJobRequest(id=job_id), _job)


def resume_job(job_id: str) -> Call[Job]:
    """Ask for a paused job to be queued again."""
    return Call("ResumeJob", pb.ResumeJobRequest(id=job_id), _job)


def stop_job(job_id: str) -> Call[Job]:
    """Ask for training to end, and for the best model."""
    return Call("StopJob", pb.StopJobRequest(id=job_id), _job)


def cancel_job(job_id: str) -> Call[Job]:
    """Ask for a job to be cancelled; asking twice is asking once."""
    return Call("CancelJob", pb.CancelJobRequest(id=job_id), _job)


def delete_job(job_id: str) -> Call[None]:
    """Ask for a job that is over to be forgotten, with its files."""
    return Call("DeleteJob", pb.DeleteJobRequest(id=job_id), lambda _response: None, GATE_DEADLINE_SECONDS)


def get_lint_report(*, job_id: str = "", digest: str = "") -> Call[LintReport]:
    """Ask for the whole report that let a job in, or for the one with a digest."""
    request = pb.GetLintReportRequest(digest=digest) if digest else pb.GetLintReportRequest(job_id=job_id)
    return Call("GetLintReport", request, _report)


def plan_spec(spec: bytes) -> Call[bytes]:
    """Ask what a spec would do there: the JSON of ``trainlint plan --format json``."""
    return Call("PlanSpec", pb.PlanSpecRequest(spec=spec), lambda response: bytes(response.plan_json), GATE_DEADLINE_SECONDS)


def get_history(job_id: str) -> Call[tuple[EpochFinished, ...]]:
    """Ask for a job's curve: one entry an epoch, in order."""
    return Call("GetHistory", pb.GetHistoryRequest(id=job_id), _history, GATE_DEADLINE_SECONDS)


def list_artifacts(job_id: str, *, page_size: int, page_token: str) -> Call[ArtifactPage]:
    """Ask for a page of a job's files, by name."""
    return Call("ListArtifacts", pb.ListArtifactsRequest(id=job_id, page_size=page_size, page_token=page_token), jobs.artifact_page)


def download_artifact(job_id: str, name: str, offset: int) -> Call[Piece]:
    """Ask for a file from ``offset`` on; its description comes with the first piece."""
    return Call("DownloadArtifact", pb.DownloadArtifactRequest(id=job_id, name=name, offset=offset), jobs.piece, None)


def tail_log(job_id: str, lines: int, *, follow: bool) -> Call[str]:
    """Ask for the end of a trainer's log, and for what is added to it."""
    return Call("TailLog", pb.TailLogRequest(id=job_id, lines=lines, follow=follow), lambda response: str(response.text), None)


def list_datasets(*, page_size: int, page_token: str) -> Call[DatasetPage]:
    """Ask for a page of what lies under the server's data root, by path."""
    return Call("ListDatasets", pb.ListDatasetsRequest(page_size=page_size, page_token=page_token), _datasets, GATE_DEADLINE_SECONDS)


def get_server_info() -> Call[ServerInfo]:
    """Ask who the server is."""
    return Call("GetServerInfo", pb.GetServerInfoRequest(), _server_info)


def _job(response: Any) -> Job:
    return jobs.job(response.job)


# A command that lists jobs pays neither for events nor for reports.
def _report(response: pb.LintSpecResponse | pb.GetLintReportResponse) -> LintReport:
    from trainyard.client.translation import reports

    return reports.report(response.report)


def _submission(response: pb.CreateJobResponse) -> Submission:
    from trainyard.client.translation import reports

    return reports.submission(response)


def _watched(response: pb.WatchJobResponse) -> Event | Progress | None:
    from trainyard.client.translation import events

    return events.watched(response)


def _history(response: pb.GetHistoryResponse) -> tuple[EpochFinished, ...]:
    from trainyard.client.translation import events

    return events.history(response)


def _datasets(response: pb.ListDatasetsResponse) -> DatasetPage:
    from trainyard.client.translation import servers

    return servers.datasets(response)


def _server_info(response: pb.GetServerInfoResponse) -> ServerInfo:
    from trainyard.client.translation import servers

    return servers.server_info(response.server)
