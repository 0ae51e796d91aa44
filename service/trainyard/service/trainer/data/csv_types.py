"""A CSV file in blocks, with the types that its columns have over the whole file.

Arrow infers a column from all of its rows, and keeps the text of the file in memory until it is sure; read block by block it
infers from the first block and fails on a later one. So the file is read twice here: each block is inferred on its own, and a
column gets the narrowest type that bears all of its blocks, in Arrow's own order of types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

# Only on one thread Arrow numbers the rows that have too few or too many cells.
ONE_THREAD = arrow_csv.ReadOptions(use_threads=False)
_TEXT, _RAW, _NOTHING = pa.string(), pa.binary(), pa.null()
# What reads as one of these reads as the last of them too.
_NUMBERS = {_NOTHING, pa.int64(), pa.float64()}
# https://arrow.apache.org/docs/python/csv.html, "column type inference": each is tried where the one before fails.
_ORDER = (
    *(_NOTHING, pa.int64(), pa.bool_(), pa.date32(), pa.time32("s"), pa.timestamp("s"), pa.timestamp("ns"), pa.float64(), _TEXT, _RAW),
)
_COLUMN = re.compile(r"CSV column #(\d+)")


@dataclass(frozen=True, slots=True)
class Found:
    """The type of each column (raw bytes where nobody wants it), the rows, and why rows that are none are none, by number."""

    types: tuple[pa.DataType, ...]
    rows: int
    broken: dict[int, str]


def parsing(delimiter: str, broken: dict[int, str]) -> arrow_csv.ParseOptions:
    """Return how rows are told apart; those with too few or too many cells are left out and noted in ``broken``."""

    def note(row: arrow_csv.InvalidRow) -> str:
        broken[row.number] = f"has {row.actual_columns} cells instead of {row.expected_columns}"
        return "skip"

    return arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note)


def columns(path: Path, delimiter: str) -> tuple[str, ...]:
    """Return the names of the columns as they are written; raises ArrowInvalid when there are none."""
    with arrow_csv.open_csv(path, read_options=ONE_THREAD, parse_options=parsing(delimiter, {})) as reader:
        return tuple(reader.schema.names)


def blocks(path: Path, delimiter: str, types: Sequence[pa.DataType], broken: dict[int, str] | None = None) -> Iterator[pa.Table]:
    """Yield the rows block by block, columns of these types.

    Raises:
        pyarrow.ArrowInvalid: a value is not of the type of its column, which is named by number.
    """
    # By the names of the file: two columns of one name are somebody else's trouble.
    kinds = dict(zip(columns(path, delimiter), types, strict=True))
    options = arrow_csv.ConvertOptions(column_types=kinds)
    notes = {} if broken is None else broken
    with arrow_csv.open_csv(path, read_options=ONE_THREAD, parse_options=parsing(delimiter, notes), convert_options=options) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])


def find(path: Path, delimiter: str, needed: Sequence[bool], texts: Sequence[bool]) -> Found:
    """Look the types of the needed columns up, of which some are texts whatever they look like."""
    looks = [{_TEXT} if text else {_NOTHING} if need else {_RAW} for need, text in zip(needed, texts, strict=True)]
    asked = [place for place, kinds in enumerate(looks) if kinds == {_NOTHING}]
    rows, broken = 0, dict[int, str]()
    for table in blocks(path, delimiter, [_RAW] * len(looks), broken):
        rows += len(table)
        if asked and len(table):
            for place, kind in zip(asked, _inferred(table.select(asked)), strict=True):
                looks[place].add(kind)
    widest = [max(kinds, key=_ORDER.index) for kinds in looks]
    doubtful = any(len(kinds - {_NOTHING}) > 1 and not kinds <= _NUMBERS and not kinds & {_TEXT, _RAW} for kinds in looks)
    return Found(tuple(_held(widest, lambda kinds: blocks(path, delimiter, kinds)) if doubtful else widest), rows, broken)


def _inferred(table: pa.Table) -> list[pa.DataType]:
    """Return what Arrow takes the texts of a block for; it reads them again as a file of their own."""
    sink = pa.BufferOutputStream()
    named = table.rename_columns([str(place) for place in range(table.num_columns)])
    arrow_csv.write_csv(named, sink)
    parsed = arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    read = arrow_csv.read_csv(pa.BufferReader(sink.getvalue()), read_options=ONE_THREAD, parse_options=parsed)
    return [_RAW if kind not in _ORDER else kind for kind in read.schema.types]


def _held(looks: list[pa.DataType], read: Callable[[list[pa.DataType]], Iterator[pa.Table]]) -> list[pa.DataType]:
    """Hold types against all rows; a column that is of two minds (numbers in one block, "true" in another) is text."""
    while True:
        try:
            for _ in read(looks):
                pass
        except pa.ArrowInvalid as error:
            column = _COLUMN.search(str(error))
            if column is None or looks[int(column[1])] == _RAW:
                raise
            place = int(column[1])
            looks[place] = _RAW if looks[place] == _TEXT else _TEXT
            continue
        return looks
