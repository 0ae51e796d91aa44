"""Labels as people wrote them into class indices. Class names are sorted: numbers by value, words by letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.failures import DataError

_MOST_CLASSES = 65_536


def encode(values: Sequence[Any] | Array) -> tuple[Array, tuple[str, ...]]:
    """Return (int32 class indices, class names) of one label per sample; raises DataError when they are no labels."""
    array = np.asarray(values)
    if array.dtype.kind in "OSU":
        array = array.astype(str)
    elif array.dtype.kind == "f":
        array = _whole(array)
    elif array.dtype.kind not in "iub":
        raise DataError(f"Labels of the type {array.dtype} are not understood: write numbers or words.")
    names, indices = np.unique(array, return_inverse=True)
    if len(names) > _MOST_CLASSES:
        raise DataError(f"The labels have {len(names):,} different values: that is no classification.")
    return indices.reshape(-1).astype(np.int32), tuple(str(name) for name in names.tolist())


def named(indices: Array, found: tuple[str, ...], declared: object) -> tuple[Array, tuple[str, ...]]:
    """Give the declared names to labels that are the numbers 0 to K - 1; other labels keep their own.

    ``declared`` is ``facts.classes``: names, a number of classes, or None.
    """
    count = len(declared) if isinstance(declared, tuple) else declared
    if not isinstance(count, int) or not all(name.isdecimal() and int(name) < count for name in found):
        return indices, found
    names = declared if isinstance(declared, tuple) else tuple(map(str, range(count)))
    return np.array([int(name) for name in found], dtype=np.int32)[indices], names


def check_several(classes: tuple[str, ...], counts: Sequence[int]) -> None:
    """Raise DataError when there is nothing to tell apart."""
    present = [name for name, count in zip(classes, counts, strict=True) if count]
    if not present:
        raise DataError("The dataset has no samples.")
    if len(present) == 1:
        raise DataError(f'All samples are of one class, "{present[0]}": there is nothing to learn.')


def _whole(array: Array) -> Array:
    if not np.all(np.isfinite(array)) or np.any(array != np.floor(array)):
        raise DataError("Labels are fractional numbers: for such a target the task is regression.")
    return array.astype(np.int64)
