"""Where samples lie: in memory while four fifths of what is free hold them, else in a file of their own, else nowhere.

What is free is what the kernel leaves this process: in a container, the container's memory. An operator who wants less of it
used says so in ``TRAINYARD_SAMPLE_MEMORY_MIB``. The system's page cache keeps what fits of a file, so a set that is a little
too large costs little.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import psutil

from trainyard.service.trainer.data.on_disk import OnDisk
from trainyard.service.trainer.data.samples import Array, Inputs
from trainyard.service.trainer.failures import DataError, DiskFullError

CACHE_VARIABLE, MEMORY_VARIABLE = "TRAINYARD_CACHE", "TRAINYARD_SAMPLE_MEMORY_MIB"
# The model, the framework and one working copy of a batch want room too.
_SHARE = 0.8
_MIB = 2**20
_CGROUP = Path("/sys/fs/cgroup")


class Room(Protocol):
    """A place for a number of rows that is known beforehand."""

    def put(self, first: int, rows: Array) -> None:
        """Write rows from row ``first`` on; threads may write different ones at once."""

    def kept(self, rows: Array) -> Inputs:
        """Return the rows that ``rows`` names, ascending, and let the others go."""

    def first(self, count: int) -> Inputs:
        """Return the first ``count`` rows, and let the others go."""


class _InMemory:
    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._rows = np.empty(shape, dtype)

    def put(self, first: int, rows: Array) -> None:
        self._rows[first : first + len(rows)] = rows

    def kept(self, rows: Array) -> Array:
        """Move the rows together in place: a copy of a set that hardly fits would not."""
        for place in np.flatnonzero(rows != np.arange(len(rows))).tolist():
            self._rows[place] = self._rows[rows[place]]
        return self.first(len(rows))

    def first(self, count: int) -> Array:
        return self._rows[:count]


def allowance_bytes() -> int:
    """Return how much memory samples may take now."""
    told = os.environ.get(MEMORY_VARIABLE)
    if not told:
        return int(_SHARE * _free_bytes())
    try:
        mebibytes = float(told)
    except ValueError:
        mebibytes = -1.0
    if not 0 <= mebibytes < math.inf:
        raise DataError(f"{MEMORY_VARIABLE} is a number of MiB, not {told[:40]!r}.")
    return int(mebibytes * _MIB)


def fits(size_bytes: int) -> bool:
    """Tell whether so many bytes may lie in memory."""
    return size_bytes <= allowance_bytes()


def claim(size_bytes: int, what: str) -> None:
    """Raise DataError when so many bytes of ``what`` (a plural), which has to lie in memory, do not fit."""
    if not fits(size_bytes):
        allowed = _mebibytes(allowance_bytes())
        raise DataError(f"The {what} need {_mebibytes(size_bytes)} MiB, and samples may take {allowed} MiB of the memory that is free.")


def room(shape: tuple[int, ...], dtype: Any = np.uint8) -> Room:
    """Return room for ``shape[0]`` rows in memory or, where they do not fit, on disk (in the folder ``TRAINYARD_CACHE``).

    Raises:
        DiskFullError: there is room for them in neither.
    """
    kind = np.dtype(dtype)
    size_bytes = math.prod(shape) * kind.itemsize
    if fits(size_bytes):
        return _InMemory(shape, kind)
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        on_disk = shutil.disk_usage(place).free
    except OSError as error:
        raise DataError(f"Memory does not hold the samples, and nor does the folder of {CACHE_VARIABLE}: {error.strerror}.") from error
    if size_bytes <= _SHARE * on_disk:
        return OnDisk(place, shape, kind)
    needed, allowed, free = (_mebibytes(size) for size in (size_bytes, allowance_bytes(), on_disk))
    raise DiskFullError(
        f"The dataset needs {needed} MiB; {allowed} MiB of memory may be used and {free} MiB of disk are free: "
        f"use smaller images or fewer samples, or name a larger disk in {CACHE_VARIABLE}."
    )


def folder() -> Path:
    """Return where files of samples are made."""
    return Path(os.environ.get(CACHE_VARIABLE) or tempfile.gettempdir())


def _free_bytes() -> int:
    machine = int(psutil.virtual_memory().available)
    try:
        limit = int((_CGROUP / "memory.max").read_text(encoding="ascii"))
        used = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
        # Pages of files that were read count as used and can be had back at once.
        idle = dict(line.split() for line in (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())["inactive_file"]
    except (OSError, ValueError, KeyError):
        return machine
    return max(0, min(machine, limit - max(0, used - int(idle))))


def _mebibytes(size_bytes: int) -> str:
    return f"{size_bytes / _MIB:,.0f}"
