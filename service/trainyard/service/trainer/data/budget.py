"""Refuses a dataset that the machine's memory can not hold, before it is read."""

from __future__ import annotations

import psutil

from trainyard.service.trainer.failures import DataError

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


def _mebibytes(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.0f}"
