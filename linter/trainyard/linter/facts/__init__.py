"""What the data is, read from disk within a time budget. Called by the command line and the server only.

``read`` is the front door. Nothing here raises for what lies on the disk: what stands in the way is a problem
inside the facts, in words that name no place outside the data root.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trainyard.linter.facts.model import FATAL, Column, Facts, Images, Problem, Trouble

if TYPE_CHECKING:
    from trainyard.linter.facts.budget import Budget
    from trainyard.linter.facts.cache import Cache
    from trainyard.linter.spec.model.dataset import Dataset, Part

__all__ = ["FATAL", "Column", "Facts", "Images", "Problem", "Trouble", "read"]


def read(
    dataset: Dataset,
    root: Path | None,
    budget_seconds: float,
    *,
    deep: bool = False,
    clock: Callable[[], float] = time.monotonic,
    cache: Cache | None = None,
) -> Facts:
    """Return what lies at ``dataset.path`` below ``root``; ``root`` is ``None`` where no data root is known.

    Ends soon after ``budget_seconds`` by ``clock``, and what was not counted by then is unknown. ``deep`` opens every
    image instead of a sample. Image folders, csv and npz need no library (sizes of images: Pillow); Parquet needs pyarrow.
    What was read before and has not changed since comes from ``cache``.
    """
    from trainyard.linter.facts.budget import Budget

    if root is None:
        message = f"'{dataset.path}' was not read: no data root is configured."
        return Facts(dataset.type, dataset.path, problems=(Problem(Trouble.NO_ROOT, dataset.path, message),), complete=False)
    budget = Budget(budget_seconds, clock)
    found = _read_one(dataset, root, budget, deep=deep, cache=cache)
    parts = {
        name: _read_one(dataset._replace(path=part.path), root, budget, deep=deep, cache=cache)
        for name, part in _parts(dataset).items()
        if part is not None and part.path is not None
    }
    return found._replace(parts=parts) if parts else found


def _parts(dataset: Dataset) -> dict[str, Part | None]:
    return {"validation": dataset.split.validation, "test": dataset.split.test}


def _read_one(dataset: Dataset, root: Path, budget: Budget, *, deep: bool, cache: Cache | None) -> Facts:
    from trainyard.linter.facts.model import FactsError
    from trainyard.linter.facts.paths import locate

    try:
        place = locate(root, dataset.path)
        key = None if cache is None else cache.key(dataset, place, budget, deep=deep)
        kept = None if cache is None or key is None else cache.get(key)
        if kept is not None:
            return kept
        found = _read_kind(dataset, place, root, budget, deep=deep)
        # Data that changed while it was read is kept under neither state.
        if cache is not None and key is not None and key == cache.key(dataset, place, budget, deep=deep):
            cache.put(key, found)
    except FactsError as error:
        return Facts(dataset.type, dataset.path, problems=(error.problem,), complete=False)
    return found


def _read_kind(dataset: Dataset, place: Path, root: Path, budget: Budget, *, deep: bool) -> Facts:
    from trainyard.linter.facts import archives, images, parquet, tables
    from trainyard.linter.spec.model.dataset import Csv, ImageDirectory, Npz

    match dataset:
        case ImageDirectory():
            return images.read(dataset, place, root, budget, deep=deep)
        case Csv():
            return tables.read(dataset, place, budget)
        case Npz():
            return archives.read(dataset, place, budget)
        case _:
            return parquet.read(dataset, place, budget)
