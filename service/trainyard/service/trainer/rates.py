"""The learning rate of every step, by the same pure function that the linter draws.

A Python callback per step would cost more than a step of a small model. So the rates of one epoch are computed at once
and laid into a variable of the optimizer, and the compiled step picks its own. The variable belongs to the optimizer,
so that backends which pass state around (JAX) and checkpoints see it. Whatever changes the rate for reasons of its own
(a plateau) goes through ``scale``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from trainyard.linter.estimate.schedule import Curve


class EpochRates(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # Keras ships no types
    """The rates of the running epoch; ``begin`` must be called before each.

    ``staged`` are (epochs, rate) of the stages before the curve begins.
    """

    def __init__(self, curve: Curve, staged: Sequence[tuple[int, float]] = ()) -> None:
        self._curve = curve
        # The rate of every epoch before the curve begins: those of the stages, one entry per stage.
        self._staged = [rate for epochs, rate in staged for _ in range(epochs)]
        self._optimizer: Any = None
        self._table: Any = None
        self._first: Any = None
        self.scale = 1.0

    def attach(self, optimizer: Any) -> None:
        """Put the variables into ``optimizer``; called before it is built, for every optimizer of the run anew."""
        self._optimizer = optimizer
        self._table = optimizer.add_variable((self._curve.steps_per_epoch,), name="rates", dtype="float32")
        self._first = optimizer.add_variable((), name="rates_first", dtype=self._batches_seen().dtype)

    def begin(self, epoch: int) -> None:
        """Lay out the rates of ``epoch`` (counted from 0)."""
        rates = [self._at(epoch, step) * self.scale for step in range(self._curve.steps_per_epoch)]
        self._table.assign(np.asarray(rates, dtype=np.float32))
        # Through NumPy: on JAX a plain assignment would share one buffer, and the step gives its buffers away.
        self._first.assign(keras.ops.convert_to_numpy(self._batches_seen()))

    def last_of(self, epoch: int) -> float:
        """Return the rate of the last step of ``epoch`` (counted from 0), under the present scale."""
        return self._at(epoch, self._curve.steps_per_epoch - 1) * self.scale

    def first_of(self, epoch: int) -> float:
        """Return the rate of the first step of ``epoch`` (counted from 0), under the present scale."""
        return self._at(epoch, 0) * self.scale

    def _at(self, epoch: int, step: int) -> float:
        """Return the rate of a step of ``epoch``, both counted from 0, as the spec wants it."""
        if epoch < len(self._staged):
            return self._staged[epoch]
        return self._curve.at((epoch - len(self._staged)) * self._curve.steps_per_epoch + step)

    def _batches_seen(self) -> Any:
        """Return the optimizer's own count of batches: ``iterations`` is that of updates where gradients are accumulated."""
        return next(variable for variable in self._optimizer.variables if variable.name == "iteration")

    def __call__(self, step: Any) -> Any:
        """Return the rate of ``step``: loss scaling may skip updates, so it is counted from where the epoch began."""
        place = keras.ops.cast(step, self._first.dtype) - self._first
        return keras.ops.take(self._table, keras.ops.clip(place, 0, self._curve.steps_per_epoch - 1))

    def get_config(self) -> dict[str, Any]:
        """Refuse: only the model is saved, never its optimizer."""
        raise NotImplementedError("a saved model has no optimizer; a checkpoint bundle keeps the variables")
