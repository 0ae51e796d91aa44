"""A run as a plain value: its curve, what was evaluated, what was predicted. From a server's job or from a run folder."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainyard.client.errors import BadSettings
from trainyard.client.values.event import EpochFinished, EpochRevised, Event
from trainyard.client.values.history import History
from trainyard.client.values.job import Job

if TYPE_CHECKING:
    from trainyard.client.client import Client

#: Files of a run that hold what the pictures need.
EVALUATION, PREDICTION, HISTORY, ENVIRONMENT = "evaluation.json", "prediction.json", "history.json", "environment.json"
_MOST_BYTES = 64 * 1024 * 1024
# Beside the metrics, an epoch of a history file has these.
_NO_METRICS = frozenset({"epoch", "learning_rate"})


@dataclass(frozen=True, slots=True)
class Run:
    """One run; what is not known is None or empty.

    Attributes:
        name: what to call it in a legend: short, and unlike the others.
        history: its epochs.
        best_epoch: the epoch whose model was kept; 0 without one.
        job: what the server says about it; None for a folder.
        evaluation: the content of ``evaluation.json``.
        prediction: the content of ``prediction.json``.
        environment: the content of ``environment.json``.
        spec: the resolved spec.
        times: when epochs ended, by epoch.
    """

    name: str
    history: History
    best_epoch: int = 0
    job: Job | None = None
    evaluation: Mapping[str, Any] | None = None
    prediction: Mapping[str, Any] | None = None
    environment: Mapping[str, Any] | None = None
    spec: Mapping[str, Any] | None = None
    times: Mapping[int, datetime] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The experiment's name where it is known."""
        return self.job.experiment if self.job is not None else self.name


def of_job(client: Client, job: Job, *, files: bool = False, times: bool = False) -> Run:
    """Fetch a job's curve and its resolved spec; with ``files`` what it evaluated and predicted, with ``times`` when epochs ended."""
    import tempfile

    found: dict[str, Any] = {}
    if files:
        wanted = {artifact.name for artifact in client.artifacts(job.id)} & {EVALUATION, PREDICTION, ENVIRONMENT}
        with tempfile.TemporaryDirectory(prefix="trainyard-") as folder:
            found = {name: _json(client.download(job.id, name, folder)) for name in sorted(wanted)}
    return Run(
        name=f"{job.experiment} {job.id[:4]}" if job.experiment else job.id,
        history=client.history(job.id),
        best_epoch=job.best_epoch,
        job=job,
        evaluation=found.get(EVALUATION),
        prediction=found.get(PREDICTION),
        environment=found.get(ENVIRONMENT),
        spec=_parsed(client.get_job_spec(job.id).resolved),
        times=_times(client, job) if times else {},
    )


def of_folder(folder: Path) -> Run:
    """Read a run folder, or the folder of its artifacts; raises BadSettings for one that holds no history."""
    place = folder / "artifacts" if (folder / "artifacts" / HISTORY).is_file() else folder
    if not (place / HISTORY).is_file():
        raise BadSettings(
            f"{folder} is no run folder: there is no {HISTORY} in it; name a job's id, or a folder that `trainyard train` wrote"
        )
    told = _json(place / HISTORY)
    epochs = told.get("epochs") if isinstance(told, dict) else None
    if not isinstance(epochs, list) or not all(isinstance(epoch, dict) for epoch in epochs):
        raise BadSettings(f"{place / HISTORY} is no history: an object with a list of epochs is meant")
    evaluation = _optional(place / EVALUATION)
    return Run(
        name=folder.resolve().name,
        history=History(folder.name, tuple(_epoch(epoch, len(epochs)) for epoch in epochs)),
        best_epoch=int(evaluation.get("epoch") or 0) if evaluation else 0,
        evaluation=evaluation,
        prediction=_optional(place / PREDICTION),
        environment=_optional(place / ENVIRONMENT),
        spec=_optional(folder / "resolved.json"),
    )


def _epoch(told: Mapping[str, Any], planned: int) -> EpochFinished:
    numbers = {name: float(value) for name, value in told.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    metrics = {name: value for name, value in numbers.items() if name not in _NO_METRICS}
    return EpochFinished(int(numbers.get("epoch", 0)), planned, metrics, numbers.get("learning_rate", math.nan), math.nan, math.nan, 0, 0)


def _times(client: Client, job: Job) -> dict[int, datetime]:
    """Read when epochs ended from what has been told so far; an epoch that was run again ended the second time."""
    times: dict[int, datetime] = {}
    if not job.last_seq:
        return times
    with client.watch(job.id) as watch:
        for item in watch:
            if not isinstance(item, Event):
                continue
            what = item.what.result if isinstance(item.what, EpochRevised) else item.what
            if isinstance(what, EpochFinished) and item.time is not None:
                times[what.epoch] = item.time
            if item.seq >= job.last_seq:
                break
    return times


def _optional(path: Path) -> dict[str, Any] | None:
    told = _json(path) if path.is_file() else None
    return told if isinstance(told, dict) else None


def _json(path: Path) -> Any:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadSettings(f"{path} is larger than {_MOST_BYTES >> 20} MiB")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise BadSettings(f"can't read {path}: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, RecursionError):
        raise BadSettings(f"{path} is no JSON") from None


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(raw)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def distinct(runs: Sequence[Run]) -> list[str]:
    """Return a name for each run, none of them twice."""
    names = [run.name for run in runs]
    return [name if names.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(names, 1)]
