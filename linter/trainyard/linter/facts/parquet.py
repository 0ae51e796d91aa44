"""Parquet tables: the file's own metadata first, then the label column. Needs pyarrow, which is imported only here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainyard.linter.facts.budget import Budget
from trainyard.linter.facts.model import Column, Facts, FactsError, Problem, Trouble
from trainyard.linter.facts.tables import MOST_CLASSES, classes, feature_columns, input_shape, require_columns, span, target_names
from trainyard.linter.spec.model.dataset import Parquet

# More rows than this and the labels are not counted: a column of them is read at once.
_MOST_ROWS = 20_000_000


def read(dataset: Parquet, place: Path, budget: Budget) -> Facts:
    """Return rows, columns, ranges and label counts. Raises ``FactsError`` if the file cannot be used."""
    try:
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
    columns = tuple(_column(metadata, name, str(schema.field(name).type)) for name in schema.names)
    targets = target_names(dataset)
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
        complete=not budget.is_spent,
    )


def _column(metadata: Any, name: str, kind: str) -> Column:
    """Return a column's summary from the statistics of its row groups, as far as the writer kept them."""
    index = metadata.schema.names.index(name) if name in metadata.schema.names else None
    groups = [] if index is None else [metadata.row_group(group).column(index).statistics for group in range(metadata.num_row_groups)]
    known = [group for group in groups if group is not None]
    is_number = kind.startswith(("int", "uint", "float", "double", "halffloat", "decimal", "bool"))
    ranged = [group for group in known if group.has_min_max] if is_number and len(known) == len(groups) else []
    whole = bool(ranged) and len(ranged) == len(groups)
    return Column(
        name,
        "number" if is_number else "text",
        sum(group.null_count or 0 for group in known),
        float(min(group.min for group in ranged)) if whole else None,
        float(max(group.max for group in ranged)) if whole else None,
        None,
    )


def _label_counts(file: Any, target: str, rows: int, budget: Budget) -> dict[str, int]:
    if rows > _MOST_ROWS or budget.is_spent:
        return {}
    counted = file.read(columns=[target]).column(0).value_counts()
    if len(counted) > MOST_CLASSES:
        return {}
    return {str(entry["values"]): int(entry["counts"]) for entry in counted.to_pylist() if entry["values"] is not None}
