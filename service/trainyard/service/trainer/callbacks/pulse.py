"""Between launches: look at the control file, show how far the epoch is, and nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from trainyard.service import wire
from trainyard.service.trainer.artifacts import finite
from trainyard.service.trainer.failures import InterruptedRun

INTERVAL_SECONDS = 0.25
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

    def show(self, epoch: int, step: int, steps: int, metrics: Mapping[str, float]) -> None:
        """Replace the progress file, or leave it as it was and raise OSError; ``epoch`` counts from 1."""
        record = {"epoch": epoch, "step": step, "steps": steps, "metrics": finite(dict(metrics))}
        temporary = self._progress.with_suffix(".part")
        try:
            temporary.write_text(json.dumps(record), encoding="utf-8")
            temporary.replace(self._progress)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


class QuietList(keras.callbacks.CallbackList):  # type: ignore[misc] # Keras ships no types
    """A list for Keras' own evaluation and prediction, whose batch hooks only beat the pulse.

    Keras' own list hands every callback the logs of every batch, which reads the loss back from the device each time.
    """

    def __init__(self, model: Any, pulse: Pulse) -> None:
        super().__init__([], add_history=False, model=model)
        self._pulse = pulse

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


def only_cancel(word: str | None) -> str | None:
    """Return the word when it is a cancellation: a run that is being judged is nearly done, and stopping it is judging it."""
    return word if word == wire.CANCEL else None
