"""Events and progress as messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trainyard.service.core import events
from trainyard.service.core.events import Event
from trainyard.service.core.jobs import Artifact
from trainyard.service.executor.progress import Progress
from trainyard.service.rpc.translation.jobs import REASONS, STATES, artifact_message, metrics
from trainyard.service.rpc.translation.moments import timestamp
from trainyard.v1 import event_pb2, job_pb2


def event_message(event: Event) -> event_pb2.Event:
    """Translate an event."""
    message = event_pb2.Event(job_id=event.job_id, seq=event.seq, time=timestamp(event.at), attempt=event.attempt)
    field, translate = _KINDS[type(event.body)]
    getattr(message, field).CopyFrom(translate(event.body, event))
    return message


def progress_message(job_id: str, progress: Progress) -> event_pb2.Progress:
    """Translate progress inside an epoch."""
    return event_pb2.Progress(
        job_id=job_id, epoch=progress.epoch, step=progress.step, steps=progress.steps, metrics=metrics(progress.metrics)
    )


def _state_changed(body: events.StateChanged, _: Event) -> event_pb2.StateChanged:
    message = event_pb2.StateChanged(
        to=STATES[body.after],
        reason=REASONS[body.reason] if body.reason else job_pb2.JOB_REASON_UNSPECIFIED,
        message=body.message,
    )
    if body.before is not None:
        # `from` is a keyword of Python.
        setattr(message, "from", STATES[body.before])
    return message


def epoch_message(body: events.EpochFinished) -> event_pb2.EpochFinished:
    """Translate the result of an epoch."""
    return event_pb2.EpochFinished(
        epoch=body.epoch,
        epochs_planned=body.epochs_planned,
        metrics=metrics(body.metrics),
        learning_rate=body.learning_rate,
        seconds=body.seconds,
        samples_per_second=body.samples_per_second,
        device_memory_bytes=body.device_memory_bytes,
        rollback=body.rollback,
    )


def _epoch_revised(body: events.EpochRevised, _: Event) -> event_pb2.EpochRevised:
    return event_pb2.EpochRevised(epoch=epoch_message(body.epoch), revises_seq=body.revises_seq)


def _checkpoint_saved(body: events.CheckpointSaved, _: Event) -> event_pb2.CheckpointSaved:
    return event_pb2.CheckpointSaved(epoch=body.epoch, monitor=body.monitor, value=body.value, best=body.best, artifact=body.artifact)


def _learning_rate_changed(body: events.LearningRateChanged, _: Event) -> event_pb2.LearningRateChanged:
    message = event_pb2.LearningRateChanged(epoch=body.epoch, to=body.after, cause=body.cause)
    setattr(message, "from", body.before)
    return message


def _early_stopped(body: events.EarlyStopped, _: Event) -> event_pb2.EarlyStopped:
    return event_pb2.EarlyStopped(epoch=body.epoch, best_epoch=body.best_epoch, monitor=body.monitor, patience=body.patience)


def _diagnosis(body: events.Diagnosis, _: Event) -> event_pb2.Diagnosis:
    return event_pb2.Diagnosis(name=body.name, epoch=body.epoch, message=body.message, strength=body.strength)


def _artifact_written(body: events.ArtifactWritten, event: Event) -> event_pb2.ArtifactWritten:
    artifact = Artifact(body.name, body.artifact_kind, body.size_bytes, body.sha256, event.at)
    return event_pb2.ArtifactWritten(artifact=artifact_message(artifact))


_KINDS: dict[type[events.Body], tuple[str, Callable[[Any, Event], Any]]] = {
    events.StateChanged: ("state_changed", _state_changed),
    events.EpochFinished: ("epoch_finished", lambda body, _: epoch_message(body)),
    events.EpochRevised: ("epoch_revised", _epoch_revised),
    events.CheckpointSaved: ("checkpoint_saved", _checkpoint_saved),
    events.LearningRateChanged: ("learning_rate_changed", _learning_rate_changed),
    events.EarlyStopped: ("early_stopped", _early_stopped),
    events.Diagnosis: ("diagnosis", _diagnosis),
    events.ArtifactWritten: ("artifact_written", _artifact_written),
}
