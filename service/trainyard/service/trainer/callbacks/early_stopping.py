"""Stops when nothing improves; counts as Keras' own callback counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainyard.linter.spec.model.training import EarlyStopping as Rule
from trainyard.service import wire
from trainyard.service.trainer.callbacks.improvement import Improvement
from trainyard.service.trainer.callbacks.shelf import Shelf
from trainyard.service.trainer.callbacks.watcher import Voice


class EarlyStopping:
    """Ends training after ``patience`` epochs without improvement; ``stopped`` tells that it did.

    Keeps the weights of the best epoch on ``shelf`` when it is given one: only where no checkpoint does.
    """

    name = "early_stopping"

    def __init__(self, rule: Rule, voice: Voice, shelf: Shelf | None) -> None:
        self._rule = rule
        self._voice = voice
        self._shelf = shelf
        self._improvement = Improvement(rule.mode, rule.min_delta)
        self._wait = 0
        self.stopped = False
        self.best_epoch = 0
        self.best_weights: str | None = None

    def epoch_ended(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Judge the epoch (counted from 1)."""
        if epoch <= self._rule.start_from_epoch:
            return
        self._wait += 1
        if self._improvement.seen(metrics[self._rule.monitor]):
            self._wait, self.best_epoch = 0, epoch
            if self._shelf is not None:
                self.best_weights = self._shelf.put(epoch, instead_of=self.best_weights)
        elif self._wait >= self._rule.patience and epoch > 1:
            self.stopped = True
            self._voice.say(wire.EarlyStopped(epoch, self.best_epoch, self._rule.monitor, self._rule.patience))

    def state(self) -> dict[str, Any]:
        """Return what was counted."""
        return {
            "best": self._improvement.best,
            "wait": self._wait,
            "stopped": self.stopped,
            "best_epoch": self.best_epoch,
            "best_weights": self.best_weights,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on counting."""
        self._improvement.best = state["best"]
        self._wait, self.stopped = state["wait"], state["stopped"]
        self.best_epoch, self.best_weights = state["best_epoch"], state["best_weights"]
