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

    def __len__(self) -> int:
        return len(self._epochs)

    def as_json(self) -> dict[str, Any]:
        """Return ``{"epochs": [{"epoch": 1, "loss": …, "val_loss": …, …}, …]}``."""
        return {"epochs": list(self._epochs)}
