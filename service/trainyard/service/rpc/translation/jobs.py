"""Jobs and their artifacts as messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from google.protobuf.duration_pb2 import Duration

from trainyard.service.core.jobs import Artifact, Job
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State
from trainyard.service.rpc.translation.moments import timestamp
from trainyard.v1 import job_pb2

STATES = {state: job_pb2.JobState.Value(f"JOB_STATE_{state.name}") for state in State}
REASONS = {reason: job_pb2.JobReason.Value(f"JOB_REASON_{reason.name}") for reason in Reason}
STATE_OF = {number: state for state, number in STATES.items()}


def job_message(job: Job, *, artifacts: Iterable[Artifact] = (), folder: Path | None = None, queue_position: int = 0) -> job_pb2.Job:
    """Translate a job; ``folder`` is its artifact folder for callers on this machine, None for others."""
    return job_pb2.Job(
        name=f"jobs/{job.id}" if job.id else "",
        id=job.id,
        experiment=job.summary.experiment,
        state=STATES[job.state],
        reason=REASONS[job.reason] if job.reason else job_pb2.JOB_REASON_UNSPECIFIED,
        message=job.message,
        owner=job.owner,
        tags=job.summary.tags,
        priority=job.priority,
        attempt=job.attempt,
        epoch=job.epoch,
        epochs_planned=job.epochs_planned,
        last_metrics=metrics(job.last_metrics),
        best_epoch=job.best_epoch,
        best_metrics=metrics(job.best_metrics),
        last_seq=job.last_seq,
        source_digest=job.digests.source,
        spec_digest=job.digests.spec,
        report_digest=job.digests.report,
        ruleset=job.ruleset,
        model=job.summary.model,
        dataset=job.summary.dataset,
        optimizer=job.summary.optimizer,
        create_time=timestamp(job.created_at),
        update_time=timestamp(job.updated_at),
        start_time=timestamp(job.started_at),
        end_time=timestamp(job.ended_at),
        queue_position=queue_position,
        artifacts=[artifact_message(artifact, folder) for artifact in artifacts],
        predicted_duration=_duration(job.prediction.seconds),
        predicted_memory_low_bytes=job.prediction.memory_low_bytes or 0,
        predicted_memory_high_bytes=job.prediction.memory_high_bytes or 0,
    )


def metrics(values: Mapping[str, float]) -> list[job_pb2.Metric]:
    """Translate metrics in the order in which they came."""
    return [job_pb2.Metric(name=name, value=value) for name, value in values.items()]


def artifact_message(artifact: Artifact, folder: Path | None = None) -> job_pb2.Artifact:
    """Translate an artifact; its path is for callers on this machine."""
    return job_pb2.Artifact(
        name=artifact.name,
        kind=artifact.kind,
        size_bytes=artifact.size_bytes,
        sha256=artifact.sha256,
        create_time=timestamp(artifact.created_at),
        local_path=str(folder / artifact.name) if folder else "",
    )


def _duration(seconds: float | None) -> Duration | None:
    if seconds is None:
        return None
    whole = int(seconds)
    return Duration(seconds=whole, nanos=int((seconds - whole) * 1e9))
