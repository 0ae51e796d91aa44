"""Writes the model whenever it is the best so far, whole or not at all."""

from __future__ import annotations

from typing import Any

import keras

from trainyard.linter.spec.model.training import Checkpoint
from trainyard.service import wire
from trainyard.service.trainer.artifacts import BEST_MODEL, Artifacts
from trainyard.service.trainer.callbacks.improvement import Improvement
from trainyard.service.trainer.journal import Journal


class BestModel(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """Keeps ``best.keras``; ``epoch`` is the one whose weights it holds, 0 while there is none."""

    async_safe = True

    def __init__(self, rule: Checkpoint, kept: Any, artifacts: Artifacts, journal: Journal) -> None:
        super().__init__()
        self._rule = rule
        self._kept = kept
        self._artifacts = artifacts
        self._journal = journal
        self._improvement = Improvement(rule.mode)
        self.epoch = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Judge the epoch (counted from 0)."""
        value = (logs or {})[self._rule.monitor]
        if not self._improvement.seen(value):
            return
        self._artifacts.put_model(self._kept.save)
        self.epoch = epoch + 1
        self._journal.append(wire.CheckpointSaved(self.epoch, self._rule.monitor, value, best=True, artifact=BEST_MODEL))
