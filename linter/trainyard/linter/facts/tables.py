"""Comma-separated tables, streamed once with the standard library: types, gaps, ranges, labels.

A label column is one of classes as long as it has few different values; they are numbered in order, numbers by
value and names by letters, as the trainer numbers them.
"""

from __future__ import annotations

import array
import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from trainyard.linter.facts.budget import Budget
from trainyard.linter.facts.model import INFINITE, Column, Facts, FactsError, Problem, Targets, Trouble, Unusable
from trainyard.linter.spec.model.dataset import Csv, Parquet

# A column with more different values than this is no list of classes, and its values are not kept.
MOST_CLASSES = 1000
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
# Of these, those that every reader takes for no value (pyarrow.csv, ConvertOptions.null_values), as far as they are told apart here.
_NULLS = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null"})
_TRUTHS = frozenset({"true", "false", "True", "False", "TRUE", "FALSE"})
# What stands between columns where it is no comma.
_OTHER_DELIMITERS = (";", "\t", "|", ",")
_NAMED, _EXAMPLES = 20, 3
# A line that is longer is no row of a table, and would be read into memory whole.
_LONGEST_LINE = 8 * 1024 * 1024


class Tally:
    """What one column has shown so far; a field that holds no value to learn from, infinity included, is a missing one."""

    __slots__ = ("blanks", "counts", "gaps", "maximum", "minimum", "missing", "name", "numbers", "odd", "texts", "truths", "whole", "words")

    def __init__(self, name: str) -> None:
        self.name = name
        self.missing = self.numbers = self.texts = 0
        self.minimum, self.maximum = math.inf, -math.inf
        self.counts: dict[str, int] | None = {}
        self.truths, self.whole, self.odd = True, True, False
        # Rows: without a value, with nothing at all between the delimiters, with a word.
        self.gaps, self.blanks, self.words = array.array("Q"), array.array("Q"), array.array("Q")

    def add(self, field: str, row: int = 0) -> None:
        """Take one field into account."""
        text = field.strip()
        if text.lower() in _MISSING:
            self.missing += 1
            self.gaps.append(row)
            self.odd = self.odd or field not in _NULLS
            if not field:
                self.blanks.append(row)
            return
        try:
            # Python reads 1_000 as a number; no other reader of tables does.
            number = math.nan if "_" in text else float(text)
        except ValueError:
            number = math.nan
        if abs(number) >= INFINITE:
            self.missing += 1
            self.gaps.append(row)
            return
        if math.isnan(number):
            self.texts += 1
            self.words.append(row)
            self.truths = self.truths and text in _TRUTHS
        else:
            self.numbers += 1
            self.whole = self.whole and number.is_integer()
            self.minimum, self.maximum = min(self.minimum, number), max(self.maximum, number)
        if self.counts is not None:
            self.counts[text] = self.counts.get(text, 0) + 1
            if len(self.counts) > MOST_CLASSES:
                self.counts = None

    def column(self) -> Column:
        """Return the summary."""
        kind = "text" if self.texts else "number" if self.numbers else "empty"
        minimum, maximum = (self.minimum, self.maximum) if kind == "number" else (None, None)
        distinct = None if self.counts is None else len(self.counts)
        return Column(self.name, kind, self.missing, minimum, maximum, distinct, self.numeric, self.whole)

    @property
    def is_truth(self) -> bool:
        """Whether it holds true and false, which are read as 1 and 0."""
        return bool(self.texts) and self.truths and (not self.numbers or (self.whole and self.minimum >= 0 and self.maximum <= 1))

    @property
    def numeric(self) -> bool:
        """Whether it can be taken for numbers."""
        return bool(self.numbers) or self.is_truth

    def unusable(self, role: str) -> Iterable[int]:
        """Return the rows that this column makes unusable as a ``number``, a ``category`` or a ``label``."""
        if role == "label":
            return self.gaps
        if role == "category":
            # Among words "NA" is a word; only nothing is none.
            return self.blanks if self.odd or self.texts else self.gaps
        return self.gaps if self.is_truth else (*self.gaps, *self.words)


def read(dataset: Csv, place: Path, budget: Budget) -> Facts:
    """Return what the table holds. Raises ``FactsError`` if it cannot be read at all or lacks a column that the spec names."""
    if not place.is_file():
        what = "a folder" if place.is_dir() else "no ordinary file"
        raise FactsError(Problem(Trouble.WRONG_KIND, dataset.path, f"'{dataset.path}' is {what}; a csv dataset is one file."))
    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            return _read(dataset, csv.reader(_lines(file), delimiter=dataset.delimiter), budget)
    except (OSError, UnicodeDecodeError, csv.Error, TypeError) as error:
        message = f"'{dataset.path}' cannot be read as a table ({_reason(error)})."
        raise FactsError(Problem(Trouble.UNREADABLE, dataset.path, message)) from error


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise csv.Error(f"a line has more than {_LONGEST_LINE:,} characters")
        if "\0" in line:
            raise csv.Error("it holds NUL characters, so it is no text")
        yield line


def _read(dataset: Csv, rows: Iterator[list[str]], budget: Budget) -> Facts:
    header = [name.strip() for name in next(rows, [])]
    require_columns(dataset, header)
    tallies = [Tally(name) for name in header]
    problems: list[Problem] = []
    samples, broken, complete, one_each = 0, 0, True, True
    targets = [place for place, name in enumerate(header) if name in target_names(dataset)]
    for number, row in enumerate(rows, start=2):
        if budget.tick():
            complete = False
            break
        if not row:
            continue
        if len(row) != len(header):
            broken += 1
            if len(problems) < _NAMED:
                message = f"Row {number} of '{dataset.path}' has {len(row)} fields; the header has {len(header)}."
                problems.append(Problem(Trouble.UNREADABLE, dataset.path, message))
            continue
        samples += 1
        one_each = one_each and _is_one(row, targets)
        for tally, field in zip(tallies, row, strict=True):
            tally.add(field, number)
    if not samples and complete:
        raise FactsError(Problem(Trouble.EMPTY, dataset.path, f"'{dataset.path}' has no row below its header."))
    unusable = _unusable(dataset, tallies, samples, broken)
    found = _facts(dataset, tallies, samples if complete else None, tuple(problems))._replace(unusable=unusable)
    if found.targets is not None and found.targets.axes:
        found = found._replace(targets=found.targets._replace(one_each=bool(found.targets.flags) and one_each))
    # Of columns without a number so far, one may still come.
    return found if complete else found._replace(columns=(), targets=found.targets and found.targets._replace(kind="mixed"))


def _is_one(row: Sequence[str], targets: Sequence[int]) -> bool:
    """Tell whether a row has one 1 among several targets; what is no number is counted elsewhere."""
    try:
        return len(targets) < 2 or sum(float(row[place]) for place in targets) == 1
    except ValueError:
        return True


def _unusable(dataset: Csv, tallies: Sequence[Tally], samples: int, broken: int) -> Unusable:
    """Count the rows that the trainer finds no use for, each once (service/trainyard/service/trainer/data/table.py)."""
    targets, features = target_names(dataset), {column.name for column in feature_columns(dataset, [tally.column() for tally in tallies])}
    roles = {tally.name: "category" if tally.name in dataset.categorical else "number" for tally in tallies if tally.name in features}
    found: dict[int, str] = {}
    for tally in tallies:
        # Where nothing can be used it is the column that is wrong, and not its rows.
        if tally.name in roles and (tally.numeric or (roles[tally.name] == "category" and tally.texts)):
            found.update((row, tally.name) for row in tally.unusable(roles[tally.name]) if row not in found)
    labels = [tally for tally in tallies if tally.name in targets]
    as_classes, as_numbers = (
        {row for tally in labels if role == "label" or tally.numeric for row in tally.unusable(role) if row not in found}
        for role in ("label", "number")
    )
    examples = tuple(f"row {row} has no usable value in '{name}'" for row, name in sorted(found.items())[:_EXAMPLES])
    return Unusable(samples + broken, len(found) + len(as_classes) + broken, len(found) + len(as_numbers) + broken, examples)


def _targets(columns: Sequence[Column]) -> Targets | None:
    """Return how target columns are written."""
    kinds = {"mixed" if column.kind == "text" and column.numeric else column.kind for column in columns}
    if not columns or "empty" in kinds:
        return None
    whole = all(bool(column.whole) for column in columns)
    flags = None
    if kinds == {"number"}:
        flags = whole and all((column.minimum or 0) >= 0 and (column.maximum or 0) <= 1 for column in columns)
    return Targets(kinds.pop() if len(kinds) == 1 else "mixed", int(len(columns) > 1), whole, flags)


def _facts(dataset: Csv, tallies: Sequence[Tally], samples: int | None, problems: tuple[Problem, ...]) -> Facts:
    columns = tuple(tally.column() for tally in tallies)
    targets = target_names(dataset)
    labels = next((tally for tally in tallies if tally.name == targets[0]), None) if len(targets) == 1 else None
    names, counts = classes((labels.counts or {}) if labels and samples is not None else {})
    ranges = feature_columns(dataset, columns)
    return Facts(
        dataset.type,
        dataset.path,
        samples=samples,
        class_names=names,
        class_counts=counts,
        input_shape=input_shape(dataset, columns) if samples is not None else None,
        input_range=span(ranges),
        target_range=span([column for column in columns if column.name in targets]),
        label_encoding="integer" if names else None,
        columns=columns,
        targets=_targets([column for column in columns if column.name in targets]),
        problems=problems,
        complete=samples is not None,
    )


def require_columns(dataset: Csv | Parquet, present: Sequence[str]) -> None:
    """Raise ``FactsError`` if the table lacks a column that the spec names."""
    wanted = (*target_names(dataset), *(dataset.features or ()), *dataset.categorical)
    lacking = [name for name in wanted if name not in present]
    if lacking:
        message = f"'{dataset.path}' has no column '{lacking[0]}'; it has {_shown(present)}{_split_by(dataset, present)}."
        raise FactsError(Problem(Trouble.MISSING_FIELD, dataset.path, message))
    group = dataset.split.group
    if group is not None and group not in present:
        message = f"'{dataset.path}' has no column '{group}' to group by; it has {_shown(present)}."
        raise FactsError(Problem(Trouble.MISSING_FIELD, dataset.path, message, "/dataset/split/group"))


def _shown(present: Sequence[str]) -> str:
    return ", ".join(list(present)[:_NAMED]) or "none: it is empty"


def _split_by(dataset: Csv | Parquet, present: Sequence[str]) -> str:
    """Return what is to be said where a header is one long name, because something else stands between its columns."""
    header = present[0] if len(present) == 1 and isinstance(dataset, Csv) else ""
    found = max(_OTHER_DELIMITERS, key=header.count)
    return f": write dataset.delimiter {json.dumps(found)}" if found in header else ""


def target_names(dataset: Csv | Parquet) -> tuple[str, ...]:
    """Return the label columns."""
    return (dataset.target,) if isinstance(dataset.target, str) else dataset.target


def feature_columns(dataset: Csv | Parquet, columns: Sequence[Column]) -> list[Column]:
    """Return the columns that are learnt from: those written, or all but the target and what samples are grouped by."""
    wanted = dataset.features
    targets = (*target_names(dataset), dataset.split.group)
    return [column for column in columns if (column.name in wanted if wanted is not None else column.name not in targets)]


def input_shape(dataset: Csv | Parquet, columns: Sequence[Column]) -> tuple[int, ...] | None:
    """Return (numbers per sample,): one for a number, one per value for a categorical column."""
    found = {column.name: column for column in feature_columns(dataset, columns)}
    widths = [found[name].distinct if name in dataset.categorical else 1 for name in dataset.features or found]
    return None if None in widths else (sum(width or 0 for width in widths),)


def span(columns: Sequence[Column]) -> tuple[float, float] | None:
    """Return the smallest and the largest number of all columns that have some."""
    lows = [column.minimum for column in columns if column.minimum is not None]
    highs = [column.maximum for column in columns if column.maximum is not None]
    return (min(lows), max(highs)) if lows and highs else None


def classes(counts: dict[str, int]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return names and counts, numbers in order of value, names in order of letters."""
    names = tuple(sorted(counts, key=_class_order))
    return names, tuple(counts[name] for name in names)


def _class_order(name: str) -> tuple[int, float, str]:
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
