"""Puts the last artifacts of a run into its folder: the model card and the comparison with what was predicted."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trainyard.service.trainer import backend
from trainyard.service.trainer.artifacts import Artifacts
from trainyard.service.trainer.outcome import card, course, prediction
from trainyard.service.trainer.preparation import Prepared

CARD, PREDICTION = "model_card.md", "prediction.json"


def close(prepared: Prepared, judged: Mapping[str, Any] | None, environment: Mapping[str, Any], artifacts: Artifacts, events: Path) -> None:
    """Write both; ``judged`` is the evaluation, ``events`` the log of the run, ``environment`` what it was made with.

    The model is trained, judged and kept by now: a fault of ours in these two must not turn the run into a failure. It leaves
    its traceback in the log, and the artifact out.

    Raises:
        OSError: the disk.
    """
    device = backend.device()
    went = course.read(events)
    with _of_no_consequence():
        compared = prediction.compare(prepared, went, device.kind)
        artifacts.put_json(PREDICTION, "prediction", compared)
    with _of_no_consequence():
        text = card.write(_facts(prepared, judged, environment, went, device.name))
        artifacts.put(CARD, "model_card", lambda path: _write(path, text))


@contextmanager
def _of_no_consequence() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever it is, the run has succeeded
        traceback.print_exception(error, file=sys.stderr)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _facts(
    prepared: Prepared, judged: Mapping[str, Any] | None, environment: Mapping[str, Any], went: course.Course, device: str
) -> dict[str, Any]:
    spec, parts = prepared.spec, prepared.division
    shape = list(parts.whole.inputs.shape[1:])
    return {
        "name": spec.experiment.name,
        "description": spec.experiment.description,
        "input": f"an array of shape (samples, {', '.join(map(str, shape))})",
        "model": {
            "type": spec.model.type,
            "task": spec.task,
            "parameters": f"{prepared.built.parameters:,}",
            "input": f"{shape}, scaling {spec.dataset.scaling}",
            "output": f"{prepared.objective.form.units} values, loss {spec.loss.type if spec.loss else 'none'}",
        },
        "data": {
            "from": f"{spec.dataset.type} {spec.dataset.path}",
            "samples": f"{len(parts.whole):,}" + (f" ({len(parts.bad)} more could not be used)" if parts.bad else ""),
            "learnt from": f"{len(parts.train):,}",
            "watched while learning": f"{len(parts.validation):,}" if parts.validation else "none",
            "held back for the end": f"{len(parts.test):,}" if parts.test else "none",
            "classes": _classes(prepared),
            "fingerprint": environment.get("dataset_fingerprint") or "not taken",
        },
        "training": {
            "optimizer": f"{spec.optimizer.type}, learning rate {spec.optimizer.learning_rate:g}",
            "schedule": ", ".join(schedule.type for schedule in spec.scheduler),
            "epochs": f"{len(went.seconds)} of {prepared.stages.epochs}",
            "batch size": spec.training.batch_size,
            "precision": spec.training.precision,
            "class balance": spec.imbalance.type,
            "augmentation": ", ".join(transform.type for transform in spec.augmentation) or "none",
            "seed": spec.experiment.seed,
            "seconds in epochs": f"{sum(went.seconds):.1f}",
        },
        "evaluation": judged,
        "environment": {
            "device": device,
            "backend": environment["backend"],
            **environment["versions"],
            "digest of the spec": environment["spec_digest"],
        },
    }


def _classes(prepared: Prepared) -> str:
    names, counts = prepared.division.whole.classes, prepared.division.class_counts
    if not names:
        return "none: numbers are predicted"
    shown = ", ".join(f"{name} ({count:,})" for name, count in list(zip(names, counts, strict=True))[:20])
    return f"{len(names)}: {shown}" + (" …" if len(names) > 20 else "")
