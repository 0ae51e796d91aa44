"""What the linter predicted for this run beside what it took: memory of a step, seconds of an epoch, weights of the model.

Memory is predicted for the device. Where that is a processor, what is measured is the whole process with its libraries and
its samples, and the two are not compared. Times are predicted with a hardware profile only: the one that
``TRAINYARD_HARDWARE`` names (a file, or a built-in card).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from trainyard.linter.estimate.hardware import BadProfileError, HardwareProfile, profile
from trainyard.linter.estimate.memory import Demand
from trainyard.linter.estimate.time import Work, times
from trainyard.linter.shapes import infer
from trainyard.linter.shapes.layers import Shapes
from trainyard.service.trainer import backend
from trainyard.service.trainer.outcome.course import Course
from trainyard.service.trainer.preparation import Prepared
from trainyard.service.trainer.speed import engine

HARDWARE_VARIABLE = "TRAINYARD_HARDWARE"


def compare(prepared: Prepared, course: Course, device: str) -> dict[str, Any]:
    """Return ``{"memory": …, "epoch_seconds": …, "parameters": …}``, each with what was predicted and what was so.

    ``device`` is the kind of device that was trained on. A prediction that could not be made is null.
    """
    known = _profile()
    shapes = infer(prepared.spec, tuple(prepared.division.train.inputs.shape[1:]), prepared.objective.form.units)
    return {
        "profile": None if known is None else {"name": known.name, "calibrated": known.calibrated},
        "memory": _memory(prepared, shapes, known, course, device),
        "epoch_seconds": _epoch(prepared, shapes, known, course),
        "parameters": {"predicted": None if shapes is None else shapes.parameters, "actual": prepared.built.parameters},
    }


def _memory(prepared: Prepared, shapes: Shapes | None, known: HardwareProfile | None, course: Course, device: str) -> dict[str, Any]:
    predicted = None
    if shapes is not None:
        training = prepared.spec.training
        demand = Demand(shapes, prepared.spec.optimizer, training.precision, accumulates=training.gradient_accumulation > 1)
        predicted = demand.memory(_device_batch(prepared), known).total._asdict()
    return {"unit": "bytes", "predicted": predicted, "actual": course.memory_bytes or None, "comparable": device != "cpu"}


def _epoch(prepared: Prepared, shapes: Shapes | None, known: HardwareProfile | None, course: Course) -> dict[str, Any]:
    predicted = None
    if shapes is not None and known is not None:
        predicted = times(_work(prepared, shapes), known).epoch._asdict()
    return {"unit": "seconds", "predicted": predicted, "actual": course.warm_epoch_seconds, "first": next(iter(course.seconds), None)}


def _device_batch(prepared: Prepared) -> int:
    count: int = prepared.built.learner.spread.count
    return -(-prepared.train.batch_size // count)


def _work(prepared: Prepared, shapes: Shapes) -> Work:
    """Return what the main training did; the last batch of a part counts by its share."""
    spec, size = prepared.spec, prepared.train.batch_size
    judged = 0 if prepared.validation is None else prepared.validation.samples
    return Work(
        shapes,
        spec.optimizer,
        spec.training.precision,
        _device_batch(prepared),
        prepared.train.samples / size,
        prepared.stages.epochs,
        validation_steps=judged / size,
        augmentation=tuple(transform.type for transform in spec.augmentation),
        resident=engine.resident(prepared.train),
    )


def _profile() -> HardwareProfile | None:
    """Return the profile of this machine, None where nobody named one that can be read, or one that was measured with another backend."""
    named = os.environ.get(HARDWARE_VARIABLE)
    if not named:
        return None
    try:
        found = profile(json.loads(Path(named).read_bytes()) if Path(named).is_file() else named)
    except (BadProfileError, OSError, ValueError):
        return None
    return None if found.speed_is_measured and found.backend != backend.name() else found
