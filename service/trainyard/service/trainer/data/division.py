"""Training, validation and test parts of a dataset, without copying a sample.

Which sample goes where is decided by ``trainyard.linter.estimate.split``, the same function that plan and rules count
with. Everything that is learnt from data (scaling, class weights) is learnt from the training part.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainyard.linter.estimate.split import assign
from trainyard.linter.spec.model.dataset import Dataset
from trainyard.linter.spec.model.dataset import Part as DeclaredPart
from trainyard.service.trainer.data import reading
from trainyard.service.trainer.data.samples import Array, BadRecord, Inputs, Samples
from trainyard.service.trainer.failures import DataError


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the samples: ``inputs[indices]`` and ``targets[indices]``."""

    inputs: Inputs
    targets: Array
    indices: Array

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, slots=True)
class Division:
    """The parts, and what the whole dataset says about them; ``whole`` is the dataset as read."""

    train: Part
    validation: Part | None
    test: Part | None
    whole: Samples
    bad: tuple[BadRecord, ...]

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Training samples per class; empty for regression."""
        if not self.whole.classes:
            return ()
        targets = self.train.targets[self.train.indices]
        if targets.ndim == 1:
            return tuple(np.bincount(targets, minlength=len(self.whole.classes)).tolist())
        return tuple(targets.sum(axis=0, dtype=np.int64).tolist())


def read(dataset: Dataset, task: str, root: Path) -> Division:
    """Read a dataset and divide it as the spec says; raises DataError, also for a part that stays empty."""
    whole = reading.read(dataset, task, root)
    single = whole.targets.ndim == 1
    labels = whole.targets.tolist() if single else [0] * len(whole)
    parts = assign(dataset.split, labels, len(whole.classes) if single else 1, whole.groups)
    bad = list(whole.bad)

    def part(name: str, declared: DeclaredPart | None, indices: tuple[int, ...]) -> Part | None:
        if declared is None:
            return None
        if declared.path is None:
            return _filled(name, Part(whole.inputs, whole.targets, np.asarray(indices, dtype=np.int64)))
        own = reading.read_part(dataset, task, root, declared.path, whole)
        bad.extend(own.bad)
        return _filled(name, Part(own.inputs, own.targets, np.arange(len(own))))

    train = _filled("training", Part(whole.inputs, whole.targets, np.asarray(parts.train, dtype=np.int64)))
    validation = part("validation", dataset.split.validation, parts.validation)
    test = part("test", dataset.split.test, parts.test)
    return Division(train, validation, test, whole, tuple(bad))


def _filled(name: str, part: Part) -> Part:
    if not len(part):
        raise DataError(f"The split leaves no samples for the {name} part.")
    return part
