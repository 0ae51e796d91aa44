"""From a path on disk to the dataset section that reads it: what ``facts`` and ``init`` begin with."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.linter.facts.model import Facts
    from trainyard.linter.spec.model.dataset import Dataset

_TABLES = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
# Names under which tables usually carry what is to be learnt, most telling first.
_USUAL_TARGETS = ("target", "label", "labels", "class", "category", "diagnosis", "species", "outcome", "y")
# The same for the arrays of an archive.
_INPUT_ARRAYS = ("x", "X", "x_train", "X_train", "features", "inputs", "images", "data")
_LABEL_ARRAYS = ("y", "Y", "y_train", "Y_train", "targets")
_COMMA = ","
# What stands between columns where it is no comma, the likeliest first.
_DELIMITERS = (";", "\t", "|")
_LONGEST_HEADER = 65536
_ROWS_SEEN = 50
_DECIMAL_COMMA = re.compile(r"\s*-?[0-9]+,[0-9]+\s*")
# Numbers of 0 to 255 may be a flat picture; a vocabulary is larger, and fits into an embedding.
_GREY_STEPS, _MOST_TOKENS = 256, 1_000_000
# More names than this make a spec unreadable; the number of classes is then declared alone.
_MOST_NAMES = 50


def draft(place: Path, root: Path, target: str | None, delimiter: str | None = None) -> dict[str, Any]:
    """Return the dataset section for what lies at ``place``, as far as its name tells it.

    Args:
        place: an image folder, or a csv, tsv, parquet or npz file.
        root: the data root that ``dataset.path`` is relative to.
        target: the column (or the array of an npz) that holds what is to be learnt; guessed when None.
        delimiter: what stands between the columns of a text table; seen in its header when None.

    Raises:
        Refusal: when it is nothing that can be trained on, lies outside the root, or its arrays or columns cannot be told apart.
    """
    path = _relative(place, root)
    if place.is_dir():
        return {"type": "image_directory", "path": path}
    suffix = place.suffix.lower()
    if suffix == ".npz":
        return {"type": "npz", "path": path, **_arrays(place, target)}
    if suffix not in _TABLES:
        raise Refusal(f"{place} is no dataset: an image folder, .csv, .tsv, .parquet or .npz is")
    if suffix == ".parquet":
        return {"type": "parquet", "path": path, "target": target or _guessed(place, _parquet_columns(place))}
    between = delimiter or seen_delimiter(place)
    written = {"delimiter": between} if between != _COMMA else {}
    return {"type": "csv", "path": path, "target": target or _guessed(place, _csv_columns(place, between)), **written}


def seen_delimiter(place: Path) -> str:
    """Return what stands between the names of a table's header: a comma, unless only another mark splits them."""
    if place.suffix.lower() == ".tsv":
        return "\t"
    header = _first_line(place)
    found = max(_DELIMITERS, key=header.count)
    return found if _COMMA not in header and header.count(found) else _COMMA


def decimal_commas(place: Path, dataset: dict[str, Any]) -> list[str]:
    """Return the columns of a text table whose numbers are written with a decimal comma, as far as its first rows tell."""
    if dataset["type"] != "csv" or dataset.get("delimiter", _COMMA) == _COMMA:
        return []
    import csv
    from itertools import islice

    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = list(islice(csv.reader(file, delimiter=dataset["delimiter"]), _ROWS_SEEN))
    except (OSError, ValueError, csv.Error):
        return []  # what cannot be read is told by whoever reads it
    return [name.strip() for name, *cells in zip(header, *rows, strict=False) if any(map(_DECIMAL_COMMA.fullmatch, cells))]


def tokens(place: Path, dataset: dict[str, Any], facts: Facts) -> int | None:
    """Return how many different tokens there are, where each sample of an archive is a row of token numbers; else None.

    Whole numbers from 0 on, more of them than the 256 steps of a picture has: an amount for which nobody takes integers.
    """
    is_row = facts.input_shape is not None and len(facts.input_shape) == 1 and facts.input_shape[0] > 1
    if dataset["type"] != "npz" or not is_row or facts.input_range is None:
        return None
    from trainyard.linter.facts import archives

    low, high = facts.input_range
    is_whole = archives.kind(place, dataset.get("features", "x"))[:1] in {"i", "u"}
    return int(high) + 1 if is_whole and low >= 0 and _GREY_STEPS <= high < _MOST_TOKENS else None


def typed(dataset: dict[str, Any], task: str = "classification") -> Dataset:
    """Return a dataset section as the readers of data take it."""
    from trainyard.linter import spec

    whole = {"version": "v1", "task": task, "dataset": dataset, "model": {"type": "mlp", "hidden": []}}
    return spec.typed(spec.resolve(whole)).dataset


def targets(place: Path, dataset: dict[str, Any]) -> int:
    """Return how many numbers a label has: the width of an array of labels, else one."""
    if dataset["type"] != "npz":
        return 1
    from trainyard.linter.facts import archives

    return math.prod(archives.shapes(place).get(dataset.get("target", "y"), ())[1:])


def declared(facts: Facts) -> dict[str, Any]:
    """Return what was read as declared facts: what a spec carries so that it can be judged where the data is not."""
    known: dict[str, Any] = {}
    if facts.samples is not None:
        known["samples"] = facts.samples
    if facts.class_names:
        names = list(facts.class_names)
        known["classes"] = names if len(names) <= _MOST_NAMES else len(names)
        counts = [int(count) for count in facts.class_counts]
        known["class_counts"] = dict(zip(names, counts, strict=True)) if len(names) <= _MOST_NAMES else counts
    if facts.label_encoding is not None and (facts.class_names or facts.label_encoding == "multi_hot"):
        known["labels"] = {"encoding": facts.label_encoding}
    if facts.input_range is not None:
        known["input_range"] = _range(facts.input_range)
    if facts.target_range is not None:
        known["target"] = {"range": _range(facts.target_range)}
    return known


def _range(ends: tuple[float, float]) -> dict[str, float]:
    low, high = (int(end) if float(end).is_integer() and abs(end) < 2**53 else end for end in ends)
    return {"min": low, "max": high}


def _relative(place: Path, root: Path) -> str:
    if not place.exists():
        raise Refusal(f"no such file or folder: {place}")
    try:
        return place.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise Refusal(f"{place} lies outside the data root {root}; name a root above it with --data-root") from None


def _arrays(place: Path, target: str | None) -> dict[str, str]:
    """Return the names of the two arrays as far as they are not the usual ones."""
    from trainyard.linter.facts import archives

    shapes = archives.shapes(place)
    labels = target or next((name for name in (*_LABEL_ARRAYS, *_USUAL_TARGETS) if name in shapes), None)
    rest = {name: shape for name, shape in shapes.items() if name != labels}
    inputs = next((name for name in _INPUT_ARRAYS if name in rest), None) or max(rest, key=lambda name: len(rest[name]), default=None)
    if labels is None and inputs is not None:
        # Labels are as many as the samples, and have the fewest axes.
        alike = [name for name, shape in rest.items() if name != inputs and shape[:1] == rest[inputs][:1]]
        labels = min(alike, key=lambda name: len(rest[name]), default=None)
    if shapes and (inputs is None or labels is None):
        raise Refusal(f"{place} holds {', '.join(sorted(shapes))}: no pair of inputs and labels; name the labels with --target")
    return {key: name for key, name, usual in (("features", inputs, "x"), ("target", labels, "y")) if name is not None and name != usual}


def _guessed(place: Path, names: list[str]) -> str:
    if not names:
        raise Refusal(f"{place} has no columns")
    lower = {name.lower(): name for name in names}
    usual = next((lower[name] for name in _USUAL_TARGETS if name in lower), None)
    return usual or names[-1]


def _csv_columns(place: Path, delimiter: str) -> list[str]:
    import csv

    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            return [name.strip() for name in next(csv.reader(file, delimiter=delimiter), [])]
    except UnicodeDecodeError as error:
        raise Refusal(f"{place} is no UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8 first") from None
    except (OSError, csv.Error) as error:
        raise Refusal(f"{place} cannot be read as a table: {error}") from None


def _first_line(place: Path) -> str:
    try:
        with place.open(encoding="utf-8-sig", errors="replace") as file:
            return file.readline(_LONGEST_HEADER)
    except OSError as error:
        raise Refusal(f"{place} cannot be read as a table: {error}") from None


def _parquet_columns(place: Path) -> list[str]:
    try:
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise Refusal("Parquet files need the extra data: pip install 'trainyard[data]'") from None
    try:
        return list(parquet.read_schema(place).names)
    except (OSError, ValueError) as error:
        raise Refusal(f"{place} cannot be read as Parquet: {error}") from None
