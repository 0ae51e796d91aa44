"""Jobs: messages in, values out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trainyard.client.values.job import Artifact, ArtifactPage, Job, JobPage, JobSpec, JobState, Piece
from trainyard.v1 import job_pb2

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

    from trainyard.v1 import training_service_pb2 as pb

_STATE_PREFIX, _REASON_PREFIX = "JOB_STATE_", "JOB_REASON_"


def job(message: job_pb2.Job) -> Job:
    """Read a job."""
    return Job(
        id=message.id,
        experiment=message.experiment,
        state=state(message.state),
        reason=reason(message.reason),
        message=message.message,
        owner=message.owner,
        tags=tuple(message.tags),
        priority=message.priority,
        attempt=message.attempt,
        epoch=message.epoch,
        epochs_planned=message.epochs_planned,
        metrics=metrics(message.last_metrics),
        best_epoch=message.best_epoch,
        best_metrics=metrics(message.best_metrics),
        last_seq=message.last_seq,
        source_digest=message.source_digest,
        spec_digest=message.spec_digest,
        report_digest=message.report_digest,
        ruleset=message.ruleset,
        model=message.model,
        dataset=message.dataset,
        optimizer=message.optimizer,
        created=time(message, "create_time"),
        updated=time(message, "update_time"),
        started=time(message, "start_time"),
        ended=time(message, "end_time"),
        queue_position=message.queue_position,
        artifacts=tuple(artifact(item) for item in message.artifacts),
        predicted_seconds=seconds(message.predicted_duration) if message.HasField("predicted_duration") else None,
        predicted_memory_bytes=_memory(message),
    )


def job_spec(response: pb.GetJobResponse) -> JobSpec:
    """Read a job with its spec."""
    return JobSpec(job(response.job), response.spec, response.resolved_spec)


def page(response: pb.ListJobsResponse) -> JobPage:
    """Read a page of jobs."""
    return JobPage(tuple(job(item) for item in response.jobs), response.next_page_token)


def artifact_page(response: pb.ListArtifactsResponse) -> ArtifactPage:
    """Read a page of a job's files."""
    return ArtifactPage(tuple(artifact(item) for item in response.artifacts), response.next_page_token)


def piece(response: pb.DownloadArtifactResponse) -> Piece:
    """Read a part of a file."""
    return Piece(response.chunk, artifact(response.artifact) if response.HasField("artifact") else None)


def artifact(message: job_pb2.Artifact) -> Artifact:
    """Read an artifact."""
    return Artifact(message.name, message.kind, message.size_bytes, message.sha256, time(message, "create_time"), message.local_path)


def metrics(messages: Iterable[job_pb2.Metric]) -> dict[str, float]:
    """Read metrics, in the server's order."""
    return {metric.name: metric.value for metric in messages}


def state(number: int) -> JobState:
    """Read a state; one that only a newer client knows is UNSPECIFIED."""
    value = job_pb2.JobState.DESCRIPTOR.values_by_number.get(number)
    return JobState(value.name.removeprefix(_STATE_PREFIX).lower()) if value else JobState.UNSPECIFIED


def state_number(wanted: JobState) -> job_pb2.JobState.ValueType:
    """Write a state."""
    return job_pb2.JobState.Value(_STATE_PREFIX + wanted.name)


def reason(number: int) -> str:
    """Read a reason as its word; empty when there is none, or none that this client knows."""
    value = job_pb2.JobReason.DESCRIPTOR.values_by_number.get(number)
    return value.name.removeprefix(_REASON_PREFIX).lower() if value and number else ""


def time(message: Message, field: str) -> datetime | None:
    """Read a time stamp as an aware UTC time; None where it is not set."""
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    return datetime.fromtimestamp(stamp.seconds, UTC).replace(microsecond=stamp.nanos // 1000)


def seconds(duration: Duration) -> float:
    """Read a duration in seconds."""
    return duration.seconds + duration.nanos / 1e9


def _memory(message: job_pb2.Job) -> tuple[int, int] | None:
    low, high = message.predicted_memory_low_bytes, message.predicted_memory_high_bytes
    return (low, high) if high else None
