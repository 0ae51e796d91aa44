"""How far the running epoch is: the latest value of a file that the trainer replaces. Never stored, never replayed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Progress:
    """Steps done of the steps of the running epoch, and the running metrics."""

    epoch: int
    step: int
    steps: int
    metrics: Mapping[str, float]


def read(path: Path) -> Progress | None:
    """Return what progress.json says; None when it is missing or says nothing that makes sense."""
    try:
        with path.open("rb") as file:
            record = json.loads(file.read(MAX_BYTES))
        metrics = {str(name): float(value) for name, value in record.get("metrics", {}).items()}
        return Progress(_count(record["epoch"]), _count(record["step"]), _count(record["steps"]), metrics)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None


def _count(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**31:
        raise TypeError(f"{value!r} is no count")
    return value
