"""Stops when nothing improves; counts as Keras' own callback counts."""

from __future__ import annotations

from typing import Any

import keras

from trainyard.linter.spec.model.training import EarlyStopping as Rule
from trainyard.service import wire
from trainyard.service.trainer.callbacks.improvement import Improvement
from trainyard.service.trainer.journal import Journal


class EarlyStopping(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """Ends training after ``patience`` epochs without improvement; ``stopped`` tells that it did.

    Keeps the weights of the best epoch when asked to (``keep_weights``): only where no checkpoint on disk does.
    """

    async_safe = True

    def __init__(self, rule: Rule, journal: Journal, *, keep_weights: bool) -> None:
        super().__init__()
        self._rule = rule
        self._journal = journal
        self._keep_weights = keep_weights
        self._improvement = Improvement(rule.mode, rule.min_delta)
        self._wait = 0
        self.stopped = False
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Judge the epoch (counted from 0)."""
        if epoch < self._rule.start_from_epoch:
            return
        self._wait += 1
        if self._improvement.seen((logs or {})[self._rule.monitor]):
            self._wait, self.best_epoch = 0, epoch + 1
            if self._keep_weights:
                self.best_weights = self.model.get_weights()
        elif self._wait >= self._rule.patience and epoch > 0:
            self._stop(epoch + 1)

    def _stop(self, epoch: int) -> None:
        self.stopped = True
        self.model.stop_training = True
        self._journal.append(wire.EarlyStopped(epoch, self.best_epoch, self._rule.monitor, self._rule.patience))
