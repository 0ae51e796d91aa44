"""Opens and closes every epoch: the order of samples, the learning rates, the event that a watcher waits for."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras

from trainyard.service import wire
from trainyard.service.trainer.batches import Batches
from trainyard.service.trainer.failures import NonFiniteLossError
from trainyard.service.trainer.history import History
from trainyard.service.trainer.journal import Journal
from trainyard.service.trainer.rates import EpochRates


class Epochs(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
    """First in the list: what the others do at an epoch's end comes after the epoch's own event.

    Args:
        planned: epochs that the spec asks for.
        monotonic: seconds since some moment.
        memory: peak bytes on the device so far.
    """

    async_safe = True

    def __init__(
        self,
        batches: Batches,
        rates: EpochRates,
        history: History,
        journal: Journal,
        *,
        planned: int,
        monotonic: Callable[[], float],
        memory: Callable[[], int],
    ) -> None:
        super().__init__()
        self._batches = batches
        self._rates = rates
        self._history = history
        self._journal = journal
        self._planned = planned
        self._monotonic = monotonic
        self._memory = memory
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Lay out order and rates of the epoch (counted from 0)."""
        del logs
        self._batches.begin(epoch)
        self._rates.begin(epoch)
        self._began = self._monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the epoch down; raises NonFiniteLossError when its loss is no number."""
        seconds = self._monotonic() - self._began
        metrics = dict(logs or {})
        rate = self._rates.last_of(epoch)
        self._history.add(epoch + 1, metrics, rate)
        self._journal.append(
            wire.EpochFinished(
                epoch=epoch + 1,
                epochs_planned=self._planned,
                metrics=metrics,
                learning_rate=rate,
                seconds=seconds,
                samples_per_second=self._batches.samples / seconds if seconds > 0 else 0.0,
                device_memory_bytes=self._memory(),
            )
        )
        if not math.isfinite(metrics["loss"]):
            raise NonFiniteLossError(metrics["loss"], epoch + 1)
