"""Mean, variance and range of each channel or column over the training part, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trainyard.service.trainer.data.division import Part
from trainyard.service.trainer.data.samples import Array

_CHUNK_VALUES = 1_000_000


@dataclass(frozen=True, slots=True)
class Statistics:
    """Float64 arrays with one value per channel (last axis of the input)."""

    mean: Array
    variance: Array
    low: Array
    high: Array


def measure(part: Part) -> Statistics:
    """Return the statistics of ``part`` over all axes but the last; the variance is that of the population.

    Two passes, mean first: the textbook one-pass formula loses all digits when the mean is large.
    """
    channels = part.inputs.shape[-1]
    total, low, high, count = np.zeros(channels), np.full(channels, np.inf), np.full(channels, -np.inf), 0
    for rows in _chunks(part):
        total += rows.sum(axis=0)
        low, high = np.minimum(low, rows.min(axis=0)), np.maximum(high, rows.max(axis=0))
        count += len(rows)
    mean = total / count
    squares = np.zeros(channels)
    for rows in _chunks(part):
        squares += np.square(rows - mean).sum(axis=0)
    return Statistics(mean, squares / count, low, high)


def _chunks(part: Part) -> Iterator[Array]:
    """Yield the samples as float64 rows with one column per channel."""
    per_chunk = max(1, _CHUNK_VALUES // max(1, int(np.prod(part.inputs.shape[1:]))))
    for start in range(0, len(part), per_chunk):
        chunk = part.inputs[part.indices[start : start + per_chunk]]
        yield chunk.reshape(-1, part.inputs.shape[-1]).astype(np.float64)
