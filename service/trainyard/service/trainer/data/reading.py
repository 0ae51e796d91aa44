"""One door to every dataset type."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainyard.linter.spec.model.dataset import Csv, Dataset, ImageDirectory, Npz, Parquet
from trainyard.service.trainer.data import archive, images, labels, table
from trainyard.service.trainer.data.samples import Array, Samples
from trainyard.service.trainer.failures import DataError


def read(dataset: Dataset, task: str, root: Path) -> Samples:
    """Read the dataset that lies under ``root``; raises DataError with a sentence about what is wrong with it."""
    samples = _read(dataset, task, root, None)
    if task == "classification":
        labels.check_several(samples.classes, np.bincount(samples.targets, minlength=len(samples.classes)).tolist())
    return samples


def read_part(dataset: Dataset, task: str, root: Path, path: str, whole: Samples) -> Samples:
    """Read a part that lies at a path of its own, in the terms (shape, classes, categories) of the dataset it belongs to."""
    part = _read(dataset._replace(path=path), task, root, whole)
    if part.inputs.shape[1:] != whole.inputs.shape[1:]:
        shapes = f"{list(part.inputs.shape[1:])}, those of the training data {list(whole.inputs.shape[1:])}"
        raise DataError(f'Samples of "{path}" have the shape {shapes}.')
    if part.classes == whole.classes:
        return part
    targets = _renumbered(part, whole, path)
    return Samples(part.inputs, targets, whole.classes, part.groups, part.columns, part.bad)


def _read(dataset: Dataset, task: str, root: Path, whole: Samples | None) -> Samples:
    match dataset:
        case ImageDirectory():
            return images.read(dataset, root, whole.classes if whole else None)
        case Npz():
            return archive.read(dataset, task, root)
        case Csv() | Parquet():
            return table.read(dataset, task, root, whole.columns if whole else None)


def _renumbered(part: Samples, whole: Samples, path: str) -> Array:
    strange = [name for name in part.classes if name not in whole.classes]
    if strange or part.targets.ndim > 1:
        raise DataError(f'"{path}" has the class "{(strange or part.classes)[0]}", which the training data has not.')
    return np.array([whole.classes.index(name) for name in part.classes], dtype=np.int32)[part.targets]
