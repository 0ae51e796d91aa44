"""One array inside a NumPy archive, read row by row: neither the archive nor the array has to fit into memory.

An archive is a zip of .npy files; their header says type, shape and order. Object arrays, which are pickles, are refused.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from trainyard.service.trainer.data import budget
from trainyard.service.trainer.data.samples import Array

_STRETCH_BYTES = 16 * 1024 * 1024


class Member:
    """The array ``name`` of the archive at ``path``.

    Raises:
        ValueError, OSError, zipfile.BadZipFile, EOFError: it can not be read; also from ``rows``.
        KeyError: there is no such array.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._file_name = f"{name}.npy"
        with zipfile.ZipFile(path) as archive, self._open(archive) as file:
            self.shape, self._transposed, self.dtype = _header(file)
        if self.dtype.hasobject:
            raise ValueError("Object arrays cannot be loaded when allow_pickle=False")

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return math.prod(self.shape) * self.dtype.itemsize

    def rows(self) -> Iterator[Array]:
        """Yield the rows from first to last, some MiB at once."""
        if self._transposed and len(self.shape) > 1:
            yield from self._columns_first()
            return
        row_bytes = max(1, math.prod(self.shape[1:]) * self.dtype.itemsize)
        most = max(1, _STRETCH_BYTES // row_bytes)
        with zipfile.ZipFile(self._path) as archive, self._open(archive) as file:
            _header(file)
            for start in range(0, self.shape[0], most):
                yield self._read(file, (min(most, self.shape[0] - start), *self.shape[1:]))

    def _columns_first(self) -> Iterator[Array]:
        """Lay an array in Fortran's order, column after column, aside, and gather rows from there."""
        count, columns = self.shape[0], math.prod(self.shape[1:])
        room = budget.room((columns * count,), self.dtype)
        piece = max(1, _STRETCH_BYTES // self.dtype.itemsize)
        with zipfile.ZipFile(self._path) as archive, self._open(archive) as file:
            _header(file)
            for start in range(0, columns * count, piece):
                room.put(start, self._read(file, (min(piece, columns * count - start),)))
        laid = room.first(columns * count)
        most = max(1, _STRETCH_BYTES // max(1, columns * self.dtype.itemsize))
        for start in range(0, count, most):
            end = min(start + most, count)
            some = np.stack([laid[column * count + start : column * count + end] for column in range(columns)])
            yield np.ascontiguousarray(some.reshape((*self.shape[1:][::-1], end - start)).T)

    def _read(self, file: IO[bytes], shape: tuple[int, ...]) -> Array:
        size = math.prod(shape) * self.dtype.itemsize
        raw = file.read(size)
        if len(raw) < size:
            raise EOFError(f"the array ends after {len(raw):,} of {size:,} bytes")
        return np.frombuffer(raw, self.dtype).reshape(shape)

    def _open(self, archive: zipfile.ZipFile) -> IO[bytes]:
        names = archive.namelist()
        return archive.open(self._file_name if self._file_name in names else self._file_name.removesuffix(".npy"))


def names(path: Path) -> tuple[str, ...]:
    """Return the names of the arrays in an archive, as NumPy calls them."""
    with zipfile.ZipFile(path) as archive:
        return tuple(name.removesuffix(".npy") for name in archive.namelist())


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(file)  # type: ignore[no-untyped-call,unused-ignore] # NumPy leaves it untyped
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"version {version[0]}.{version[1]} of the format .npy is not known")
    shape, transposed, dtype = read(file)  # type: ignore[no-untyped-call,unused-ignore] # as above
    return shape, bool(transposed), dtype
