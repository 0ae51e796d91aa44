"""Opens CSV and Parquet files as Arrow tables. Knows their syntax, not what the columns mean.

A table that memory holds is one chunk, a larger one many, of the same types and in the same order.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

from trainyard.linter.spec.model.dataset import Csv, Parquet
from trainyard.service.trainer.data import budget, csv_types
from trainyard.service.trainer.data.samples import Array, BadRecord
from trainyard.service.trainer.failures import DataError

# Arrow holds the text of a CSV file, its columns, and one of them more than once while the trainer reads them.
_CSV_COPIES, _PARQUET_COPIES = 3, 2
_CELL_BYTES = 8
_PARQUET_ROWS, _PARQUET_BYTES = 65_536, 8 * 1024 * 1024
# Of every column that is read at once.
_BUFFER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that follow each other, and the number that a person gives each of them."""

    table: pa.Table
    row_numbers: Array


class TableFile(Protocol):
    """A table that can be read several times, from its first row to its last."""

    @property
    def names(self) -> Sequence[str]:
        """All columns."""

    def types(self, wanted: Sequence[str]) -> dict[str, pa.DataType]:
        """Return the Arrow types of these columns over all rows."""

    def rows(self, wanted: Sequence[str]) -> int:
        """Return how many rows ``chunks`` yields."""

    def bad(self, wanted: Sequence[str]) -> tuple[BadRecord, ...]:
        """Return the rows that are no rows."""

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """Yield the rows with these columns (more may come along)."""


def load(dataset: Csv | Parquet, path: Path, texts: tuple[str, ...] = ()) -> TableFile:
    """Open the file; ``texts`` are columns of which every digit counts (labels: "01" is not "1").

    Raises:
        DataError: it is not what the spec says; also from every method of what is returned.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no ordinary file"
        raise DataError(f'"{dataset.path}" is {what}; a {dataset.type} dataset is one file.')
    with _named(dataset, path):
        if isinstance(dataset, Csv):
            return _csv(dataset, path, texts)
        file = arrow_parquet.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        cells = file.metadata.num_rows * file.metadata.num_columns
        if budget.fits(_PARQUET_COPIES * max(cells * _CELL_BYTES, path.stat().st_size)):
            table = _plain(file.read())
            return _Whole(Chunk(table, _numbers(1, len(table))))
        return _ParquetFile(dataset, path, file)


@contextmanager
def _named(dataset: Csv | Parquet, path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, csv.Error) as error:
        text = " ".join(str(error).split()).replace(str(path), path.name).rstrip(".")
        raise DataError(f'"{dataset.path}" can not be read as {dataset.type}: {text[:300]}.') from error


def _csv(dataset: Csv, path: Path, texts: tuple[str, ...]) -> TableFile:
    if not budget.fits(_CSV_COPIES * path.stat().st_size):
        return _CsvFile(dataset, path, texts)
    broken: dict[int, str] = {}
    table = arrow_csv.read_csv(
        path,
        read_options=csv_types.ONE_THREAD,
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in _header(path, dataset.delimiter) if name.strip() in texts}
        ),
        parse_options=csv_types.parsing(dataset.delimiter, broken),
    )
    table = table.rename_columns([name.strip() for name in table.column_names])
    return _Whole(Chunk(table, _numbers(2, len(table), _sorted(broken))), _records(broken))


def _header(path: Path, delimiter: str) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file, delimiter=delimiter), [])


@dataclass(frozen=True, slots=True)
class _Whole:
    chunk: Chunk
    broken: tuple[BadRecord, ...] = ()

    @property
    def names(self) -> Sequence[str]:
        return list(self.chunk.table.column_names)

    def types(self, wanted: Sequence[str]) -> dict[str, pa.DataType]:
        return {name: self.chunk.table.schema.field(name).type for name in wanted}

    def rows(self, wanted: Sequence[str]) -> int:
        del wanted
        return len(self.chunk.table)

    def bad(self, wanted: Sequence[str]) -> tuple[BadRecord, ...]:
        del wanted
        return self.broken

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        del wanted
        yield self.chunk


@dataclass(frozen=True, slots=True)
class _ParquetFile:
    dataset: Parquet
    path: Path
    file: arrow_parquet.ParquetFile

    @property
    def names(self) -> Sequence[str]:
        return list(self.file.schema_arrow.names)

    def types(self, wanted: Sequence[str]) -> dict[str, pa.DataType]:
        return {name: _meant(self.file.schema_arrow.field(name).type) for name in wanted}

    def rows(self, wanted: Sequence[str]) -> int:
        del wanted
        return int(self.file.metadata.num_rows)

    def bad(self, wanted: Sequence[str]) -> tuple[BadRecord, ...]:
        del wanted
        return ()

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        first = 1
        per_chunk = max(1, min(_PARQUET_ROWS, _PARQUET_BYTES // (_CELL_BYTES * max(1, len(wanted)))))
        with _named(self.dataset, self.path):
            for batch in self.file.iter_batches(per_chunk, columns=list(wanted), use_threads=False):
                yield Chunk(_plain(pa.Table.from_batches([batch])), _numbers(first, len(batch)))
                first += len(batch)


@dataclass(slots=True)
class _CsvFile:
    """Read in blocks of Arrow's own size; what the columns are is looked up over the whole file first, and once."""

    dataset: Csv
    path: Path
    texts: tuple[str, ...]
    _header: list[str] = field(default_factory=list)
    _found: csv_types.Found | None = None

    @property
    def names(self) -> Sequence[str]:
        if not self._header:
            with _named(self.dataset, self.path):
                self._header = [name.strip() for name in csv_types.columns(self.path, self.dataset.delimiter)]
        return self._header

    def types(self, wanted: Sequence[str]) -> dict[str, pa.DataType]:
        found = self._look(wanted)
        return {name: kind for name, kind in zip(self.names, found.types, strict=True) if name in wanted}

    def rows(self, wanted: Sequence[str]) -> int:
        return self._look(wanted).rows

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        found = self._look(wanted)
        first, broken = 2, _sorted(found.broken)
        with _named(self.dataset, self.path):
            for table in csv_types.blocks(self.path, self.dataset.delimiter, found.types):
                numbers = _numbers(first, len(table), broken)
                first = int(numbers[-1]) + 1 if len(numbers) else first
                yield Chunk(table.rename_columns(list(self.names)), numbers)

    def bad(self, wanted: Sequence[str]) -> tuple[BadRecord, ...]:
        return _records(self._look(wanted).broken)

    def _look(self, wanted: Sequence[str]) -> csv_types.Found:
        if self._found is None:
            texts = [name in self.texts for name in self.names]
            needed = [name in wanted for name in self.names]
            with _named(self.dataset, self.path):
                self._found = csv_types.find(self.path, self.dataset.delimiter, needed, texts)
        return self._found


def _plain(table: pa.Table) -> pa.Table:
    """Return columns as they are meant: a dictionary (categories of pandas) is a way to store its values, a view one to store text."""
    for place, field_ in enumerate(table.schema):
        meant = _meant(field_.type)
        if meant != field_.type:
            table = table.set_column(place, field_.name, table.column(place).cast(meant))
    return table


def _meant(kind: pa.DataType) -> pa.DataType:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.string() if kind == pa.string_view() else kind


def _numbers(first: int, count: int, broken: Array | None = None) -> Array:
    """Number ``count`` rows from ``first`` on; ``broken`` are the numbers, ascending, of rows that are left out."""
    if broken is None or not len(broken):
        return np.arange(first, first + count)
    ahead = broken[np.searchsorted(broken, first) :]
    every = np.arange(first, first + count + len(ahead))
    return every[~np.isin(every, ahead)][:count]


def _sorted(broken: dict[int, str]) -> Array:
    return np.array(sorted(broken), dtype=np.int64)


def _records(broken: dict[int, str]) -> tuple[BadRecord, ...]:
    return tuple(BadRecord(f"row {number}", why) for number, why in sorted(broken.items()))
