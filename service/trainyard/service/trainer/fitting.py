"""A run in training: its parts put together, taken up from a bundle where there is one, until it is done or asked to end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainyard.linter.spec.model.scheduler import ReduceOnPlateau
from trainyard.service import wire
from trainyard.service.trainer import backend, verdict
from trainyard.service.trainer import snapshot as snapshots
from trainyard.service.trainer.bundle import variables
from trainyard.service.trainer.bundle.contents import Bundle, Origin, Position
from trainyard.service.trainer.bundle.files import BundleFiles
from trainyard.service.trainer.bundle.keeper import Keeper
from trainyard.service.trainer.callbacks.checkpoints import Checkpoints
from trainyard.service.trainer.callbacks.diagnoses import Diagnoses, Machine
from trainyard.service.trainer.callbacks.early_stopping import EarlyStopping
from trainyard.service.trainer.callbacks.heartbeat import Heartbeat
from trainyard.service.trainer.callbacks.plateau import Plateau
from trainyard.service.trainer.callbacks.pulse import TIME_LIMIT, Pulse
from trainyard.service.trainer.callbacks.shelf import Shelf
from trainyard.service.trainer.callbacks.tensorboard import TensorBoard
from trainyard.service.trainer.callbacks.watcher import Voice, Watcher
from trainyard.service.trainer.control import read_word
from trainyard.service.trainer.failures import DivergedError, InterruptedRun, NonFiniteLossError, PausedRun
from trainyard.service.trainer.history import History
from trainyard.service.trainer.loop import Loop, Track
from trainyard.service.trainer.place import Place
from trainyard.service.trainer.preparation import Prepared
from trainyard.service.trainer.speed import engine as engines
from trainyard.service.trainer.speed.choice import Choice

_SECONDS_PER_HOUR = 3600.0
# Requests that end a run well: what it has learnt so far is kept and judged.
_GRACEFUL = {wire.STOP: verdict.STOPPED, TIME_LIMIT: verdict.TIME_LIMIT}
_ORPHANED = "orphaned"
# A bundle is due after this long, or after a hundred times what the last one kept the loop waiting.
_BUNDLE_SECONDS, _BUNDLE_SHARE = 1.0, 0.01


@dataclass(frozen=True, slots=True)
class Fitted:
    """Why training ended, and the epoch whose weights the model now holds (0: none finished)."""

    reason: str
    best_epoch: int


class Fitting:
    """One attempt at training. Make it, then ``run`` it once.

    Args:
        prepared: model and data.
        history: filled as epochs end, and from the bundle.
        place: where the attempt writes.
        choice: how steps are launched.
        origin: what a bundle of this run must agree with.
        saved: the bundle to go on from, checked against ``origin``.
    """

    def __init__(
        self, prepared: Prepared, history: History, place: Place, *, choice: Choice, origin: Origin, saved: Bundle | None = None
    ) -> None:
        self._prepared = prepared
        self._place = place
        self._settings = choice.settings
        self._origin = origin
        self._voice = Voice(place.journal)
        self._shelf = Shelf(lambda: variables.weights(prepared.built.kept))
        self._checkpoints = self._make_checkpoints()
        self._early = self._make_early_stopping()
        self._watchers = self._all_watchers()
        self._parts = snapshots.Parts(prepared.built.learner, prepared.rates, history, self._watchers, self._shelf)
        self._keeper = Keeper(BundleFiles(place.folder).write)
        self._saved_at = -math.inf
        self._save_cost_seconds = 0.0
        self._saved_steps = 0
        self._elapsed_before = 0.0
        self._began = place.monotonic()
        self._fresh = saved is None
        # Where the run may be rolled back to: the newest bundle of an epoch's begin.
        self._good: Bundle | None = None
        position = saved.position if saved is not None else Position()
        engine = None if prepared.stages.enter(position.epoch) else choice.engine
        engine = engine or self._make_engine()
        if saved is not None:
            self._put_back(saved)
        self._loop = Loop(
            self._track(), engine, history, self._voice, watchers=self._watchers, monotonic=place.monotonic, position=position
        )
        if saved is not None:
            self._loop.epoch_seconds = float(saved.state.get("epoch_seconds", 0.0))
        self._pulse = Pulse(self._word, place.folder.progress, place.monotonic, self._deadline())
        self._heartbeat = Heartbeat(place.folder.heartbeat, place.orphan_limit_seconds, place.monotonic)

    def run(self) -> Fitted:
        """Train; the learner ends with the weights of its best epoch, the artifacts with the models that are kept.

        Raises:
            InterruptedRun: the run was cancelled.
            PausedRun: the run was paused, and its bundle is written.
            NonFiniteLossError, DivergedError: the loss blew up, and may not be rolled back (again).
        """
        try:
            reason = self._epochs()
        except InterruptedRun as request:
            reason = self._obey(request)
        except (NonFiniteLossError, DivergedError) as error:
            self._give_up(error)
            raise
        if self._early is not None and self._early.stopped:
            reason = verdict.EARLY_STOPPED
        self._save()
        fitted = Fitted(reason, self._finish())
        self._keeper.flush()
        return fitted

    def look(self, step: int, metrics: Callable[[], Mapping[str, float]]) -> None:
        """Obey and show progress, when it is time."""
        every = self._place.bundle_steps
        if every is not None and step - self._saved_steps >= every:
            self._save()
        if self._pulse.beat():
            self._pulse.show(self._loop.position.epoch + 1, step, len(self._prepared.train), metrics())

    def epoch_over(self) -> None:
        """Save a bundle when it is time, and obey: a short epoch may pass between two beats."""
        self._saved_steps = 0
        now = self._place.monotonic()
        due = max(_BUNDLE_SECONDS, self._save_cost_seconds / _BUNDLE_SHARE)
        if now - self._saved_at >= due or self._roll_backs:
            self._save()
        self._pulse.obey()

    def _epochs(self) -> str:
        if self._fresh:
            # Speed settings are part of how a run goes: they are kept from before its first step.
            self._save()
        while self._loop.position.epoch < self._prepared.stages.epochs and not self._stopped():
            if self._prepared.stages.enter(self._loop.position.epoch):
                self._loop.use(self._make_engine())
            try:
                self._loop.epoch(self)
            except (NonFiniteLossError, DivergedError) as error:
                self._roll_back(error)
        return verdict.COMPLETED

    def _stopped(self) -> bool:
        return self._early is not None and self._early.stopped

    def _obey(self, request: InterruptedRun) -> str:
        if request.word in _GRACEFUL:
            return _GRACEFUL[request.word]
        if request.word not in {wire.PAUSE, _ORPHANED}:
            raise request
        self._save()
        self._keeper.flush()
        if self._checkpoints is not None:
            self._checkpoints.write()
        place = self._loop.position
        where = f"{place.epoch} of {self._prepared.stages.epochs} epochs" + (f" and {place.step} steps" if place.step else "")
        if request.word == wire.PAUSE:
            raise PausedRun(wire.ASKED, f"Paused after {where}.")
        raise PausedRun(wire.ORPHANED, f"No server was seen for {self._place.orphan_limit_seconds:g} seconds: paused after {where}.")

    @property
    def _roll_backs(self) -> bool:
        return self._prepared.spec.callbacks.on_divergence.action == "roll_back"

    def _roll_back(self, error: NonFiniteLossError | DivergedError) -> None:
        """Go back to the last good epoch at a lower rate; raises ``error`` when that was done often enough."""
        rule = self._prepared.spec.callbacks.on_divergence
        count = self._voice.rollback + 1
        if not self._roll_backs or count > rule.times or self._good is None:
            raise error
        self._say(error)
        rates, good = self._prepared.rates, self._good
        scale = rates.scale * rule.factor
        before = rates.first_of(good.position.epoch)
        if self._prepared.stages.enter(good.position.epoch):
            self._loop.use(self._make_engine())
        snapshots.put_back(self._parts, good)
        rates.scale = scale
        self._voice.rollback = count
        self._voice.say(wire.LearningRateChanged(good.position.epoch + 1, before, before * rule.factor, "roll_back"))
        self._loop.position = Position(good.position.epoch, 0, count)
        self._loop.epoch_seconds = 0.0
        self._save()

    def _say(self, error: NonFiniteLossError | DivergedError) -> None:
        name = "nonfinite-loss" if isinstance(error, NonFiniteLossError) else "divergence"
        self._voice.say(wire.Diagnosis(name, error.epoch, str(error), strength=1.0))

    def _give_up(self, error: NonFiniteLossError | DivergedError) -> None:
        self._say(error)
        if self._checkpoints is not None:
            self._checkpoints.write()

    def _save(self) -> None:
        """Copy the state, and let it be written."""
        began = self._place.monotonic()
        more = {
            "speed": self._settings.as_json(),
            "elapsed_seconds": self._elapsed_before + began - self._began,
            "epoch_seconds": self._loop.epoch_seconds,
        }
        self._keeper.save(self._bundle(more))
        self._saved_at = self._place.monotonic()
        self._save_cost_seconds = self._saved_at - began
        self._saved_steps = self._loop.position.step

    def _bundle(self, more: Mapping[str, Any]) -> Bundle:
        """Return the state; of a run that may be rolled back that of an epoch's begin, so that it is rolled back alike ever after."""
        if self._loop.position.step and self._good is not None:
            return self._good
        bundle = snapshots.take(self._parts, self._loop.position, self._place.attempt, self._origin, more)
        if self._roll_backs:
            self._good = bundle
        return bundle

    def _put_back(self, saved: Bundle) -> None:
        snapshots.put_back(self._parts, saved)
        self._voice.rollback = saved.position.rollback
        self._elapsed_before = float(saved.state.get("elapsed_seconds", 0.0))
        if self._roll_backs:
            self._good = saved

    def _finish(self) -> int:
        """Bring the best weights back, write the models that are kept, and return the epoch of the model."""
        if self._checkpoints is not None and self._checkpoints.best_epoch:
            self._checkpoints.finish()
            return self._checkpoints.best_epoch
        epoch, early = self._loop.position.epoch, self._early
        if early is not None and early.best_weights is not None:
            variables.put_weights(self._prepared.built.kept, self._shelf.get(early.best_weights))
            epoch = early.best_epoch
        self._place.artifacts.put_model(self._prepared.built.kept.save)
        return epoch

    def _word(self) -> str | None:
        word = read_word(self._place.folder.control)
        return _ORPHANED if word is None and self._heartbeat.orphaned() else word

    def _deadline(self) -> float:
        hours = self._prepared.spec.training.max_hours
        return math.inf if hours is None else self._began + hours * _SECONDS_PER_HOUR - self._elapsed_before

    def _make_engine(self) -> engines.Engine:
        one = self._prepared
        return engines.make(one.built.learner, one.train, one.validation, self._settings)

    def _track(self) -> Track:
        one = self._prepared
        return Track(one.train, one.validation, one.rates, one.stages.epochs, backend.peak_memory_bytes)

    def _make_checkpoints(self) -> Checkpoints | None:
        rule = self._prepared.spec.callbacks.checkpoint
        if rule is None:
            return None
        place = self._place
        return Checkpoints(rule, self._prepared.built.kept, self._shelf, place.artifacts, voice=self._voice, monotonic=place.monotonic)

    def _make_early_stopping(self) -> EarlyStopping | None:
        rule = self._prepared.spec.callbacks.early_stopping
        if rule is None:
            return None
        keeps = rule.restore_best and self._prepared.spec.callbacks.checkpoint is None
        return EarlyStopping(rule, self._voice, self._shelf if keeps else None)

    def _all_watchers(self) -> list[Watcher]:
        rules = [rule for rule in self._prepared.spec.scheduler if isinstance(rule, ReduceOnPlateau)]
        plateaus = [Plateau(rule, self._prepared.rates, self._voice) for rule in rules[:1]]
        asked: list[Watcher | None] = [self._checkpoints, *plateaus, self._early, self._make_diagnoses(), self._make_tensorboard()]
        return [one for one in asked if one is not None]

    def _make_diagnoses(self) -> Diagnoses:
        parts = self._prepared.division
        judged = parts.validation
        share = None
        if judged is not None and parts.whole.classes and judged.targets.ndim == 1:
            share = float(np.bincount(judged.targets[judged.indices]).max() / len(judged))
        return Diagnoses(self._voice, share, len(judged) if judged is not None else 0, self._machine)

    def _machine(self) -> Machine:
        limit = backend.memory_limit_bytes()
        used = backend.peak_memory_bytes() / limit if limit else None
        return Machine(self._loop.input_wait, used)

    def _make_tensorboard(self) -> TensorBoard | None:
        if not self._prepared.spec.callbacks.tensorboard:
            return None
        return TensorBoard(self._place.folder.artifacts / "tensorboard", time.time, self._prepared.rates.last_of)
