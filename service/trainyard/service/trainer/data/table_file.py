"""Opens CSV and Parquet files as Arrow tables. Knows their syntax, not what the columns mean."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

from trainyard.linter.spec.model.dataset import Csv, Parquet
from trainyard.service.trainer.data import budget
from trainyard.service.trainer.data.samples import Array, BadRecord
from trainyard.service.trainer.failures import DataError


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table, the number that a person gives each of its rows, and the rows that are no rows."""

    table: pa.Table
    row_numbers: Array
    bad: tuple[BadRecord, ...] = ()


def load(dataset: Csv | Parquet, path: Path, texts: tuple[str, ...] = ()) -> TableFile:
    """Read the file; ``texts`` are columns of which every digit counts (labels: "01" is not "1").

    Raises:
        DataError: it is not what the spec says.
    """
    if path.is_dir():
        raise DataError(f'"{dataset.path}" is a folder; a {dataset.type} dataset is one file.')
    budget.claim(path.stat().st_size)
    try:
        return _read_csv(path, dataset.delimiter, texts) if isinstance(dataset, Csv) else _read_parquet(path)
    except (pa.ArrowException, OSError, ValueError, csv.Error) as error:
        text = " ".join(str(error).split()).replace(str(path), path.name).rstrip(".")
        raise DataError(f'"{dataset.path}" can not be read as {dataset.type}: {text[:300]}.') from error


def _read_csv(path: Path, delimiter: str, texts: tuple[str, ...]) -> TableFile:
    """Read on one thread: only then does Arrow number the rows that have too few or too many cells."""
    broken: dict[int, str] = {}

    def note(row: arrow_csv.InvalidRow) -> str:
        broken[row.number] = f"has {row.actual_columns} cells instead of {row.expected_columns}"
        return "skip"

    table = arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(use_threads=False),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in _header(path, delimiter) if name.strip() in texts}
        ),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note),
    )
    table = table.rename_columns([name.strip() for name in table.column_names])
    numbers = np.arange(2, len(table) + len(broken) + 2)
    return TableFile(
        table,
        numbers[~np.isin(numbers, list(broken))],
        tuple(BadRecord(f"row {number}", why) for number, why in sorted(broken.items())),
    )


def _header(path: Path, delimiter: str) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file, delimiter=delimiter), [])


def _read_parquet(path: Path) -> TableFile:
    table = arrow_parquet.ParquetFile(path).read()
    return TableFile(table, np.arange(1, len(table) + 1))
