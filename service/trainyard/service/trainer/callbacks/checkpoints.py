"""Keeps the best models as judged by the spec's monitor.

Their weights are copied at once; the model file is written when writing has cost less than a hundredth of the time so far,
and at the end. So a run of short epochs does not spend its time on files that the next epoch replaces.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from trainyard.linter.spec.model.training import Checkpoint
from trainyard.service import wire
from trainyard.service.trainer.artifacts import BEST_MODEL, Artifacts
from trainyard.service.trainer.bundle import variables
from trainyard.service.trainer.callbacks.improvement import MAX
from trainyard.service.trainer.callbacks.shelf import Shelf
from trainyard.service.trainer.callbacks.watcher import Voice

_SHARE = 0.01


class Checkpoints:
    """Watches for models that are among the ``keep`` best. ``best_epoch`` is 0 before there is one."""

    name = "checkpoint"

    def __init__(
        self, rule: Checkpoint, kept_model: Any, shelf: Shelf, artifacts: Artifacts, *, voice: Voice, monotonic: Callable[[], float]
    ) -> None:
        self._rule = rule
        self._model = kept_model
        self._shelf = shelf
        self._artifacts = artifacts
        self._voice = voice
        self._monotonic = monotonic
        self._began = monotonic()
        self._spent_seconds = 0.0
        self._written: str | None = None
        # (value, epoch, name of the weights), the best first; of equal ones the earlier.
        self._ranked: list[tuple[float, int, str]] = []

    @property
    def best_epoch(self) -> int:
        """The epoch of the best model so far."""
        return self._ranked[0][1] if self._ranked else 0

    def epoch_ended(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Keep the model when it is one of the best, and let the worst go."""
        value = metrics[self._rule.monitor]
        place = self._place(value)
        if place < self._rule.keep:
            self._ranked.insert(place, (value, epoch, self._shelf.put(epoch)))
            for _, _, name in self._ranked[self._rule.keep :]:
                self._shelf.drop(name)
            del self._ranked[self._rule.keep :]
            artifact = BEST_MODEL if place == 0 else _file(epoch)
            self._voice.say(wire.CheckpointSaved(epoch, self._rule.monitor, value, best=place == 0, artifact=artifact))
        if self._spent_seconds <= _SHARE * (self._monotonic() - self._began):
            self.write()

    def state(self) -> dict[str, Any]:
        """Return which models are kept; their weights lie on the shelf."""
        return {"ranked": [list(entry) for entry in self._ranked]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with those models; the best is written anew, because a later one may have been."""
        self._ranked = [(value, epoch, name) for value, epoch, name in state["ranked"]]

    def finish(self) -> None:
        """Write every model that is kept, and leave the model with the weights of the best one."""
        for _, epoch, name in reversed(self._ranked[1:]):
            variables.put_weights(self._model, self._shelf.get(name))
            self._artifacts.put(_file(epoch), "model", self._model.save)
        if self._ranked:
            variables.put_weights(self._model, self._shelf.get(self._ranked[0][2]))
            self._save(self._ranked[0][2])

    def _place(self, value: float) -> int:
        """Return how many kept models are at least as good; a NaN is never kept."""
        if math.isnan(value):
            return self._rule.keep
        sign = -1.0 if self._rule.mode == MAX else 1.0
        return sum(1 for other, _, _ in self._ranked if not sign * value < sign * other)

    def write(self) -> None:
        """Write the best model as it is known now, whatever it costs; the running weights stay as they are."""
        if not self._ranked or self._ranked[0][2] == self._written:
            return
        name = self._ranked[0][2]
        running = variables.weights(self._model)
        variables.put_weights(self._model, self._shelf.get(name))
        try:
            self._save(name)
        finally:
            variables.put_weights(self._model, running)

    def _save(self, name: str) -> None:
        if name == self._written:
            return
        began = self._monotonic()
        self._artifacts.put_model(self._model.save)
        self._spent_seconds += self._monotonic() - began
        self._written = name


def _file(epoch: int) -> str:
    return f"epoch-{epoch:04}.keras"
