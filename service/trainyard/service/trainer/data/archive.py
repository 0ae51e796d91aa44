"""A NumPy archive (.npz): named arrays, samples first. Never unpickles."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from trainyard.linter.spec.model.dataset import Npz
from trainyard.service.trainer.data import budget, location, members
from trainyard.service.trainer.data.members import Member
from trainyard.service.trainer.data.samples import Array, BadRecord, Samples, judge, shaped
from trainyard.service.trainer.data.targets import of_array
from trainyard.service.trainer.failures import DataError


def read(dataset: Npz, task: str, root: Path) -> Samples:
    """Read the arrays that the spec names; targets and groups always lie in memory.

    Raises:
        DataError: they are not there or are not samples.
        DiskFullError: the samples fit neither into memory nor on disk.
    """
    path = location.find(root, dataset.path)
    with _named(dataset, path):
        inputs = _find(path, dataset.features)
        raw = _whole(path, dataset.target)
        group = None if dataset.split.group is None else _whole(path, dataset.split.group)
        if inputs.dtype.kind not in "iufb":
            raise DataError(f'"{dataset.features}" holds {inputs.dtype}, not numbers.')
        if inputs.shape[0] != len(raw):
            raise DataError(f'"{dataset.features}" has {inputs.shape[0]:,} samples and "{dataset.target}" has {len(raw):,}.')
        if not len(raw):
            raise DataError("The dataset has no samples.")
        targets = of_array(raw, task, dataset.facts.classes)
        room = budget.room(inputs.shape, np.uint8 if inputs.dtype == np.uint8 else np.float32)
        fine, start = _finite(targets.values), 0
        for rows in inputs.rows():
            with np.errstate(over="ignore"):  # what 32 bits can not hold becomes infinite
                taken = rows if rows.dtype == np.uint8 else rows.astype(np.float32)
            fine[start : start + len(rows)] &= _finite(taken)
            room.put(start, taken)
            start += len(rows)
    bad = [BadRecord(f"sample {index}", "holds NaN or infinity") for index in np.flatnonzero(~fine).tolist()]
    judge(bad, dataset.bad_records, dataset.max_bad_records, "samples")
    usable = np.flatnonzero(fine)
    groups = None if group is None else tuple(group[usable].tolist())
    wanted = targets.values[usable] if bad else targets.values
    return Samples(shaped(room.kept(usable), dataset.input_shape), wanted, targets.classes, groups, bad=tuple(bad))


@contextmanager
def _named(dataset: Npz, path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
        text = " ".join(str(error).split()).replace(str(path), path.name).rstrip(".")
        raise DataError(f'"{dataset.path}" is no NumPy archive that can be read: {text}.') from error


def _find(path: Path, name: str) -> Member:
    found = members.names(path)
    if name not in found:
        raise DataError(f'The archive has no array "{name}"; it has: {", ".join(sorted(found))}.')
    member = Member(path, name)
    if not member.shape:
        raise DataError(f'"{name}" is a single value, not an array of samples.')
    return member


def _whole(path: Path, name: str) -> Array:
    """Return an array that has to lie in memory."""
    member = _find(path, name)
    # Once as it is and once as the trainer wants it.
    budget.claim(2 * member.nbytes, f'values of "{name}"')
    parts = list(member.rows())
    return np.concatenate(parts) if parts else np.empty(member.shape, member.dtype)


def _finite(rows: Array) -> Array:
    if rows.dtype.kind != "f":
        return np.ones(len(rows), dtype=bool)
    return np.asarray(np.isfinite(rows.reshape(len(rows), -1)).all(axis=1))
