"""Curves for TensorBoard: training and validation as two runs, under the tags of Keras' own callback."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trainyard.service.trainer.callbacks.event_file import EventFile

_VALIDATION = "val_"


class TensorBoard:
    """Writes below ``folder``; opens a file with the first epoch that it sees, so that a resumed run has one per attempt."""

    name = "tensorboard"

    def __init__(self, folder: Path, now: Callable[[], float], rate: Callable[[int], float]) -> None:
        self._folder = folder
        self._now = now
        self._rate = rate
        self._files: dict[str, EventFile] = {}
        self._last = 0

    def epoch_ended(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Append the epoch; one that comes again, after the run was rolled back, takes the place of the first."""
        if epoch <= self._last:
            self._files.clear()
        self._last = epoch
        train = {f"epoch_{name}": value for name, value in metrics.items() if not name.startswith(_VALIDATION)}
        judged = {f"epoch_{name.removeprefix(_VALIDATION)}": value for name, value in metrics.items() if name.startswith(_VALIDATION)}
        self._add("train", epoch, {**train, "epoch_learning_rate": self._rate(epoch - 1)})
        if judged:
            self._add("validation", epoch, judged)

    def state(self) -> dict[str, Any]:
        """Return nothing: the files are their own memory."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Begin new files."""
        del state
        self._files.clear()

    def _add(self, run: str, epoch: int, values: Mapping[str, float]) -> None:
        at = self._now()
        if run not in self._files:
            self._files[run] = EventFile(self._folder / run, at, epoch)
        self._files[run].add(at, epoch, values)
