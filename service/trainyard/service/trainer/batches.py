"""Batches, as Keras takes them.

Samples stay where they are, in memory or on disk, as the bytes they were read as: a batch is one gather. Class weights ride along as sample
weights, in training only, so that validation is measured plainly.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from trainyard.service.trainer.data.division import Part
from trainyard.service.trainer.data.order import epoch_order
from trainyard.service.trainer.data.samples import Array

Encode = Callable[[Array], Array]


class Batches(keras.utils.PyDataset):  # type: ignore[misc] # Keras ships no types
    """Batches of a part, as Keras takes them: ``(inputs, targets)`` or ``(inputs, targets, weights)``.

    Args:
        part: the samples.
        batch_size: samples per batch; the last one is smaller, or left out when ``drop_remainder``.
        encode: turns targets into what the loss wants.
        class_weights: weight per class index, or None.
        seed: seed of the order; None keeps the order of the part.
        drop_remainder: leave out a last batch that is not full.
    """

    def __init__(
        self,
        part: Part,
        batch_size: int,
        encode: Encode,
        *,
        class_weights: tuple[float, ...] | None = None,
        seed: int | None = None,
        drop_remainder: bool = False,
    ) -> None:
        super().__init__()
        self._part = part
        self._batch_size = batch_size
        self._encode = encode
        self._weights = None if class_weights is None else np.asarray(class_weights, dtype=np.float32)
        self._seed = seed
        self._drop_remainder = drop_remainder
        self._order = part.indices
        self._arrays: tuple[Array, ...] | None = None
        self.begin(0)

    @property
    def batch_size(self) -> int:
        """Samples of a full batch."""
        return self._batch_size

    @property
    def order(self) -> Array:
        """Indices of the samples of the epoch that ``begin`` laid out, batch after batch, into ``arrays``."""
        return self._order

    @property
    def nbytes(self) -> int:
        """Bytes of ``arrays``, which are not made for it: targets can be encoded wider than the samples are."""
        one = self._encode(self._part.targets[:1]).nbytes + (0 if self._weights is None else self._weights.itemsize)
        return self._part.inputs.nbytes + len(self._part.targets) * one

    @property
    def in_memory(self) -> bool:
        """Tell whether the samples lie in memory."""
        return isinstance(self._part.inputs, np.ndarray)

    def arrays(self) -> tuple[Array, ...]:
        """Return whole arrays, of which a batch takes the rows that ``order`` names: inputs, encoded targets and, maybe, weights."""
        if self._arrays is None:
            targets = self._part.targets
            weights = () if self._weights is None else (self._weights[targets],)
            self._arrays = (np.asarray(self._part.inputs), self._encode(targets), *weights)
        return self._arrays

    @property
    def samples(self) -> int:
        """Samples that one epoch passes."""
        return min(len(self._part), len(self) * self._batch_size)

    def begin(self, epoch: int) -> None:
        """Lay out the order of ``epoch`` (counted from 0); call before the epoch's first batch."""
        if self._seed is not None:
            self._order = self._part.indices[epoch_order(self._seed, epoch, len(self._part))]

    def __len__(self) -> int:
        full, rest = divmod(len(self._part), self._batch_size)
        return full if self._drop_remainder or not rest else full + 1

    def __getitem__(self, index: int) -> tuple[Array, ...]:
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        targets = self._part.targets[rows]
        if self._weights is None:
            return self._part.inputs[rows], self._encode(targets)
        return self._part.inputs[rows], self._encode(targets), self._weights[targets]
