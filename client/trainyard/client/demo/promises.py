"""What the demonstration promises, as plain checks on plain values: they run nothing and print nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from trainyard.client.documents import Document

LEAST_ACCURACY = 0.95
METRIC = "val_accuracy"


class BrokenPromiseError(Exception):
    """Something was not as promised; the message is a sentence that says what."""


class Mark(NamedTuple):
    """What makes a finding the same one elsewhere: its code and the place it points to."""

    code: str
    pointer: str


def marks(findings: Iterable[Document]) -> frozenset[Mark]:
    """Return the marks of findings in the JSON of ``trainlint`` or of a refusal."""
    return frozenset(Mark(finding["code"], finding["pointer"]) for finding in findings)


def same_findings(here: Iterable[Document], there: Document) -> int:
    """Return how many findings both have; raises when the server missed one that was found here, or refused for none."""
    local, remote = marks(here), marks(there["findings"])
    missing = sorted(local - remote)
    if missing and not there.get("more_findings"):
        raise BrokenPromiseError(f"the server did not find {', '.join(f'{mark.code} at {mark.pointer}' for mark in missing)}")
    if not local or not remote:
        raise BrokenPromiseError("there was nothing to refuse")
    return len(local & remote)


def accuracy(job: Document) -> float:
    """Return the best validation accuracy of an ended job; raises when it failed, or reached less than promised."""
    if job["state"] != "succeeded":
        raise BrokenPromiseError(f"the job {job['state']}: {job.get('message') or job.get('reason')}")
    reached = job["best_metrics"].get(METRIC)
    if not isinstance(reached, float | int):
        raise BrokenPromiseError(f"the job tells no {METRIC}")
    if reached < LEAST_ACCURACY:
        raise BrokenPromiseError(f"the validation accuracy is {reached:.4f}, and at least {LEAST_ACCURACY} was promised")
    return float(reached)


def series_of(exposition: str, job_id: str) -> list[str]:
    """Return the lines of a metrics page that are about a job, without its description."""
    lines = [line for line in exposition.splitlines() if f'job_id="{job_id}"' in line and not line.startswith("#")]
    if not lines:
        raise BrokenPromiseError("the metrics say nothing about the job while it runs")
    return [line for line in lines if "_info{" not in line and not line.endswith(" 0.0")]


def epoch_in(series: Iterable[str]) -> int | None:
    """Return the last finished epoch that a metrics page tells, if it tells one."""
    values = [line.rsplit(" ", 1)[1] for line in series if line.startswith("trainyard_job_epoch{")]
    return int(float(values[0])) if values else None


def best_model(job: Document) -> Document:
    """Return the artifact that is the best model; raises when there is none on this machine."""
    models = [artifact for artifact in job["artifacts"] if artifact["kind"] == "model" and artifact["path"]]
    if not models:
        raise BrokenPromiseError("the job left no model behind")
    best: Document = models[0]
    return best
