"""Between batches: look at the control file, show how far the epoch is, and nothing else.

Keras' own list hands every callback the logs of every batch, which reads the loss back from the device each time. This
list hands nobody anything; twice a second it reads the control file and the running loss.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from trainyard.service.trainer.artifacts import finite
from trainyard.service.trainer.failures import InterruptedRun, NonFiniteLossError

INTERVAL_SECONDS = 0.5
TIME_LIMIT = "time_limit"


class Pulse:
    """Beats at most every ``INTERVAL_SECONDS``.

    Args:
        word: returns the word that asks the run to end, or None.
        progress: file that shows how far the epoch is; replaced, never appended to.
        monotonic: seconds since some moment.
        deadline: moment at which the spec's time limit is over; infinite without one.
    """

    def __init__(self, word: Callable[[], str | None], progress: Path, monotonic: Callable[[], float], deadline: float) -> None:
        self._word = word
        self._progress = progress
        self._monotonic = monotonic
        self._deadline = deadline
        self._next = -math.inf
        self.epoch = 0
        self.steps = 0

    def beat(self) -> bool:
        """Return True when it was time; raises InterruptedRun when somebody, or the time limit, asks the run to end."""
        now = self._monotonic()
        if now < self._next:
            return False
        self._next = now + INTERVAL_SECONDS
        self.obey()
        return True

    def obey(self) -> None:
        """Raise InterruptedRun when the control file or the time limit asks for it."""
        word = self._word()
        if word is not None:
            raise InterruptedRun(word)
        if self._monotonic() >= self._deadline:
            raise InterruptedRun(TIME_LIMIT)

    def show(self, step: int, logs: dict[str, Any]) -> None:
        """Replace the progress file; raises NonFiniteLossError when the running loss is no number any more."""
        metrics = {name: float(value) for name, value in logs.items()}
        record = {"epoch": self.epoch, "step": step, "steps": self.steps, "metrics": finite(metrics)}
        temporary = self._progress.with_suffix(".part")
        temporary.write_text(json.dumps(record), encoding="utf-8")
        temporary.replace(self._progress)
        if not math.isfinite(metrics.get("loss", 0.0)):
            raise NonFiniteLossError(metrics["loss"], self.epoch)


class QuietList(keras.callbacks.CallbackList):  # type: ignore[misc] # Keras ships no types
    """A callback list whose batch hooks only beat the pulse."""

    def __init__(self, callbacks: list[Any], model: Any, pulse: Pulse) -> None:
        super().__init__(callbacks, add_history=True, model=model)
        self._pulse = pulse

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the epoch and tell the callbacks."""
        self._pulse.epoch = epoch + 1
        super().on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell the callbacks, then obey the control file: a short epoch may pass between two beats."""
        super().on_epoch_end(epoch, logs)
        self._pulse.obey()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell nobody."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Beat; ``batch`` counts from 0."""
        if self._pulse.beat():
            self._pulse.show(batch + 1, logs or {})

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell nobody."""

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Beat."""
        del batch, logs
        self._pulse.beat()

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell nobody."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Beat."""
        del batch, logs
        self._pulse.beat()
