"""Judges the finished model on the part that is kept back for it, and puts it into ``evaluation.json``."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainyard.service.trainer import evaluation, nearest
from trainyard.service.trainer.artifacts import EVALUATION
from trainyard.service.trainer.batches import Batches
from trainyard.service.trainer.callbacks.pulse import Pulse, QuietList, only_cancel
from trainyard.service.trainer.control import read_word
from trainyard.service.trainer.data.division import Part
from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.objective import EMBEDDING
from trainyard.service.trainer.place import Place
from trainyard.service.trainer.preparation import Prepared


def judge(prepared: Prepared, best_epoch: int, place: Place) -> dict[str, Any] | None:
    """Evaluate on the test part, else on the validation part, and write the artifact; None when there is neither."""
    parts = prepared.division
    for name, batches, part in (("test", prepared.test, parts.test), ("validation", prepared.validation, parts.validation)):
        if batches is not None and part is not None:
            result = {"part": name, "samples": len(part), "epoch": best_epoch, **_measure(prepared, batches, part, place)}
            place.artifacts.put_json(EVALUATION, "evaluation", result)
            return result
    return None


def _measure(prepared: Prepared, batches: Batches, part: Part, place: Place) -> dict[str, Any]:
    learner = prepared.built.learner
    callbacks = QuietList(learner, _only_cancel(place))
    metrics = learner.evaluate(batches, verbose=0, callbacks=callbacks, return_dict=True)
    outputs = np.asarray(learner.predict(batches, verbose=0, callbacks=callbacks), dtype=np.float64)
    plain = {name: float(value) for name, value in metrics.items()}
    return {"loss": plain["loss"], "metrics": plain, **_report(prepared, part.targets[part.indices], outputs)}


def _report(prepared: Prepared, truth: Array, outputs: Array) -> dict[str, Any]:
    form, classes = prepared.objective.form, prepared.division.whole.classes
    per_class = prepared.spec.evaluation.per_class
    if not classes:
        return evaluation.of_numbers(truth, outputs.reshape(truth.shape))
    if prepared.spec.loss is not None and prepared.spec.loss.type == EMBEDDING:
        means = nearest.class_means(prepared.built.kept, prepared.division.train, len(classes))
        found = evaluation.of_classes(truth, nearest.classes_of(outputs, means), classes, per_class=per_class)
        return {**found, "class_means": means.tolist()}
    if form.exclusive and form.units > 1:
        return evaluation.of_classes(truth, outputs.argmax(axis=-1), classes, per_class=per_class)
    yes = (np.asarray(form.probabilities(outputs)) > form.threshold).astype(np.int32)
    if form.exclusive:
        return evaluation.of_classes(truth, yes.reshape(-1), classes, per_class=per_class)
    return evaluation.of_labels(truth, yes, classes, per_class=per_class)


def _only_cancel(place: Place) -> Pulse:
    """Make a pulse that obeys nothing but a cancellation: a stopped run is still to be judged."""

    def word() -> str | None:
        return only_cancel(read_word(place.folder.control))

    return Pulse(word, place.folder.progress, place.monotonic, deadline=float("inf"))
