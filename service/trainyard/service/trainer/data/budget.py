"""Where samples lie: in memory while four fifths of what is free hold them, else in a file of their own, else nowhere.

The file has no name: it is gone with the process, however that ends. The system's page cache keeps what fits, so a set that
is a little too large costs little.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.failures import DataError

CACHE_VARIABLE = "TRAINYARD_CACHE"
# The model, the framework and one working copy of a batch want room too.
_SHARE = 0.8


def claim(size_bytes: int, available_bytes: int | None = None) -> None:
    """Raise DataError when ``size_bytes`` of samples do not fit into four fifths of the memory that is free."""
    free = psutil.virtual_memory().available if available_bytes is None else available_bytes
    if size_bytes > _SHARE * free:
        raise DataError(
            f"The dataset needs {_mebibytes(size_bytes)} MiB in memory and {_mebibytes(free)} MiB are free: "
            "use smaller images or fewer samples."
        )


def room(shape: Sequence[int], available_bytes: int | None = None) -> Array:
    """Return zeros of bytes of this shape, in memory or, where they do not fit, on disk (in the folder ``TRAINYARD_CACHE``).

    Raises:
        DataError: there is room for them in neither.
    """
    size_bytes = int(np.prod([int(axis) for axis in shape], dtype=object))
    free = psutil.virtual_memory().available if available_bytes is None else available_bytes
    if size_bytes <= _SHARE * free:
        return np.zeros(tuple(shape), dtype=np.uint8)
    folder = Path(os.environ.get(CACHE_VARIABLE) or tempfile.gettempdir())
    on_disk = shutil.disk_usage(folder).free
    if size_bytes > _SHARE * on_disk:
        raise DataError(
            f"The dataset needs {_mebibytes(size_bytes)} MiB; {_mebibytes(free)} MiB of memory and {_mebibytes(on_disk)} MiB of disk "
            f"are free: use smaller images or fewer samples, or name a larger disk in {CACHE_VARIABLE}."
        )
    with tempfile.TemporaryFile(dir=folder) as file:
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=tuple(shape))


def _mebibytes(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.0f}"
