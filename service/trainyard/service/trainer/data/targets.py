"""The thing to be learnt, as an array, by task: class indices, flags or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainyard.service.trainer.data import labels
from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.failures import DataError


@dataclass(frozen=True, slots=True)
class Targets:
    """``values`` as in ``Samples.targets``; ``classes`` is empty for regression."""

    values: Array
    classes: tuple[str, ...]


def of_array(raw: Array, task: str, declared: object) -> Targets:
    """Read targets of shape ``(samples,)`` or ``(samples, width)``; ``declared`` is ``facts.classes``."""
    if raw.ndim > 2:
        raise DataError(f"Targets have the shape {list(raw.shape[1:])} per sample; one number or one row is understood.")
    if task == "regression":
        return Targets(_numbers(raw).reshape(len(raw), -1), ())
    if task == "multilabel":
        return Targets(_flags(raw), _names(declared, raw.shape[-1]))
    if raw.ndim == 2 and raw.shape[1] > 1:
        return Targets(_one_hot(raw), _names(declared, raw.shape[1]))
    indices, found = labels.encode(raw.reshape(-1))
    return Targets(*labels.named(indices, found, declared))


def of_texts(texts: Sequence[str], declared: object) -> Targets:
    """Read the labels of a table, one text per sample; ``declared`` is ``facts.classes``."""
    indices, found = labels.of_texts(texts)
    labels.check_whole(found)
    return Targets(*labels.named(indices, found, declared))


def _numbers(raw: Array) -> Array:
    if raw.dtype.kind not in "iufb":
        raise DataError(f"A regression target is a number, not {raw.dtype}.")
    with np.errstate(over="ignore"):  # what is out of reach becomes infinite, and that is a bad record
        return raw.astype(np.float32)


def _flags(raw: Array) -> Array:
    if raw.ndim != 2 or raw.dtype.kind not in "iufb" or not np.isin(raw, (0, 1)).all():
        raise DataError("Multilabel targets are rows of zeros and ones, one column per class.")
    return raw.astype(np.uint8)


def _one_hot(raw: Array) -> Array:
    if raw.dtype.kind not in "iufb" or not np.isin(raw, (0, 1)).all() or not (raw.sum(axis=1) == 1).all():
        raise DataError("Labels with several columns are one-hot: exactly one 1 in each row, else 0.")
    return np.asarray(raw.argmax(axis=1), dtype=np.int32)


def _names(declared: object, width: int) -> tuple[str, ...]:
    if isinstance(declared, tuple) and len(declared) == width:
        return tuple(str(name) for name in declared)
    return tuple(map(str, range(width)))
