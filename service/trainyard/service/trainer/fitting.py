"""The training loop: Keras' own, with our callbacks, until it is done or somebody asks it to end."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainyard.linter.spec.model.scheduler import ReduceOnPlateau
from trainyard.service import wire
from trainyard.service.trainer import backend, verdict
from trainyard.service.trainer.artifacts import Artifacts
from trainyard.service.trainer.callbacks.best_model import BestModel
from trainyard.service.trainer.callbacks.early_stopping import EarlyStopping
from trainyard.service.trainer.callbacks.epochs import Epochs
from trainyard.service.trainer.callbacks.plateau import Plateau
from trainyard.service.trainer.callbacks.pulse import TIME_LIMIT, Pulse, QuietList
from trainyard.service.trainer.control import read_word
from trainyard.service.trainer.failures import InterruptedRun, NonFiniteLossError
from trainyard.service.trainer.history import History
from trainyard.service.trainer.journal import Journal
from trainyard.service.trainer.preparation import Prepared

_SECONDS_PER_HOUR = 3600.0
# Requests that end a run well: what it has learnt so far is kept and judged.
_GRACEFUL = {wire.STOP: verdict.STOPPED, TIME_LIMIT: verdict.TIME_LIMIT}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run writes, and how it tells the time (``monotonic``: seconds since some moment)."""

    folder: wire.RunFolder
    journal: Journal
    artifacts: Artifacts
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Why training ended, and the epoch whose weights the model now holds (0: none finished)."""

    reason: str
    best_epoch: int


def fit(prepared: Prepared, history: History, place: Place) -> Fitted:
    """Train; the learner ends with the weights of its best epoch, the artifacts with ``best.keras``.

    Raises:
        InterruptedRun: the run was cancelled.
        NonFiniteLossError: the loss became NaN or infinite.
    """
    best = _best_model(prepared, place)
    early = _early_stopping(prepared, place)
    pulse = Pulse(lambda: read_word(place.folder.control), place.folder.progress, place.monotonic, _deadline(prepared, place))
    pulse.steps = len(prepared.train)
    callbacks = [_epochs(prepared, history, place), best, *_plateaus(prepared, place), early]
    try:
        reason = _run_loop(prepared, QuietList([one for one in callbacks if one is not None], prepared.built.learner, pulse))
    except NonFiniteLossError as error:
        place.journal.append(wire.Diagnosis("nonfinite-loss", error.epoch, str(error), strength=1.0))
        raise
    if early is not None and early.stopped:
        reason = verdict.EARLY_STOPPED
    return Fitted(reason, _restore(prepared, len(history), best, early, place))


def _run_loop(prepared: Prepared, callbacks: QuietList) -> str:
    learner = prepared.built.learner
    try:
        for phase in prepared.stages.phases:
            prepared.stages.enter(phase.first)
            learner.fit(
                prepared.train,
                validation_data=prepared.validation,
                initial_epoch=phase.first,
                epochs=phase.end,
                shuffle=False,
                verbose=0,
                callbacks=callbacks,
            )
            if learner.stop_training:
                break
    except InterruptedRun as request:
        if request.word not in _GRACEFUL:
            raise
        return _GRACEFUL[request.word]
    return verdict.COMPLETED


def _restore(prepared: Prepared, epochs: int, best: BestModel | None, early: EarlyStopping | None, place: Place) -> int:
    """Bring the best weights back and return their epoch; without a checkpoint this is where the model is written."""
    built = prepared.built
    if best is not None and best.epoch:
        if best.epoch != epochs:
            built.kept.load_weights(place.artifacts.best_model)
        return best.epoch
    epoch = epochs
    if early is not None and early.best_weights is not None:
        built.learner.set_weights(early.best_weights)
        epoch = early.best_epoch
    place.artifacts.put_model(built.kept.save)
    return epoch


def _epochs(prepared: Prepared, history: History, place: Place) -> Epochs:
    return Epochs(
        prepared.train,
        prepared.rates,
        history,
        place.journal,
        planned=prepared.stages.epochs,
        monotonic=place.monotonic,
        memory=backend.peak_memory_bytes,
    )


def _best_model(prepared: Prepared, place: Place) -> BestModel | None:
    rule = prepared.spec.callbacks.checkpoint
    return None if rule is None else BestModel(rule, prepared.built.kept, place.artifacts, place.journal)


def _early_stopping(prepared: Prepared, place: Place) -> EarlyStopping | None:
    rule = prepared.spec.callbacks.early_stopping
    if rule is None:
        return None
    return EarlyStopping(rule, place.journal, keep_weights=rule.restore_best and prepared.spec.callbacks.checkpoint is None)


def _plateaus(prepared: Prepared, place: Place) -> list[Any]:
    return [Plateau(rule, prepared.rates, place.journal) for rule in prepared.spec.scheduler if isinstance(rule, ReduceOnPlateau)]


def _deadline(prepared: Prepared, place: Place) -> float:
    hours = prepared.spec.training.max_hours
    return math.inf if hours is None else place.monotonic() + hours * _SECONDS_PER_HOUR
