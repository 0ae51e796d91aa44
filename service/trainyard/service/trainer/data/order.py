"""The order of every epoch: a pure function of seed and epoch, whatever the backend, the batch size or a resume."""

from __future__ import annotations

import numpy as np

from trainyard.service.trainer.data.samples import Array


def epoch_order(seed: int, epoch: int, count: int) -> Array:
    """Return 0 … count - 1 in the order of ``epoch`` (counted from 0).

    Sorted by the raw draws of PCG64: NumPy promises that this stream never changes, and ``permutation`` has no such
    promise.
    """
    draws = np.random.PCG64(np.random.SeedSequence([seed, epoch])).random_raw(count)
    return np.argsort(draws, kind="stable")
