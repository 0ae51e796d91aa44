"""What a dataset is once it is decoded, and what is wrong with parts of it. Knows no file format."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from trainyard.service.trainer.failures import DataError

Array = npt.NDArray[Any]

FAIL = "fail"
_NAMED = 3


class Inputs(Protocol):
    """Rows of samples, in memory (an array) or not (``on_disk.OnDisk``)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape, ``(samples, *input_shape)``."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a value."""

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Array:
        """Return the rows of a slice or of an array of indices."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: ``categories`` are the values of its one-hot inputs in order, empty when it is a number."""

    name: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A file or row that can not be used, by its name within the dataset, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Samples:
    """A dataset, decoded.

    ``inputs`` has the shape ``(samples, *input_shape)``: uint8 where the source had bytes, else float32.
    ``targets`` is int32 class indices ``(samples,)``, uint8 flags ``(samples, classes)`` for multilabel, or float32
    ``(samples, outputs)`` for regression, where ``classes`` is empty. ``groups`` holds one value per sample.
    """

    inputs: Inputs
    targets: Array
    classes: tuple[str, ...]
    groups: tuple[object, ...] | None = None
    columns: tuple[Column, ...] = ()
    bad: tuple[BadRecord, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)


def judge(bad: Sequence[BadRecord], policy: str, limit: int, what: str) -> None:
    """Raise DataError when the policy does not bear these bad records; the first few are named, all are counted.

    Args:
        bad: what was found, in order.
        policy: ``fail`` or ``skip``.
        limit: most records that ``skip`` skips.
        what: plural noun, such as ``images``.
    """
    allowed = 0 if policy == FAIL else limit
    if len(bad) <= allowed:
        return
    named = "; ".join(f"{record.name}: {record.why}" for record in bad[:_NAMED])
    more = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    advice = f"only {limit} may be skipped" if allowed else "repair or remove them, or set dataset.bad_records to skip"
    raise DataError(f"{len(bad)} of the {what} can not be used ({named}{more}); {advice}.")


def shaped(inputs: Inputs, declared: tuple[int | None, ...] | None) -> Inputs:
    """Return inputs in the declared shape ``(samples, *declared)``; raises DataError when the values do not fill it."""
    real = inputs.shape[1:]
    if declared is None or _agrees(real, declared):
        return inputs
    sizes = [size for size in declared if size is not None]
    if len(sizes) == len(declared) and math.prod(sizes) == math.prod(real):
        reshaped: Inputs = inputs.reshape(len(inputs), *sizes)  # type: ignore[attr-defined] # NumPy's overloads are like no protocol
        return reshaped
    raise DataError(f"dataset.input_shape is {list(declared)}, but a sample has the shape {list(real)}.")


def _agrees(real: tuple[int, ...], declared: tuple[int | None, ...]) -> bool:
    return len(real) == len(declared) and all(want in {None, have} for have, want in zip(real, declared, strict=True))
