"""Lowers the learning rate when nothing improves; counts as Keras' own callback, and as ``lowest_plateau_factor`` predicts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trainyard.linter.spec.model.scheduler import ReduceOnPlateau as Rule
from trainyard.service import wire
from trainyard.service.trainer.callbacks.improvement import Improvement
from trainyard.service.trainer.callbacks.watcher import Voice
from trainyard.service.trainer.rates import EpochRates


class Plateau:
    """Multiplies the rate by ``factor`` after ``patience`` epochs without improvement, never below ``min_lr``."""

    name = "reduce_on_plateau"

    def __init__(self, rule: Rule, rates: EpochRates, voice: Voice) -> None:
        self._rule = rule
        self._rates = rates
        self._voice = voice
        self._improvement = Improvement(rule.mode, rule.min_delta)
        self._wait = 0
        self._cooling = 0

    def epoch_ended(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Judge the epoch (counted from 1)."""
        if self._cooling > 0:
            self._cooling -= 1
            self._wait = 0
        if self._improvement.seen(metrics[self._rule.monitor]):
            self._wait = 0
        elif self._cooling <= 0:
            self._wait += 1
            if self._wait >= self._rule.patience:
                self._reduce(epoch)

    def state(self) -> dict[str, Any]:
        """Return what was counted; the scale of the rates is the loop's to keep."""
        return {"best": self._improvement.best, "wait": self._wait, "cooling": self._cooling}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on counting."""
        self._improvement.best = state["best"]
        self._wait, self._cooling = state["wait"], state["cooling"]

    def _reduce(self, epoch: int) -> None:
        before = self._rates.first_of(epoch)
        if before <= self._rule.min_lr or math.isclose(before, self._rule.min_lr):
            return
        after = max(before * self._rule.factor, self._rule.min_lr)
        self._rates.scale *= after / before
        self._cooling, self._wait = self._rule.cooldown, 0
        self._voice.say(wire.LearningRateChanged(epoch, before, after, "reduce_on_plateau"))
