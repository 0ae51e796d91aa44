"""A NumPy archive (.npz): named arrays, samples first. Never unpickles."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from trainyard.linter.spec.model.dataset import Npz
from trainyard.service.trainer.data import budget, location
from trainyard.service.trainer.data.samples import Array, BadRecord, Samples, judge, shaped
from trainyard.service.trainer.data.targets import Targets, of_array
from trainyard.service.trainer.failures import DataError


def read(dataset: Npz, task: str, root: Path) -> Samples:
    """Read the arrays that the spec names; raises DataError when they are not there or are not samples."""
    path = location.find(root, dataset.path)
    arrays = _load(path, dataset)
    inputs, raw = arrays[dataset.features], arrays[dataset.target]
    if len(inputs) != len(raw):
        raise DataError(f'"{dataset.features}" has {len(inputs):,} samples and "{dataset.target}" has {len(raw):,}.')
    if not len(inputs):
        raise DataError("The dataset has no samples.")
    targets = of_array(raw, task, dataset.facts.classes)
    usable, bad = _usable(inputs, targets)
    judge(bad, dataset.bad_records, dataset.max_bad_records, "samples")
    group = dataset.split.group
    groups = tuple(arrays[group][usable].tolist()) if group else None
    plain = inputs if inputs.dtype == np.uint8 else inputs.astype(np.float32)
    kept, wanted = (plain[usable], targets.values[usable]) if bad else (plain, targets.values)
    return Samples(shaped(kept, dataset.input_shape), wanted, targets.classes, groups, bad=tuple(bad))


def _load(path: Path, dataset: Npz) -> dict[str, Array]:
    wanted = [dataset.features, dataset.target, *([dataset.split.group] if dataset.split.group else [])]
    try:
        with zipfile.ZipFile(path) as archive:
            budget.claim(2 * sum(entry.file_size for entry in archive.infolist()))
        with np.load(path, allow_pickle=False) as arrays:
            missing = [name for name in wanted if name not in arrays.files]
            if missing:
                raise DataError(f'The archive has no array "{missing[0]}"; it has: {", ".join(sorted(arrays.files))}.')
            loaded = {name: np.asarray(arrays[name]) for name in wanted}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f'"{dataset.path}" is no NumPy archive that can be read: {_plain(error, path)}.') from error
    for name, array in loaded.items():
        if array.ndim == 0:
            raise DataError(f'"{name}" is a single value, not an array of samples.')
    if loaded[dataset.features].dtype.kind not in "iufb":
        raise DataError(f'"{dataset.features}" holds {loaded[dataset.features].dtype}, not numbers.')
    return loaded


def _usable(inputs: Array, targets: Targets) -> tuple[Array, list[BadRecord]]:
    """Return (indices of usable samples, the others by number from 0)."""
    fine = np.ones(len(inputs), dtype=bool)
    for array in (inputs, targets.values):
        if array.dtype.kind == "f":
            fine &= np.isfinite(array.reshape(len(array), -1)).all(axis=1)
    bad = [BadRecord(f"sample {index}", "holds NaN or infinity") for index in np.flatnonzero(~fine).tolist()]
    return np.flatnonzero(fine), bad


def _plain(error: Exception, path: Path) -> str:
    return " ".join(str(error).split()).replace(str(path), path.name).rstrip(".")
