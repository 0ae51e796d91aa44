"""Labels as people wrote them into class indices, in the linter's order: numbers by value, then words by letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Sized
from typing import Any

import numpy as np

from trainyard.linter.facts import tables
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
    check_number(names)
    return indices.reshape(-1).astype(np.int32), tuple(str(name) for name in names.tolist())


def of_texts(texts: Sequence[str]) -> tuple[Array, tuple[str, ...]]:
    """Return (int32 class indices, class names) of labels of a table, numbered as the linter numbers them."""
    counts = Counter(texts)
    check_number(counts)
    names, _ = tables.classes(counts)
    place = {name: index for index, name in enumerate(names)}
    return np.array([place[text] for text in texts], dtype=np.int32), names


def check_number(different: Sized) -> None:
    """Raise DataError when there are too many labels that differ."""
    if len(different) > _MOST_CLASSES:
        raise DataError(f"The labels have {len(different):,} different values: that is no classification.")


def missing(texts: Iterable[str]) -> frozenset[str]:
    """Return those of the texts that the linter takes for no label at all: nothing, "NA", "?" and the like."""
    found = set()
    for text in texts:
        tally = tables.Tally("")
        tally.add(text)
        if tally.missing:
            found.add(text)
    return frozenset(found)


def check_whole(names: Iterable[str]) -> None:
    """Raise DataError when labels are fractions: such a target is a quantity."""
    for name in names:
        try:
            number = float(name)
        except ValueError:
            return
        if not number.is_integer():
            raise DataError("Labels are fractional numbers: for such a target the task is regression.")


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
