"""Over which devices a run is spread: one, or several that share every batch.

The batch size of a spec is that of the whole batch. On JAX one program works on the whole batch, wherever its rows lie
(``keras.distribution.DataParallel``); on TensorFlow every device runs the model on its rows (``MirroredStrategy``), and what
belongs to a batch as a whole (the loss, the moments of batch normalization, the step of the optimizer) is taken over all of it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """``count`` devices; ``strategy`` is TensorFlow's, ``distribution`` Keras' own on JAX, both None for one device."""

    count: int = 1
    strategy: Any = None
    distribution: Any = None

    def scope(self) -> AbstractContextManager[Any]:
        """Return what a model must be built in, so that every device has its variables."""
        return nullcontext() if self.strategy is None else self.strategy.scope()

    def shares(self, size: int) -> bool:
        """Tell whether there is a row for every device in a batch of ``size``; else each takes all of it."""
        return size >= self.count

    def cuts(self, size: int) -> list[tuple[int, int]]:
        """Return which rows of a batch of ``size`` each device gets, first and end."""
        if not self.shares(size):
            return [(0, size)] * self.count
        return [(size * place // self.count, size * (place + 1) // self.count) for place in range(self.count)]


ALONE = Spread()


def over(count: int, backend: str, names: list[str]) -> Spread:
    """Return a spread over the first ``count`` of the devices with these names."""
    if count <= 1:
        return ALONE
    if backend == "jax":
        import keras

        return Spread(count, distribution=keras.distribution.DataParallel(devices=names[:count], auto_shard_dataset=False))
    import tensorflow as tf

    # Nothing goes through NCCL: what is tested on stand-ins for devices is what runs on devices.
    return Spread(count, strategy=tf.distribute.MirroredStrategy(names[:count], tf.distribute.ReductionToOneDevice()))
