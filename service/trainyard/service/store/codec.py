"""Between rows and values: what a job, an event and an artifact look like in the tables.

JSON has no NaN and no infinities, but a loss has: they are written as an object with one odd key.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from trainyard.service.core import events
from trainyard.service.core.events import Body, EpochFinished, EpochRevised, Event, StateChanged, TrainerStarted
from trainyard.service.core.jobs import Artifact, Digests, Job, Prediction, Summary, TrainerProcess
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State

Row = dict[str, Any]

_KINDS: dict[str, type[Body]] = {
    "state_changed": StateChanged,
    "epoch_finished": EpochFinished,
    "epoch_revised": EpochRevised,
    "checkpoint_saved": events.CheckpointSaved,
    "learning_rate_changed": events.LearningRateChanged,
    "early_stopped": events.EarlyStopped,
    "diagnosis": events.Diagnosis,
    "artifact_written": events.ArtifactWritten,
}
# Fences each tag in its column, so that a tag can not be mistaken for a piece of another one.
_TAG_FENCE = "\x1f"
LONGEST_TAG_KEY = 128
_NAMES = {body: kind for kind, body in _KINDS.items()}


def job_row(job: Job) -> Row:
    """Write a job as a row, without its number: the store hands that out."""
    return {
        "id": job.id,
        "request_id": job.request_id,
        "request_digest": job.request_digest,
        "owner": job.owner,
        "priority": job.priority,
        "max_attempts": job.max_attempts,
        "experiment": job.summary.experiment,
        "tags": "".join(map(tag_needle, job.summary.tags)),
        "model": job.summary.model,
        "dataset": job.summary.dataset,
        "optimizer": job.summary.optimizer,
        "spec_epochs": job.summary.epochs_planned,
        "gpus": job.summary.gpus,
        "source_digest": job.digests.source,
        "spec_digest": job.digests.spec,
        "report_digest": job.digests.report,
        "ruleset": job.ruleset,
        "predicted_memory_low_bytes": job.prediction.memory_low_bytes,
        "predicted_memory_high_bytes": job.prediction.memory_high_bytes,
        "predicted_microseconds": None if job.prediction.seconds is None else round(job.prediction.seconds * 1e6),
        "created_at": job.created_at,
        **progress_row(job),
        **process_row(job.process),
    }


def progress_row(job: Job) -> Row:
    """Write the part of a job that a command or an event can change."""
    return {
        "state": job.state.value,
        "reason": job.reason and job.reason.value,
        "message": job.message,
        "attempt": job.attempt,
        "last_seq": job.last_seq,
        "epoch": job.epoch,
        "epochs_planned": job.epochs_planned,
        "last_metrics": dump(job.last_metrics),
        "best_epoch": job.best_epoch,
        "best_metrics": dump(job.best_metrics),
        "updated_at": job.updated_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "spool_offset": job.spool_offset,
        "device": job.device.partition(",")[0],
        "more_devices": job.device.partition(",")[2],
        "held": job.held,
        "losses": job.losses,
        "node": job.node,
        "trainer": None if job.trainer is None else dump(dataclasses.asdict(job.trainer)),
    }


def tag_needle(tag: str) -> str:
    """Write a tag as it stands in the column of tags."""
    return f"{_TAG_FENCE}{tag.replace(_TAG_FENCE, ' ')}{_TAG_FENCE}"


def tag_key(tag: str) -> str:
    """Write a tag as it stands in the table of tags: a long one by its digest, because an index takes no text of any length."""
    text = tag.replace(_TAG_FENCE, " ")
    return text if len(text) <= LONGEST_TAG_KEY else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def tag_rows(job: Job) -> list[Row]:
    """Write a job's tags as rows, each once."""
    tags = dict.fromkeys(tag_key(tag) for tag in job.summary.tags)
    return [{"tag": tag, "number": job.number, "owner": job.owner} for tag in tags if tag]


def process_row(process: TrainerProcess | None) -> Row:
    """Write which process runs a job."""
    if process is None:
        return {"host": None, "boot_id": None, "pid": None, "start_ticks": None}
    return {"host": process.host, "boot_id": process.boot_id, "pid": process.pid, "start_ticks": process.start_ticks}


def job_of(row: RowMapping) -> Job:
    """Read a job from its row."""
    seconds = row["predicted_microseconds"]
    return Job(
        number=row["number"],
        id=row["id"],
        request_id=row["request_id"],
        request_digest=row["request_digest"],
        owner=row["owner"],
        priority=row["priority"],
        summary=_summary(row),
        digests=Digests(row["source_digest"], row["spec_digest"], row["report_digest"]),
        ruleset=row["ruleset"],
        prediction=Prediction(
            row["predicted_memory_low_bytes"], row["predicted_memory_high_bytes"], None if seconds is None else seconds / 1e6
        ),
        max_attempts=row["max_attempts"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        state=State(row["state"]),
        reason=None if row["reason"] is None else Reason(row["reason"]),
        message=row["message"],
        attempt=row["attempt"],
        last_seq=row["last_seq"],
        epoch=row["epoch"],
        epochs_planned=row["epochs_planned"],
        last_metrics=_load(row["last_metrics"]),
        best_epoch=row["best_epoch"],
        best_metrics=_load(row["best_metrics"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        spool_offset=row["spool_offset"],
        device=",".join(held_devices(row)),
        held=row["held"],
        process=_process(row),
        trainer=None if row["trainer"] is None else TrainerStarted(**_load(row["trainer"])),
        losses=row["losses"],
        node=row["node"],
    )


def held_devices(row: RowMapping) -> list[str]:
    """Name every device in the columns that hold them."""
    return [row["device"], *(one for one in row["more_devices"].split(",") if one)]


def _summary(row: RowMapping) -> Summary:
    return Summary(
        experiment=row["experiment"],
        tags=tuple(tag for tag in row["tags"].split(_TAG_FENCE) if tag),
        model=row["model"],
        dataset=row["dataset"],
        optimizer=row["optimizer"],
        epochs_planned=row["spec_epochs"],
        gpus=row["gpus"],
    )


def _process(row: RowMapping) -> TrainerProcess | None:
    if row["pid"] is None:
        return None
    return TrainerProcess(host=row["host"], boot_id=row["boot_id"], pid=row["pid"], start_ticks=row["start_ticks"])


def event_row(event: Event) -> Row:
    """Write an event as a row."""
    return {
        "job_id": event.job_id,
        "seq": event.seq,
        "attempt": event.attempt,
        "key": event.key,
        "kind": _NAMES[type(event.body)],
        "at": event.at,
        "body": dump(dataclasses.asdict(event.body)),
    }


def event_of(row: RowMapping) -> Event:
    """Read an event from its row."""
    body = _body(row["kind"], _load(row["body"]))
    return Event(job_id=row["job_id"], seq=row["seq"], attempt=row["attempt"], key=row["key"], at=row["at"], body=body)


def _body(kind: str, fields: Row) -> Body:
    if kind == "state_changed":
        before, reason = fields["before"], fields["reason"]
        return StateChanged(before and State(before), State(fields["after"]), reason and Reason(reason), fields["message"])
    if kind == "epoch_revised":
        return EpochRevised(EpochFinished(**fields["epoch"]), fields["revises_seq"])
    return _KINDS[kind](**fields)


def artifact_of(row: RowMapping) -> Artifact:
    """Read an artifact from its row."""
    return Artifact(row["name"], row["kind"], row["size_bytes"], row["sha256"], row["created_at"])


def dump(value: Any) -> str:
    """Write JSON; NaN and the infinities become ``{"$": "nan"}``, which no value of ours looks like."""
    return _ENCODER.encode(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$": str(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _load(text: str) -> Any:
    return _DECODER.decode(text) if text != "{}" else {}


def _number_or_object(found: Row) -> Any:
    return float(found["$"]) if found.keys() == {"$"} and isinstance(found["$"], str) else found


# Made once: the functions of the module make one of each for every text.
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(object_hook=_number_or_object)
