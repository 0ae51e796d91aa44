"""Where a dataset lies: by the linter's own reading of a path, so that both look at the same files."""

from __future__ import annotations

from pathlib import Path

from trainyard.linter.facts.model import FactsError
from trainyard.linter.facts.paths import locate
from trainyard.service.trainer.failures import DataError


def find(root: Path, relative: str) -> Path:
    """Return the real path of ``relative`` under ``root``; raises DataError when it leaves the root or is not there."""
    try:
        return locate(root, relative)
    except FactsError as error:
        raise DataError(error.problem.message) from error
