"""From a typed spec and a folder of data to everything that training needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainyard.linter.estimate.schedule import Curve
from trainyard.linter.spec.model.spec import Spec
from trainyard.linter.spec.model.training import Oversample
from trainyard.service.trainer import backend, model, objective, optimizers, refusals
from trainyard.service.trainer.batches import Batches
from trainyard.service.trainer.data import declared, division
from trainyard.service.trainer.data.division import Division, Part
from trainyard.service.trainer.data.oversampling import repeat_rare
from trainyard.service.trainer.failures import DataError, SpecError
from trainyard.service.trainer.model import Built
from trainyard.service.trainer.objective import Objective
from trainyard.service.trainer.rates import EpochRates
from trainyard.service.trainer.stages import Stages, phases


@dataclass(frozen=True, slots=True)
class Prepared:
    """A compiled model and the batches it learns from and is judged by."""

    spec: Spec
    division: Division
    built: Built
    objective: Objective
    rates: EpochRates
    train: Batches
    validation: Batches | None
    test: Batches | None
    stages: Stages


def prepare(spec: Spec, data_root: Path) -> Prepared:
    """Read the data, build and compile the model; raises SpecError or DataError with a sentence."""
    parts = division.read(spec.dataset, spec.task, data_root)
    declared.check(spec.dataset.facts, parts.whole, _whole_counts(parts))
    built = model.build(spec, parts, data_root)
    with refusals.as_spec_errors("The objective can not be made"):
        goal = objective.make(spec, parts, int(built.kept.output_shape[-1]))
    train = _training_batches(spec, parts, goal)
    rates = _rates(spec, len(train))
    stages = Stages(spec, built, lambda: _compile(spec, built, goal, rates))
    stages.enter(0)
    validation, test = (_plain(spec, part, goal) for part in (parts.validation, parts.test))
    prepared = Prepared(spec, parts, built, goal, rates, train, validation, test, stages)
    _check_monitors(prepared)
    return prepared


def _rates(spec: Spec, steps: int) -> EpochRates:
    training = spec.training
    curve = Curve(spec.optimizer.learning_rate, spec.scheduler, steps, training.epochs, training.gradient_accumulation)
    return EpochRates(curve, [(phase.end - phase.first, phase.learning_rate) for phase in phases(spec) if phase.learning_rate is not None])


def _whole_counts(parts: Division) -> list[int]:
    targets, classes = parts.whole.targets, len(parts.whole.classes)
    if not classes:
        return []
    counts = np.bincount(targets, minlength=classes) if targets.ndim == 1 else targets.sum(axis=0, dtype=np.int64)
    return [int(count) for count in counts]


def _training_batches(spec: Spec, parts: Division, goal: Objective) -> Batches:
    part, seed = parts.train, spec.experiment.seed
    if isinstance(spec.imbalance, Oversample):
        part = repeat_rare(part, spec.imbalance.target, seed)
    made = Batches(
        part,
        spec.training.batch_size,
        goal.encode,
        class_weights=goal.weights,
        seed=seed if spec.training.shuffle else None,
        drop_remainder=spec.training.drop_remainder,
    )
    if not len(made):
        raise DataError(f"The training part has {len(part)} samples: with drop_remainder no batch of {spec.training.batch_size} is left.")
    return made


def _plain(spec: Spec, part: Part | None, goal: Objective) -> Batches | None:
    return None if part is None else Batches(part, spec.training.batch_size, goal.encode)


def _compile(spec: Spec, built: Built, goal: Objective, rates: EpochRates) -> None:
    with refusals.as_spec_errors("The optimizer can not be made"):
        optimizer = optimizers.make(spec.optimizer, rates, spec.training)
    built.learner.compile(
        optimizer=optimizer,
        loss=_shared(goal.loss) if built.learner.spread.strategy is not None else goal.loss,
        metrics=list(goal.measured),
        jit_compile=backend.compile_choice(deterministic=spec.training.deterministic),
        auto_scale_loss=False,
    )


def _shared(loss: Any) -> Any:
    from trainyard.service.trainer.sharing import SharedLoss

    return SharedLoss(loss)


def _check_monitors(prepared: Prepared) -> None:
    """Refuse a monitor that no epoch will report, before the first epoch and not after it."""
    spec = prepared.spec
    names = ["loss", *(metric.name for metric in prepared.objective.measured)]
    reported = names + ([f"val_{name}" for name in names] if prepared.validation else [])
    watchers: list[Any] = [*spec.scheduler, spec.callbacks.early_stopping, spec.callbacks.checkpoint]
    for watcher in watchers:
        monitor = getattr(watcher, "monitor", None)
        if monitor is not None and monitor not in reported:
            raise SpecError(f'Nothing called "{monitor}" is measured: this run reports {", ".join(reported)}.')
