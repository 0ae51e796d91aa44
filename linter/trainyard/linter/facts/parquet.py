"""Parquet tables: the file's own metadata first, then the label column. Needs pyarrow, which is imported only here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from trainyard.linter.facts.budget import Budget
from trainyard.linter.facts.model import INFINITE, Column, Facts, FactsError, Problem, Targets, Trouble, Unusable
from trainyard.linter.facts.tables import MOST_CLASSES, classes, feature_columns, input_shape, require_columns, span, target_names
from trainyard.linter.spec.model.dataset import Parquet

# More rows than this and the labels are not counted: a column of them is read at once.
_MOST_ROWS = 20_000_000
_BATCH, _EXAMPLES = 65_536, 3
_KINDS = {"null": "empty"}
_ALONE = frozenset({"number", "other"})
_NUMBERS = ("int", "uint", "float", "double", "halffloat", "decimal", "bool")
_HALF = "halffloat"
_TEXTS = frozenset({"string", "large_string", "string_view"})
# Values of values, and bytes: neither numbers nor words.
_STRANGE = ("list", "large_list", "fixed_size_list", "struct", "map", "binary", "large_binary", "fixed_size_binary")


def read(dataset: Parquet, place: Path, budget: Budget) -> Facts:
    """Return rows, columns, ranges and label counts. Raises ``FactsError`` if the file cannot be used."""
    try:
        with budget.halted():
            import pyarrow as pa
            from pyarrow.parquet import ParquetFile
    except ImportError as error:
        message = f"'{dataset.path}' was not read: Parquet files need pyarrow (pip install 'trainyard[data]')."
        raise FactsError(Problem(Trouble.LIBRARY, dataset.path, message)) from error
    try:
        with ParquetFile(place) as file:
            return _read(dataset, file, budget)
    except (OSError, pa.ArrowException) as error:
        raise FactsError(Problem(Trouble.UNREADABLE, dataset.path, f"'{dataset.path}' cannot be read as a Parquet table.")) from error


def _read(dataset: Parquet, file: Any, budget: Budget) -> Facts:
    metadata, schema = file.metadata, file.schema_arrow
    require_columns(dataset, schema.names)
    if not metadata.num_rows:
        raise FactsError(Problem(Trouble.EMPTY, dataset.path, f"'{dataset.path}' has no row."))
    # What is nested has leaves, and a leaf may be called as a column is.
    leaves = {metadata.schema.column(leaf).path: leaf for leaf in range(metadata.num_columns)}
    columns = tuple(_column(metadata, leaves.get(name), name, _kind(schema.field(name).type)) for name in schema.names)
    targets = target_names(dataset)
    seen = _look(dataset, file, columns, budget)
    columns = tuple(seen.told(column) for column in columns)
    counts = _label_counts(file, targets[0], metadata.num_rows, budget) if len(targets) == 1 else {}
    names, amounts = classes(counts)
    return Facts(
        dataset.type,
        dataset.path,
        samples=metadata.num_rows,
        class_names=names,
        class_counts=amounts,
        input_shape=input_shape(dataset, columns),
        input_range=span(feature_columns(dataset, columns)),
        target_range=span([column for column in columns if column.name in targets]),
        label_encoding="integer" if names else None,
        columns=columns,
        unusable=seen.unusable(),
        targets=_targets([column for column in columns if column.name in targets], one_each=seen.one_each),
        complete=not budget.is_spent,
    )


def _kind(type_: Any) -> str:
    """Return the name of the type of a column's values; those of a dictionary (categories of pandas) are what it lists."""
    import pyarrow as pa

    return str(type_.value_type if pa.types.is_dictionary(type_) else type_)


def _column(metadata: Any, index: int | None, name: str, kind: str) -> Column:
    """Return a column's summary from the statistics of its row groups, as far as the writer kept them."""
    groups = [] if index is None else [metadata.row_group(group).column(index).statistics for group in range(metadata.num_row_groups)]
    known = [group for group in groups if group is not None]
    is_number = kind.startswith(_NUMBERS)
    # The ends of half floats are told as bytes.
    ranged = [group for group in known if group.has_min_max] if is_number and kind != _HALF and len(known) == len(groups) else []
    whole = bool(ranged) and len(ranged) == len(groups)
    return Column(
        name,
        _KINDS.get(kind) or ("number" if is_number else "other" if kind.startswith(_STRANGE) else "text"),
        sum(group.null_count or 0 for group in known),
        float(min(group.min for group in ranged)) if whole else None,
        float(max(group.max for group in ranged)) if whole else None,
        None,
    )


class _Seen(NamedTuple):
    """What the rows showed: how many were looked at, which numbers they have, and the rows that columns make unusable."""

    rows: int
    total: int
    numeric: dict[str, bool]
    whole: dict[str, bool]
    features: dict[int, str]
    as_classes: set[int]
    as_numbers: set[int]
    one_each: bool

    def told(self, column: Column) -> Column:
        numeric = self.numeric.get(column.name)
        # A number may still come.
        return column._replace(numeric=numeric or (None if self.rows < self.total else numeric), whole=self.whole.get(column.name))

    def unusable(self) -> Unusable:
        names = {**dict.fromkeys(self.as_classes, ""), **self.features}
        examples = tuple(f"row {row} has no usable value in '{name}'" for row, name in sorted(self.features.items())[:_EXAMPLES])
        return Unusable(self.rows, len(names), len({*self.features, *self.as_numbers}), examples)


def _look(dataset: Parquet, file: Any, columns: tuple[Column, ...], budget: Budget) -> _Seen:
    """Look at the rows of features and targets, batch by batch, until half of the time is spent."""
    import pyarrow.compute as pc

    targets, features = target_names(dataset), [column.name for column in feature_columns(dataset, columns)]
    seen = _Seen(0, file.metadata.num_rows, {}, {}, {}, set(), set(), one_each=True)
    names = dict.fromkeys((*features, *targets))
    broken: dict[str, list[int]] = {name: [] for name in names}
    rows, one_each, most_seconds = 0, True, budget.left_seconds / 2
    for batch in file.iter_batches(_BATCH, columns=list(names), use_threads=False):
        for name in names:
            values = batch.column(name)
            missing, numeric, whole = _judged(values, pc, is_category=name in dataset.categorical)
            seen.numeric[name] = numeric or seen.numeric.get(name, False)
            seen.whole[name] = whole and seen.whole.get(name, True)
            broken[name] += [rows + 1 + row for row in missing]
            if name in targets:
                seen.as_classes.update(rows + 1 + row for row in pc.indices_nonzero(pc.is_null(values, nan_is_null=True)).to_pylist())
        one_each = one_each and _is_one_each([batch.column(name) for name in targets], pc)
        rows += len(batch)
        if budget.left_seconds < most_seconds:
            break
    for name in features:
        if seen.numeric[name] or name in dataset.categorical:
            seen.features.update((row, name) for row in broken[name] if row not in seen.features)
    seen.as_numbers.update(row for name in targets if seen.numeric[name] for row in broken[name])
    return seen._replace(rows=rows, one_each=one_each)


def _is_one_each(targets: list[Any], pc: Any) -> bool:
    """Tell whether every row has one 1 among several targets; what is no number is told elsewhere."""
    if len(targets) < 2 or not all(str(values.type).startswith(_NUMBERS) for values in targets):
        return True
    total = targets[0].cast("float64", safe=False)
    for values in targets[1:]:
        total = pc.add(total, values.cast("float64", safe=False))
    return bool(pc.all(pc.equal(total, 1.0), min_count=0).as_py())


def _judged(values: Any, pc: Any, *, is_category: bool) -> tuple[list[int], bool, bool]:
    """Return the rows that hold nothing usable, whether there are numbers, and whether all of them are whole."""
    values = _plain(values)
    kind = str(values.type)
    if is_category:
        gaps = pc.is_null(values) if not kind.endswith("string") else pc.equal(pc.fill_null(values, ""), "")
        return pc.indices_nonzero(gaps).to_pylist(), True, True
    if kind in _TEXTS:
        numbers = [_number(text) for text in values.to_pylist()]
        found = [number for number in numbers if number is not None]
        return [row for row, number in enumerate(numbers) if number is None], bool(found), all(map(float.is_integer, found))
    if not kind.startswith(_NUMBERS):
        return [], False, True
    plain = values.cast("float64", safe=False)
    fine = pc.fill_null(pc.less(pc.abs(plain), INFINITE), False)
    finite = plain.filter(fine)
    whole = bool(pc.all(pc.equal(pc.floor(finite), finite)).as_py()) if len(finite) else True
    return pc.indices_nonzero(pc.invert(fine)).to_pylist(), True, whole


def _plain(values: Any) -> Any:
    """Return values as they are meant: those of a dictionary, and texts that are kept as views as texts."""
    import pyarrow as pa

    values = values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values
    return values.cast(pa.string()) if str(values.type) == "string_view" else values


def _number(text: str | None) -> float | None:
    try:
        # Python reads 1_000 as a number; no other reader of tables does.
        number = float((text or "").replace("_", "x"))
    except ValueError:
        return None
    return number if abs(number) < INFINITE else None


def _targets(columns: list[Column], *, one_each: bool) -> Targets | None:
    kinds = {column.kind if column.kind in _ALONE else "mixed" if column.numeric is not False else "text" for column in columns}
    whole = all(column.whole is not False for column in columns)
    flags = None
    if kinds == {"number"} and all(column.minimum is not None and column.maximum is not None for column in columns):
        flags = whole and all((column.minimum or 0) >= 0 and (column.maximum or 0) <= 1 for column in columns)
    several = len(columns) > 1
    return Targets(
        kinds.pop() if len(kinds) == 1 else "mixed", int(several), whole, flags, (flags is not False and one_each) if several else None
    )


def _label_counts(file: Any, target: str, rows: int, budget: Budget) -> dict[str, int]:
    if rows > _MOST_ROWS or budget.is_spent or str(file.schema_arrow.field(target).type).startswith(_STRANGE):
        return {}
    counted = _plain(file.read(columns=[target]).column(0)).value_counts()
    if len(counted) > MOST_CLASSES:
        return {}
    return {str(entry["values"]): int(entry["counts"]) for entry in counted.to_pylist() if entry["values"] is not None}
