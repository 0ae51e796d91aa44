"""Reads what the data is, for specs whose data root is configured."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.linter.facts.cache import Cache
    from trainyard.linter.facts.model import Facts
    from trainyard.linter.spec.model.architecture import Model
    from trainyard.linter.spec.model.dataset import Dataset

#: Long enough to list a hundred thousand images on a slow disk; what takes longer is left unknown.
BUDGET_SECONDS = 10.0


def read(dataset: Dataset, root: str) -> Facts:
    """Return what lies at the dataset's path below ``root``.

    Raises:
        Refusal: when the root is no folder.
    """
    if not os.path.isdir(root):  # noqa: PTH112 - pathlib is left out of the cold start
        raise Refusal(f"the data root {root} is no folder")
    from pathlib import Path

    from trainyard.linter import facts

    return facts.read(dataset, Path(root), BUDGET_SECONDS, cache=cache())


def with_starts(found: Facts, model: Model, root: str) -> Facts:
    """Return the facts, and with them which of the weights that the model starts from are not below ``root``."""
    if getattr(model, "initial", None) is None and getattr(model, "weights", None) is None:
        return found
    from pathlib import Path

    from trainyard.linter.facts.starting import absent

    return found._replace(starts=tuple(absent(model, Path(root))))


def cache() -> Cache | None:
    """Return this user's cache of facts; ``None`` where the system names no place for one."""
    import sys

    from trainyard.linter.facts.cache import Cache, folder

    place = folder(os.environ, sys.platform)
    return None if place is None else Cache(place)
