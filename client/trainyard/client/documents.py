"""The JSON that scripts read: field names here are promises.

Numbers that JSON has no word for (a loss may be NaN) are written as the strings ``NaN``, ``Infinity`` and
``-Infinity``, times as RFC 3339 in UTC, so that any JSON parser reads every line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainyard.client.values.event import EpochFinished, Event, Progress
    from trainyard.client.values.job import Artifact, Job
    from trainyard.client.values.server import ServerInfo

Document = dict[str, Any]
VERSION = 1


def dump(document: Document | list[Document]) -> str:
    """Write a document as one line of JSON."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def number(value: float) -> float | str:
    """Return a number that JSON can hold, or its name."""
    if value != value:  # noqa: PLR0124 - only NaN differs from itself
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "Infinity" if value > 0 else "-Infinity"
    return value


def metrics(values: Mapping[str, float]) -> dict[str, float | str]:
    """Return metrics that JSON can hold."""
    return {name: number(value) for name, value in values.items()}


def time(value: datetime | None) -> str | None:
    """Write a time as RFC 3339 in UTC with milliseconds."""
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z") if value else None


def job(value: Job) -> Document:
    """Describe a job."""
    return {
        "id": value.id,
        "experiment": value.experiment,
        "state": value.state.value,
        "reason": value.reason or None,
        "message": value.message,
        "owner": value.owner,
        "tags": list(value.tags),
        "priority": value.priority,
        "attempt": value.attempt,
        "epoch": value.epoch,
        "epochs_planned": value.epochs_planned,
        "metrics": metrics(value.metrics),
        "best_epoch": value.best_epoch or None,
        "best_metrics": metrics(value.best_metrics),
        "last_seq": value.last_seq,
        "queue_position": value.queue_position,
        "model": value.model,
        "dataset": value.dataset,
        "optimizer": value.optimizer,
        "ruleset": value.ruleset,
        "source_digest": value.source_digest,
        "spec_digest": value.spec_digest,
        "report_digest": value.report_digest,
        "created": time(value.created),
        "updated": time(value.updated),
        "started": time(value.started),
        "ended": time(value.ended),
        "predicted_seconds": value.predicted_seconds,
        "predicted_memory_bytes": list(value.predicted_memory_bytes) if value.predicted_memory_bytes else None,
        "artifacts": [artifact(item) for item in value.artifacts],
    }


def artifact(value: Artifact) -> Document:
    """Describe a file that a job made."""
    return {
        "name": value.name,
        "kind": value.kind,
        "size_bytes": value.size_bytes,
        "sha256": value.sha256,
        "created": time(value.created),
        "path": value.local_path or None,
    }


def watched(item: Event | Progress) -> Document:
    """Describe what a watcher saw: ``v`` and ``type`` say how to read the rest."""
    from trainyard.client.values.event import Progress

    if isinstance(item, Progress):
        running = {"epoch": item.epoch, "step": item.step, "steps": item.steps, "metrics": metrics(item.metrics)}
        return {"v": VERSION, "type": item.type, "job": item.job_id, **running}
    head = {"v": VERSION, "seq": item.seq, "type": item.what.type, "job": item.job_id, "attempt": item.attempt}
    return {**head, "time": time(item.time), **_happening(item)}


def reconnecting(attempt: int) -> Document:
    """Describe an attempt to come back to a server that went away."""
    return {"v": VERSION, "type": "reconnecting", "attempt": attempt}


def reconnected(attempts: int) -> Document:
    """Describe that the server is there again, after so many attempts."""
    return {"v": VERSION, "type": "reconnected", "attempts": attempts}


def server(value: ServerInfo) -> Document:
    """Describe a server."""
    from dataclasses import asdict

    document = asdict(value)
    profile = document.pop("hardware_profile_json")
    return {**document, "started": time(value.started), "hardware_profile": _parsed(profile)}


def _happening(item: Event) -> Document:
    from dataclasses import asdict

    from trainyard.client.values import event as kinds

    what = item.what
    if isinstance(what, kinds.EpochRevised):
        return {**epoch(what.result), "revises_seq": what.revises_seq}
    if isinstance(what, kinds.EpochFinished):
        return epoch(what)
    if isinstance(what, kinds.ArtifactWritten):
        return artifact(what.artifact)
    if isinstance(what, kinds.StateChanged):
        return {"from": what.before.value, "to": what.after.value, "reason": what.reason or None, "message": what.message}
    if isinstance(what, kinds.LearningRateChanged):
        return {"epoch": what.epoch, "from": number(what.before), "to": number(what.after), "cause": what.cause}
    return {name: number(value) if isinstance(value, float) else value for name, value in asdict(what).items()}


def epoch(value: EpochFinished) -> Document:
    """Describe an epoch."""
    return {
        "epoch": value.epoch,
        "epochs_planned": value.epochs_planned,
        "metrics": metrics(value.metrics),
        "learning_rate": number(value.learning_rate),
        "seconds": number(value.seconds),
        "samples_per_second": number(value.samples_per_second),
        "device_memory_bytes": value.device_memory_bytes or None,
        "rollback": value.rollback,
    }


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None
