"""Events and progress: messages in, values out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trainyard.client.translation import jobs
from trainyard.client.values import event as values

if TYPE_CHECKING:
    from trainyard.v1 import event_pb2
    from trainyard.v1 import training_service_pb2 as pb


def watched(response: pb.WatchJobResponse) -> values.Event | values.Progress | None:
    """Read one item of a stream; None for an item of a kind that only a newer client knows."""
    if response.HasField("event"):
        return event(response.event)
    if response.HasField("progress"):
        return progress(response.progress)
    return None


def event(message: event_pb2.Event) -> values.Event:
    """Read an event."""
    kind = message.WhichOneof("kind")
    what = _READERS[kind](getattr(message, kind)) if kind else values.Unknown()
    return values.Event(message.job_id, message.seq, jobs.time(message, "time"), message.attempt, what)


def progress(message: event_pb2.Progress) -> values.Progress:
    """Read progress."""
    return values.Progress(message.job_id, message.epoch, message.step, message.steps, jobs.metrics(message.metrics))


def history(response: pb.GetHistoryResponse) -> tuple[values.EpochFinished, ...]:
    """Read a job's curve."""
    return tuple(_epoch_finished(epoch) for epoch in response.epochs)


def _state_changed(message: event_pb2.StateChanged) -> values.StateChanged:
    # The field is called `from`, which is a word of Python's own.
    return values.StateChanged(
        before=jobs.state(getattr(message, "from")),
        after=jobs.state(message.to),
        reason=jobs.reason(message.reason),
        message=message.message,
    )


def _epoch_finished(message: event_pb2.EpochFinished) -> values.EpochFinished:
    return values.EpochFinished(
        epoch=message.epoch,
        epochs_planned=message.epochs_planned,
        metrics=jobs.metrics(message.metrics),
        learning_rate=message.learning_rate,
        seconds=message.seconds,
        samples_per_second=message.samples_per_second,
        device_memory_bytes=message.device_memory_bytes,
        rollback=message.rollback,
    )


def _epoch_revised(message: event_pb2.EpochRevised) -> values.EpochRevised:
    return values.EpochRevised(_epoch_finished(message.epoch), message.revises_seq)


def _checkpoint_saved(message: event_pb2.CheckpointSaved) -> values.CheckpointSaved:
    return values.CheckpointSaved(message.epoch, message.monitor, message.value, message.best, message.artifact)


def _learning_rate_changed(message: event_pb2.LearningRateChanged) -> values.LearningRateChanged:
    return values.LearningRateChanged(message.epoch, getattr(message, "from"), message.to, message.cause)


def _early_stopped(message: event_pb2.EarlyStopped) -> values.EarlyStopped:
    return values.EarlyStopped(message.epoch, message.best_epoch, message.monitor, message.patience)


def _diagnosis(message: event_pb2.Diagnosis) -> values.Diagnosis:
    return values.Diagnosis(message.name, message.epoch, message.message, message.strength)


def _artifact_written(message: event_pb2.ArtifactWritten) -> values.ArtifactWritten:
    return values.ArtifactWritten(jobs.artifact(message.artifact))


_READERS: dict[str, Callable[[Any], values.Happening]] = {
    "state_changed": _state_changed,
    "epoch_finished": _epoch_finished,
    "epoch_revised": _epoch_revised,
    "checkpoint_saved": _checkpoint_saved,
    "learning_rate_changed": _learning_rate_changed,
    "early_stopped": _early_stopped,
    "diagnosis": _diagnosis,
    "artifact_written": _artifact_written,
}
