"""Tables (CSV, Parquet): columns into one float32 matrix and a target.

A column is a number or, when the spec lists it as categorical, a one-hot group over its sorted values. A row with a
hole, a NaN or a word where a number belongs is a bad record. Rows are numbered as an editor shows them: the header is
row 1 in CSV; Parquet, which has no header, counts from 1.

Whether memory holds the table or not, it is taken stretch by stretch, so that both ways are one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trainyard.linter.spec.model.dataset import Csv, Parquet
from trainyard.service.trainer.data import budget, columns, labels, location, table_file
from trainyard.service.trainer.data.samples import Array, BadRecord, Column, Samples, judge, shaped
from trainyard.service.trainer.data.table_file import TableFile
from trainyard.service.trainer.data.targets import of_array, of_texts
from trainyard.service.trainer.failures import DataError

_STRETCH_BYTES = 16 * 1024 * 1024
_QUANTITIES = frozenset({"regression", "multilabel"})


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the spec takes of a table; ``as_texts``: the target is a label, and read as it is written."""

    features: tuple[str, ...]
    categorical: frozenset[str]
    targets: tuple[str, ...]
    task: str
    group: str | None
    as_texts: bool

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.features, *self.targets, *([self.group] if self.group else []))))

    @property
    def numbers(self) -> tuple[str, ...]:
        plain = tuple(name for name in self.features if name not in self.categorical)
        return plain + (self.targets if self.task in _QUANTITIES else ())


@dataclass(frozen=True, slots=True)
class _Unusable:
    """The rows that a column makes bad: one flag per row."""

    name: str
    rows: Array
    why: str


@dataclass(slots=True)
class _Gathered:
    """What is gathered beside the inputs: targets, groups and bad rows; ``texts`` keeps one copy of each label."""

    targets: list[list[Array]] = field(default_factory=list)
    groups: list[object] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)


def read(dataset: Csv | Parquet, task: str, root: Path, known: tuple[Column, ...] | None = None) -> Samples:
    """Read a table; ``known`` are the columns of the training table when this is a part of its own.

    Raises:
        DataError: not there, a column that is missing or of the wrong kind, or too many bad rows.
        DiskFullError: the samples fit neither into memory nor on disk.
    """
    file, wanted = _open(dataset, task, root)
    rows, broken = file.rows(wanted.names), file.bad(wanted.names)
    if not rows and not broken:
        raise DataError("The dataset has no samples.")
    inputs = _columns(file, wanted, {column.name: column.categories for column in known or ()})
    width = sum(len(column.categories) or 1 for column in inputs)
    room, gathered, count = budget.room((rows, width), np.float32), _Gathered(), 0
    for table, numbers in _stretches(file, wanted.names, width):
        matrix = _take(table, numbers, wanted, inputs, gathered)
        room.put(count, matrix)
        count += len(matrix)
    bad = [*broken, *gathered.bad]
    judge(bad, dataset.bad_records, dataset.max_bad_records, "rows")
    if not count:
        raise DataError("The dataset has no samples.")
    raw = [np.concatenate(parts) for parts in zip(*gathered.targets, strict=True)]
    declared = dataset.facts.classes
    found = of_texts(raw[0].tolist(), declared) if wanted.as_texts else of_array(_stack(raw), task, declared)
    classes = wanted.targets if len(raw) > 1 and found.classes else found.classes
    groups = None if wanted.group is None else tuple(gathered.groups)
    return Samples(shaped(room.first(count), dataset.input_shape), found.values, classes, groups, inputs, tuple(bad))


def _open(dataset: Csv | Parquet, task: str, root: Path) -> tuple[TableFile, _Wanted]:
    targets = (dataset.target,) if isinstance(dataset.target, str) else dataset.target
    as_texts = task == "classification" and len(targets) == 1
    file = table_file.load(dataset, location.find(root, dataset.path), targets if as_texts else ())
    features = dataset.features or _all_features(file.names, dataset, targets)
    wanted = _Wanted(features, frozenset(dataset.categorical), targets, task, dataset.split.group, as_texts)
    _check_columns(file.names, (*features, *targets, *dataset.categorical, *wanted.names))
    return file, wanted


def _columns(file: TableFile, wanted: _Wanted, known: dict[str, tuple[str, ...]]) -> tuple[Column, ...]:
    """Return the columns that go in, with their categories."""
    types = file.types(wanted.names)
    for name in wanted.targets if wanted.as_texts else ():
        columns.check_words(name, types[name])
    words = [name for name in wanted.features if name in wanted.categorical and not known.get(name)]
    survey = columns.Survey(wanted.numbers, words, types)
    if survey.curious:
        for chunk in file.chunks(wanted.names):
            survey.look(chunk.table)
    categories = {**known, **survey.categories()}
    return tuple(Column(name, categories[name] if name in wanted.categorical else ()) for name in wanted.features)


def _stretches(file: TableFile, names: Sequence[str], width: int) -> Iterator[tuple[pa.Table, Array]]:
    """Yield rows and their numbers, as many at once as are a few MiB of inputs."""
    most = max(1, _STRETCH_BYTES // (4 * width))
    for chunk in file.chunks(names):
        for start in range(0, len(chunk.table), most):
            yield chunk.table.slice(start, most), chunk.row_numbers[start : start + most]


def _take(rows: pa.Table, row_numbers: Array, wanted: _Wanted, inputs: tuple[Column, ...], gathered: _Gathered) -> Array:
    """Return the inputs of the rows that can be used; everything else about them is gathered."""
    values = [_values(rows.column(column.name), column) for column in inputs]
    raw = [_labels(rows, name, gathered.texts) if wanted.as_texts else _target(rows, name, wanted.task) for name in wanted.targets]
    unusable = [
        _Unusable(
            column.name,
            np.asarray(np.isnan(some).any(axis=1)),
            "is empty or no known category" if column.categories else "is no finite number",
        )
        for column, some in zip(inputs, values, strict=True)
    ]
    unusable += _holes(rows, wanted.targets, raw, wanted.task)
    gathered.bad += _bad_rows(unusable, row_numbers)
    fine = np.flatnonzero(~np.logical_or.reduce([column.rows for column in unusable]))
    gathered.targets.append([one[fine] for one in raw])
    if wanted.group is not None:
        gathered.groups += rows.column(wanted.group).take(pa.array(fine)).to_pylist()
    return np.concatenate([some[fine] for some in values], axis=1, dtype=np.float32)


def _values(values: pa.ChunkedArray, column: Column) -> Array:
    return columns.one_hot(values, column) if column.categories else columns.numbers(values).reshape(-1, 1)


def _all_features(names: Sequence[str], dataset: Csv | Parquet, targets: tuple[str, ...]) -> tuple[str, ...]:
    others = {*targets, dataset.split.group}
    return tuple(name for name in names if name not in others)


def _check_columns(names: Sequence[str], wanted: tuple[str, ...]) -> None:
    if len(set(names)) < len(names):
        raise DataError("Two columns of the table have the same name.")
    for name in wanted:
        if name not in names:
            raise DataError(f'The table has no column "{name}"; it has: {_listed(names)}.')
    if not wanted:
        raise DataError("The table has no feature columns.")


def _target(rows: pa.Table, name: str, task: str) -> Array:
    column = rows.column(name)
    if task in _QUANTITIES:
        return columns.numbers(column)
    kept = column.fill_null(0) if column.null_count and not pa.types.is_string(column.type) else column
    return np.asarray(kept.to_pylist())


def _labels(rows: pa.Table, name: str, seen: dict[str, str]) -> Array:
    """Return the label of each row as the linter reads it, an empty text where there is none."""
    texts = ["" if value is None else str(value).strip() for value in rows.column(name).to_pylist()]
    none = labels.missing(set(texts))
    found = np.array(["" if text in none else seen.setdefault(text, text) for text in texts], dtype=object)
    labels.check_number(seen)
    return found


def _holes(rows: pa.Table, targets: tuple[str, ...], raw: list[Array], task: str) -> Iterator[_Unusable]:
    for name, values in zip(targets, raw, strict=True):
        missing: Array = np.asarray(pc.is_null(rows.column(name), nan_is_null=True).to_numpy(zero_copy_only=False))
        if task in _QUANTITIES:
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


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
