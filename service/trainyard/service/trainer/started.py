"""Says what is about to be trained, before the first epoch."""

from __future__ import annotations

from typing import Any

import keras

from trainyard.service import wire
from trainyard.service.trainer import backend
from trainyard.service.trainer.bundle.contents import Position
from trainyard.service.trainer.journal import Journal
from trainyard.service.trainer.preparation import Prepared
from trainyard.service.trainer.speed.settings import Settings

_NAMED = 20
# A line of the event log is bounded (wire.MAX_LINE_BYTES); labels.json has all classes by their whole names.
_CLASSES, _NAME_LENGTH = 256, 64


def announce(prepared: Prepared, journal: Journal, settings: Settings, resumed: Position) -> None:
    """Append the start event, and a diagnosis when bad records were left out."""
    parts = prepared.division
    journal.append(
        wire.Started(
            backend=backend.name(),
            keras_version=keras.__version__,
            device=backend.device().name,
            parameters=prepared.built.parameters,
            train_samples=len(parts.train),
            validation_samples=len(parts.validation) if parts.validation else 0,
            test_samples=len(parts.test) if parts.test else 0,
            steps_per_epoch=len(prepared.train),
            epochs_planned=prepared.stages.epochs,
            classes=tuple(name[:_NAME_LENGTH] for name in parts.whole.classes[:_CLASSES]),
            class_weights=(prepared.objective.weights or ())[:_CLASSES],
            resumed_epoch=resumed.epoch,
            resumed_step=resumed.step,
            compiled=settings.compiled,
            looped=settings.looped,
            devices=prepared.built.learner.spread.count,
        )
    )
    if parts.bad:
        named = "; ".join(f"{record.name}: {record.why}" for record in parts.bad[:_NAMED])
        message = f"{len(parts.bad)} records were left out ({named})."
        share = len(parts.bad) / (len(parts.bad) + len(parts.whole))
        journal.append(wire.Diagnosis("bad-records", 0, message, strength=share))


def labels(prepared: Prepared) -> dict[str, Any]:
    """Return what a user of the saved model has to know: what goes in and what the outputs mean."""
    whole = prepared.division.whole
    return {
        "task": prepared.spec.task,
        "classes": list(whole.classes),
        "input_shape": list(whole.inputs.shape[1:]),
        "columns": [{"name": column.name, "categories": list(column.categories)} for column in whole.columns],
    }
