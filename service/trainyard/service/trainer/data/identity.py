"""Which data a run learnt from: the linter's fingerprint of its files, held against the one that the spec declares."""

from __future__ import annotations

import math
import time
from pathlib import Path

from trainyard.linter.facts.budget import Budget
from trainyard.linter.facts.fingerprint import fingerprint
from trainyard.linter.spec.model.dataset import Dataset
from trainyard.service.trainer.data import location
from trainyard.service.trainer.failures import DataError

# Reading a large set a second time is worth so much, where nobody declared what it must be.
_SECONDS = 10.0


def identify(dataset: Dataset, root: Path) -> str | None:
    """Return the SHA-256 over the dataset's files; None when that takes too long and the spec declares none.

    Raises:
        DataError: the spec declares another one, or a file can not be read.
    """
    declared = None if dataset.facts.fingerprint is None else dataset.facts.fingerprint.lower().removeprefix("sha256:")
    budget = Budget(_SECONDS if declared is None else math.inf, time.monotonic)
    try:
        found = fingerprint(location.find(root, dataset.path), budget)
    except OSError as error:
        raise DataError(f'"{dataset.path}" can not be read: {error.strerror or type(error).__name__}.') from error
    if declared is not None and found != declared:
        raise DataError(
            f"The data is not what the spec says: dataset.facts.fingerprint is {declared[:12]}…, and this data has {str(found)[:12]}…."
        )
    return found
