"""The run's curve: what ``history.json`` holds. No times in it, so that two equal runs have equal files."""

from __future__ import annotations

from typing import Any


class History:
    """Metrics of every finished epoch, by Keras' names, with the rate of its last step."""

    def __init__(self) -> None:
        self._epochs: list[dict[str, Any]] = []

    def add(self, epoch: int, metrics: dict[str, float], learning_rate: float) -> None:
        """Take an epoch in (counted from 1)."""
        self._epochs.append({"epoch": epoch, **metrics, "learning_rate": learning_rate})

    def restore(self, epochs: list[dict[str, Any]]) -> None:
        """Take over the epochs of an earlier attempt."""
        self._epochs = list(epochs)

    def cut(self, epochs: int) -> None:
        """Forget everything after the first ``epochs``: the run goes on from there."""
        del self._epochs[epochs:]

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """The epochs, in order."""
        return list(self._epochs)

    @property
    def first_loss(self) -> float:
        """The training loss of the first epoch."""
        return float(self._epochs[0]["loss"])

    def __len__(self) -> int:
        return len(self._epochs)

    def as_json(self) -> dict[str, Any]:
        """Return ``{"epochs": [{"epoch": 1, "loss": …, "val_loss": …, …}, …]}``."""
        return {"epochs": list(self._epochs)}
