"""Samples that lie in a file instead of in memory, and are read row by row where a batch wants them.

The file has no name: nobody can delete, shorten or mistake it, and it is gone with the process, however that ends. It is read,
not mapped: pages of a mapping count as memory of the process, and a disk that fails under one ends it without a word.
All of its room is taken before the first sample is written, so that a disk that is too small says so at once.
"""

from __future__ import annotations

import errno
import math
import os
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.failures import DataError, DiskFullError, TrainerError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_MOVED_BYTES = 16 * 1024 * 1024
# From here on a row is worth being asked for ahead: the kernel then fetches all rows of a batch at once.
_AHEAD_BYTES = 4096


class _Unnamed:
    """A file without a name in ``folder``, open for as long as somebody has this object."""

    def __init__(self, folder: Path) -> None:
        with tempfile.TemporaryFile(dir=folder, prefix="samples-") as file:
            self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)

    def fileno(self) -> int:
        return self._descriptor


class OnDisk:
    """Rows of ``shape`` and ``dtype`` in a file of their own in ``folder``; takes the part of an array that samples need.

    Raises:
        DiskFullError: there is no room for them.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype
        self._row_bytes = math.prod(shape[1:]) * dtype.itemsize
        try:
            self._file = _Unnamed(folder)
            if self.nbytes:
                os.posix_fallocate(self._file.fileno(), 0, self.nbytes)
        except OSError as error:
            raise self._failed(error) from error

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return self.shape[0] * self._row_bytes

    @property
    def ndim(self) -> int:
        """Number of axes, that of the samples included."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Array:
        """Return copies of rows: those of a slice, or those that an array of indices names, in its order.

        Raises:
            DataError: the file can not be read.
        """
        wanted = np.arange(len(self))[rows]
        found: Array = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        if found.nbytes:
            target = memoryview(_bytes(found))
            # Neighbours are read in one go.
            starts = np.flatnonzero(np.diff(wanted, prepend=wanted[0] - 2) != 1)
            ends = np.append(starts[1:], len(wanted))
            runs = list(zip(starts.tolist(), ends.tolist(), wanted[starts].tolist(), strict=True))
            self._announce(runs)
            for start, end, row in runs:
                self._read(target[start * self._row_bytes : end * self._row_bytes], row * self._row_bytes)
        return found

    def put(self, first: int, rows: Array) -> None:
        """Write rows from row ``first`` on; threads may write different ones at once."""
        left = memoryview(_bytes(np.ascontiguousarray(rows, dtype=self.dtype)))
        place = first * self._row_bytes
        while left:
            try:
                written = os.pwrite(self._file.fileno(), left, place)
            except OSError as error:
                raise self._failed(error) from error
            left, place = left[written:], place + written

    def kept(self, rows: Array) -> OnDisk:
        """Return a view of the rows that ``rows`` names, ascending; they are moved together in the file."""
        per_move = max(1, _MOVED_BYTES // max(1, self._row_bytes))
        for start in range(0, len(rows), per_move):
            some = rows[start : start + per_move]
            if len(some) and some[-1] != start + len(some) - 1:
                self.put(start, self[some])
        return self.first(len(rows))

    def first(self, count: int) -> OnDisk:
        """Return a view of the first ``count`` rows."""
        return self._view((count, *self.shape[1:]))

    def reshape(self, *shape: int) -> OnDisk:
        """Return a view in another shape; the number of rows stays."""
        return self._view(shape)

    def _view(self, shape: tuple[int, ...]) -> OnDisk:
        view = object.__new__(OnDisk)
        view.shape, view.dtype, view._file = shape, self.dtype, self._file
        view._row_bytes = math.prod(shape[1:]) * self.dtype.itemsize
        return view

    def _failed(self, error: OSError) -> TrainerError:
        if error.errno not in _FULL:
            return DataError(_broken(error.strerror or type(error).__name__))
        why = "no file may become so long here" if error.errno == errno.EFBIG else "there is no room for that"
        return DiskFullError(
            f"Memory does not hold the samples, which need {self.nbytes / 2**20:,.0f} MiB in the folder for caches: {why}."
        )

    def _announce(self, runs: list[tuple[int, int, int]]) -> None:
        if self._row_bytes >= _AHEAD_BYTES and len(runs) > 1:
            for start, end, row in runs:
                os.posix_fadvise(self._file.fileno(), row * self._row_bytes, (end - start) * self._row_bytes, os.POSIX_FADV_WILLNEED)

    def _read(self, target: memoryview, place: int) -> None:
        while target:
            try:
                count = os.preadv(self._file.fileno(), [target], place)
            except OSError as error:
                raise self._failed(error) from error
            if not count:
                raise DataError(_broken("it is shorter than it was"))
            target, place = target[count:], place + count


def _bytes(values: Array) -> Any:
    return values.reshape(-1).view(np.uint8)


def _broken(why: str) -> str:
    return f"The file that decoded samples lie in can not be used any more: {why}. The run can be resumed once that is mended."
