"""What the loop asks of everything that looks at epochs as they end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from trainyard.service import wire
from trainyard.service.trainer.journal import Journal


class Watcher(Protocol):
    """Looks at an epoch that ended; its state is JSON and goes into every bundle."""

    @property
    def name(self) -> str:
        """What its state is kept under; no two watchers of a run share one."""

    def epoch_ended(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Take in an epoch, counted from 1; ``metrics`` has Keras' names, validation under ``val_``."""

    def state(self) -> dict[str, Any]:
        """Return everything that ``restore`` needs to go on as if nothing had happened."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state`` returned."""


class Voice:
    """Appends events, and knows how often the run was rolled back: what is said of an epoch again is said anew."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.rollback = 0

    def say(self, body: wire.Body) -> None:
        """Append an event."""
        if self.rollback and isinstance(
            body, wire.EpochFinished | wire.CheckpointSaved | wire.LearningRateChanged | wire.EarlyStopped | wire.Diagnosis
        ):
            body = dataclasses.replace(body, rollback=self.rollback)
        self._journal.append(body)
