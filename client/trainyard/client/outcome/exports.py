"""A run's exact curve for other programs: CSV, JSON, and OpenMetrics that Prometheus takes in after the fact.

The OpenMetrics text has the names and labels of the server's own metrics, one sample an epoch at the time when it ended,
so ``promtool tsdb create-blocks-from openmetrics`` fills the same dashboards with a run that nobody scraped. The dashboards ask
for the labels that Prometheus gives to what it scrapes, ``job`` and ``instance``; here they are written down.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from datetime import datetime

from trainyard.client import documents
from trainyard.client.errors import BadSettings
from trainyard.client.outcome.run import Run
from trainyard.client.values.event import EpochFinished
from trainyard.client.values.history import MEASURED

_VALIDATION = "val_"
_TARGET = 'job="trainyard",instance="export"'
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def as_csv(run: Run) -> str:
    """Return a line an epoch: ``epoch``, the metrics, then what was measured beside them; what is no number is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ("epoch", *run.history.metrics, *MEASURED)
    writer.writerow(names)
    for epoch in run.history:
        values = [
            epoch.epoch,
            *(epoch.metrics.get(name, math.nan) for name in run.history.metrics),
            *(getattr(epoch, name) for name in MEASURED),
        ]
        writer.writerow(["" if isinstance(value, float) and math.isnan(value) else repr(value) for value in values])
    return text.getvalue()


def as_json(run: Run) -> str:
    """Return ``{"job": …, "epochs": [{"epoch": 1, "time": …, "metrics": {…}, …}]}``."""
    epochs = [{"time": documents.time(run.times.get(epoch.epoch)), **documents.epoch(epoch)} for epoch in run.history]
    return (
        json.dumps({"job": documents.job(run.job) if run.job else None, "epochs": epochs}, indent=1, allow_nan=False, ensure_ascii=False)
        + "\n"
    )


def as_openmetrics(run: Run) -> str:
    """Return the curve as OpenMetrics text with a time for each sample; raises BadSettings for a run whose epochs have no times."""
    timed = [(epoch, run.times[epoch.epoch]) for epoch in run.history if epoch.epoch in run.times]
    if run.job is None or len(timed) < len(run.history):
        raise BadSettings("OpenMetrics needs the times at which epochs ended; only a server's job has them")
    job = f'{_TARGET},job_id="{_escaped(run.job.id)}"'
    lines: list[str] = []
    if timed:
        about = {"run_name": run.job.experiment, "model": run.job.model, "dataset": run.job.dataset, "optimizer": run.job.optimizer}
        labels = ",".join([job, *(f'{name}="{_escaped(value)}"' for name, value in about.items()), f'spec_digest="{run.job.spec_digest}"'])
        info = [_sample("trainyard_job_info", labels, 1, time) for _, time in timed]
        lines += ["# TYPE trainyard_job_info gauge", "# HELP trainyard_job_info Always 1; join it.", *info]
    constant = [
        ("trainyard_job_epochs_planned", "Epochs that are planned.", float(run.job.epochs_planned)),
        (
            "trainyard_job_start_timestamp_seconds",
            "When the first attempt started.",
            run.job.started.timestamp() if run.job.started else 0.0,
        ),
    ]
    for name, help_, value in constant:
        if timed and value:
            lines += [f"# TYPE {name} gauge", f"# HELP {name} {help_}", *(_sample(name, job, value, time) for _, time in timed)]
    for name, help_, samples in _families(timed, job, run.history.metrics):
        lines += [f"# TYPE {name} gauge", f"# HELP {name} {help_}", *samples]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _families(timed: list[tuple[EpochFinished, datetime]], job: str, metrics: tuple[str, ...]) -> Iterator[tuple[str, str, list[str]]]:
    losses = [
        _series("trainyard_job_loss", f'{job},split="{_split(name)}"', timed, name) for name in ("loss", "val_loss") if name in metrics
    ]
    others = [
        _series(
            "trainyard_job_metric_value", f'{job},metric="{_escaped(name.removeprefix(_VALIDATION))}",split="{_split(name)}"', timed, name
        )
        for name in metrics
        if name not in {"loss", "val_loss"}
    ]
    yield "trainyard_job_epoch", "Last epoch that ended.", [_sample("trainyard_job_epoch", job, epoch.epoch, time) for epoch, time in timed]
    yield "trainyard_job_loss", "Loss of the last epoch.", [sample for series in losses for sample in series]
    yield "trainyard_job_metric_value", "Other metrics of the last epoch.", [sample for series in others for sample in series]
    plain = (
        ("trainyard_job_learning_rate", "Learning rate of the last step of the last epoch.", "learning_rate"),
        ("trainyard_job_last_epoch_duration_seconds", "Wall time of the last epoch.", "seconds"),
    )
    for name, help_, field in plain:
        yield name, help_, [_sample(name, job, getattr(epoch, field), time) for epoch, time in timed]


def _series(name: str, labels: str, timed: list[tuple[EpochFinished, datetime]], metric: str) -> list[str]:
    return [_sample(name, labels, epoch.metrics[metric], time) for epoch, time in timed if metric in epoch.metrics]


def _sample(name: str, labels: str, value: float, time: datetime) -> str:
    number: float | str = value
    if not math.isfinite(value):
        number = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return f"{name}{{{labels}}} {number} {time.timestamp():.3f}"


def _split(metric: str) -> str:
    return "val" if metric.startswith(_VALIDATION) else "train"


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
