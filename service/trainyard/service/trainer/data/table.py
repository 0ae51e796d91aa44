"""Tables (CSV, Parquet): columns into one float32 matrix and a target.

A column is a number or, when the spec lists it as categorical, a one-hot group over its sorted values. A row with a
hole, a NaN or a word where a number belongs is a bad record. Rows are numbered as an editor shows them: the header is
row 1 in CSV; Parquet, which has no header, counts from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trainyard.linter.spec.model.dataset import Csv, Parquet
from trainyard.service.trainer.data import budget, labels, location, table_file
from trainyard.service.trainer.data.samples import Array, BadRecord, Column, Samples, judge, shaped
from trainyard.service.trainer.data.targets import of_array, of_texts
from trainyard.service.trainer.failures import DataError

_MOST_CATEGORIES = 10_000


@dataclass(frozen=True, slots=True)
class _Input:
    """One column turned into ``(rows, width)`` float32; NaN where a value can not be used."""

    column: Column
    values: Array
    why: str


@dataclass(frozen=True, slots=True)
class _Unusable:
    """The rows that a column makes bad: one flag per row."""

    name: str
    rows: Array
    why: str


def read(dataset: Csv | Parquet, task: str, root: Path, known: tuple[Column, ...] | None = None) -> Samples:
    """Read a table; ``known`` are the columns of the training table when this is a part of its own.

    Raises:
        DataError: not there, a column that is missing or of the wrong kind, or too many bad rows.
    """
    targets = (dataset.target,) if isinstance(dataset.target, str) else dataset.target
    as_texts = task == "classification" and len(targets) == 1
    found = table_file.load(dataset, location.find(root, dataset.path), targets if as_texts else ())
    rows = found.table
    features = dataset.features or _all_features(rows, dataset, targets)
    _check_columns(rows, (*features, *targets, *dataset.categorical))
    if not len(rows) and not found.bad:
        raise DataError("The dataset has no samples.")
    categories = {column.name: column.categories for column in known or ()}
    inputs = [_input(rows, name, name in dataset.categorical, categories.get(name)) for name in features]
    budget.claim(2 * len(rows) * 4 * sum(one.values.shape[1] for one in inputs))
    raw = [_labels(rows, targets[0])] if as_texts else [_target(rows, name, task) for name in targets]
    unusable = [_Unusable(one.column.name, np.asarray(np.isnan(one.values).any(axis=1)), one.why) for one in inputs]
    unusable += _holes(rows, targets, raw, task)
    bad = [*found.bad, *_bad_rows(unusable, found.row_numbers)]
    judge(bad, dataset.bad_records, dataset.max_bad_records, "rows")
    fine = np.flatnonzero(~np.logical_or.reduce([column.rows for column in unusable]))
    if not len(fine):
        raise DataError("The dataset has no samples.")
    declared = dataset.facts.classes
    wanted = of_texts(raw[0][fine].tolist(), declared) if as_texts else of_array(_stack([one[fine] for one in raw]), task, declared)
    classes = targets if len(targets) > 1 and wanted.classes else wanted.classes
    matrix = np.concatenate([one.values[fine] for one in inputs], axis=1, dtype=np.float32)
    groups = _groups(rows, dataset.split.group, fine)
    columns = tuple(one.column for one in inputs)
    return Samples(shaped(matrix, dataset.input_shape), wanted.values, classes, groups, columns, tuple(bad))


def _all_features(rows: pa.Table, dataset: Csv | Parquet, targets: tuple[str, ...]) -> tuple[str, ...]:
    others = {*targets, dataset.split.group}
    return tuple(name for name in rows.column_names if name not in others)


def _check_columns(rows: pa.Table, wanted: tuple[str, ...]) -> None:
    if len(set(rows.column_names)) < len(rows.column_names):
        raise DataError("Two columns of the table have the same name.")
    for name in wanted:
        if name not in rows.column_names:
            raise DataError(f'The table has no column "{name}"; it has: {_listed(rows.column_names)}.')
    if not wanted:
        raise DataError("The table has no feature columns.")


def _input(rows: pa.Table, name: str, categorical: bool, known: tuple[str, ...] | None) -> _Input:
    column = rows.column(name)
    if categorical:
        return _one_hot(name, column, known)
    return _Input(Column(name), _numbers(name, column).reshape(-1, 1), "is no finite number")


def _one_hot(name: str, column: pa.ChunkedArray, known: tuple[str, ...] | None) -> _Input:
    words = np.asarray(pc.cast(column, pa.string()).fill_null("").to_pylist(), dtype=str)
    categories = known or tuple(str(word) for word in np.unique(words) if word)
    if len(categories) > _MOST_CATEGORIES:
        raise DataError(f'Column "{name}" has {len(categories):,} different values: too many for a categorical one.')
    place = np.searchsorted(categories, words).clip(0, max(0, len(categories) - 1))
    unknown = np.asarray(categories)[place] != words if categories else np.ones(len(words), dtype=bool)
    values = np.zeros((len(words), len(categories)), dtype=np.float32)
    values[np.arange(len(words)), place] = 1.0
    values[unknown] = np.nan
    return _Input(Column(name, categories), values, "is empty or no known category")


def _numbers(name: str, column: pa.ChunkedArray) -> Array:
    """Return float32 numbers, NaN where there is none; raises DataError when the column holds words or dates."""
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        plain = pc.cast(column, pa.float64(), safe=False)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        plain = _parsed(name, column)
    elif pa.types.is_null(kind):
        raise DataError(f'Column "{name}" is empty.')
    else:
        raise DataError(f'Column "{name}" holds {kind}; numbers are understood, and words when listed in dataset.categorical.')
    with np.errstate(over="ignore"):
        numbers = np.asarray(plain.to_numpy(zero_copy_only=False)).astype(np.float32)
    return np.where(np.isfinite(numbers), numbers, np.float32(np.nan))


def _parsed(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Read the words of a column as numbers where they are some: one stray word makes pyarrow take a column for text."""
    words = column.to_pylist()
    numbers = [_number(word) for word in words]
    if all(number is None for number in numbers):
        example = next((word for word in words if word), "")
        raise DataError(
            f'Column "{name}" holds text ("{example[:40]}"): list it in dataset.categorical or leave it out of dataset.features.'
        )
    return pa.chunked_array([pa.array(numbers, pa.float64())])


def _number(word: str | None) -> float | None:
    try:
        return float(word) if word else None
    except ValueError:
        return None


def _target(rows: pa.Table, name: str, task: str) -> Array:
    column = rows.column(name)
    if task in {"regression", "multilabel"}:
        return _numbers(name, column)
    kept = column.fill_null(0) if column.null_count and not pa.types.is_string(column.type) else column
    return np.asarray(kept.to_pylist())


def _labels(rows: pa.Table, name: str) -> Array:
    """Return the label of each row as the linter reads it, an empty text where there is none."""
    texts = ["" if value is None else str(value).strip() for value in rows.column(name).to_pylist()]
    none = labels.missing(set(texts))
    return np.array(["" if text in none else text for text in texts], dtype=object)


def _holes(rows: pa.Table, targets: tuple[str, ...], raw: list[Array], task: str) -> Iterator[_Unusable]:
    for name, values in zip(targets, raw, strict=True):
        missing: Array = np.asarray(pc.is_null(rows.column(name), nan_is_null=True).to_numpy(zero_copy_only=False))
        if task in {"regression", "multilabel"}:
            yield _Unusable(name, np.logical_or(missing, ~np.isfinite(values)), "is no finite number")
        else:
            yield _Unusable(name, np.logical_or(missing, _blank(values)), "is an empty label")


def _blank(values: Array) -> Array:
    return np.asarray(values == "") if values.dtype.kind in "OSU" else np.zeros(len(values), dtype=bool)


def _bad_rows(unusable: list[_Unusable], row_numbers: Array) -> list[BadRecord]:
    """Name each bad row once, by its first bad column, in the order of the file."""
    found: dict[int, BadRecord] = {}
    for column in unusable:
        for row in np.flatnonzero(column.rows).tolist():
            found.setdefault(row, BadRecord(f"row {row_numbers[row]}", f'column "{column.name}" {column.why}'))
    return [found[row] for row in sorted(found)]


def _stack(raw: list[Array]) -> Array:
    return raw[0] if len(raw) == 1 else np.stack(raw, axis=1)


def _groups(rows: pa.Table, group: str | None, fine: Array) -> tuple[object, ...] | None:
    if group is None:
        return None
    _check_columns(rows, (group,))
    values = rows.column(group).to_pylist()
    return tuple(values[row] for row in fine.tolist())


def _listed(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
