"""Lowers the learning rate when nothing improves; counts as Keras' own callback, and as ``lowest_plateau_factor`` predicts."""

from __future__ import annotations

import math

import keras

from trainyard.linter.spec.model.scheduler import ReduceOnPlateau as Rule
from trainyard.service import wire
from trainyard.service.trainer.callbacks.improvement import Improvement
from trainyard.service.trainer.journal import Journal
from trainyard.service.trainer.rates import EpochRates


class Plateau(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """Multiplies the rate by ``factor`` after ``patience`` epochs without improvement, never below ``min_lr``."""

    async_safe = True

    def __init__(self, rule: Rule, rates: EpochRates, journal: Journal) -> None:
        super().__init__()
        self._rule = rule
        self._rates = rates
        self._journal = journal
        self._improvement = Improvement(rule.mode, rule.min_delta)
        self._wait = 0
        self._cooling = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Judge the epoch (counted from 0)."""
        if self._cooling > 0:
            self._cooling -= 1
            self._wait = 0
        if self._improvement.seen((logs or {})[self._rule.monitor]):
            self._wait = 0
        elif self._cooling <= 0:
            self._wait += 1
            if self._wait >= self._rule.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        before = self._rates.first_of(epoch + 1)
        if before <= self._rule.min_lr or math.isclose(before, self._rule.min_lr):
            return
        after = max(before * self._rule.factor, self._rule.min_lr)
        self._rates.scale *= after / before
        self._cooling, self._wait = self._rule.cooldown, 0
        self._journal.append(wire.LearningRateChanged(epoch + 1, before, after, "reduce_on_plateau"))
