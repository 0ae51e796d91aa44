"""NumPy archives (``.npz``), read with the standard library: the headers tell shapes and types, then the labels are counted.

Nothing is unpickled: an array of objects is a problem, not a risk.
"""

from __future__ import annotations

import array
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import IO, NamedTuple

from trainyard.linter.facts.budget import Budget
from trainyard.linter.facts.model import Facts, FactsError, Problem, Trouble
from trainyard.linter.facts.tables import MOST_CLASSES
from trainyard.linter.spec.model.dataset import Npz

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 64 * 1024
_CHUNK_BYTES = 1024 * 1024
# Nobody counts more; an archive that says so is broken or means harm.
_MOST_NUMBERS = 2**53
# dtype kind and width -> typecode of the array module; half floats have none.
_CODES = {"b1": "b", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q", "f4": "f", "f8": "d"}

# The mark of a byte order that is not this machine's.
_FOREIGN = ">" if sys.byteorder == "little" else "<"


class Header(NamedTuple):
    """What an array says of itself."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    fortran: bool


def read(dataset: Npz, place: Path, budget: Budget) -> Facts:
    """Return shapes, ranges and label counts. Raises ``FactsError`` where the archive or one of the arrays cannot be used."""
    try:
        with zipfile.ZipFile(place) as archive:
            return _read(dataset, archive, budget)
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        message = f"'{dataset.path}' cannot be read as a NumPy archive (.npz)."
        raise FactsError(Problem(Trouble.UNREADABLE, dataset.path, message)) from error


def _read(dataset: Npz, archive: zipfile.ZipFile, budget: Budget) -> Facts:
    inputs, labels = (_header(dataset, archive, name) for name in (dataset.features, dataset.target))
    if not inputs.shape or not labels.shape or inputs.shape[0] != labels.shape[0]:
        shapes = f"'{inputs.name}' has the shape {inputs.shape} and '{labels.name}' {labels.shape}"
        message = f"'{dataset.path}': {shapes}; the first lengths must agree."
        raise FactsError(Problem(Trouble.UNREADABLE, dataset.path, message))
    if not inputs.shape[0]:
        raise FactsError(Problem(Trouble.EMPTY, dataset.path, f"'{dataset.path}' holds no sample."))
    counted = _labels(archive, labels, budget)
    seen = _range(archive, inputs, budget)
    return Facts(
        dataset.type,
        dataset.path,
        samples=inputs.shape[0],
        class_names=tuple(str(label) for label in sorted(counted.counts)),
        class_counts=tuple(counted.counts[label] for label in sorted(counted.counts)),
        input_shape=inputs.shape[1:],
        input_range=seen,
        target_range=counted.range,
        label_encoding=counted.encoding,
        complete=not budget.is_spent,
    )


def shapes(place: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array in an archive by name; nothing where it cannot be read."""
    try:
        with zipfile.ZipFile(place) as archive:
            return list(_headers(archive))
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError):
        return {}


def _headers(archive: zipfile.ZipFile) -> Iterator[Header]:
    for member in archive.namelist():
        if member.endswith(".npy"):
            with archive.open(member) as file:
                header = _parse_header(member.removesuffix(".npy"), file)
            if header is not None:
                yield header


def _header(dataset: Npz, archive: zipfile.ZipFile, name: str) -> Header:
    return {header.name: header.shape for header in _headers_at(place)}


def kind(place: Path, name: str) -> str:
    """Return NumPy's letter for the type of one array and its bytes each, such as ``i8`` or ``f4``; empty where it cannot be read."""
    return next((header.dtype.lstrip("<>|=") for header in _headers_at(place) if header.name == name), "")


def _headers_at(place: Path) -> list[Header]:
    member = f"{name}.npy"
    if member not in archive.namelist():
        known = ", ".join(sorted(entry.removesuffix(".npy") for entry in archive.namelist()))
        raise FactsError(Problem(Trouble.MISSING_FIELD, dataset.path, f"'{dataset.path}' has no array '{name}'; it has {known}."))
    with archive.open(member) as file:
        header = _parse_header(name, file)
    what = _unusable(header, archive.getinfo(member).file_size)
    if header is None or what is not None:
        raise FactsError(Problem(Trouble.UNREADABLE, dataset.path, f"'{name}' of '{dataset.path}' {what}."))
    return header


def _unusable(header: Header | None, size: int) -> str | None:
    """Return why an array of ``size`` bytes cannot be used: what its header says is not to be believed, or not safe."""
    if header is None:
        return "is no NumPy array"
    kind = header.dtype.lstrip("<>|=")
    if kind[:1] == "O":
        return "holds Python objects, which are not loaded for safety"
    numbers = prod(header.shape)
    if min(header.shape, default=1) < 0 or numbers > _MOST_NUMBERS:
        return f"says that its shape is {header.shape}, which no array has"
    width = int(kind[1:]) if kind[1:].isdigit() else 1
    if numbers * width > size:
        return f"says that its shape is {header.shape}, and the archive holds {size:,} bytes of it: it is cut short"
    return None


def _parse_header(name: str, file: IO[bytes]) -> Header | None:
    """Read magic, version, length and the literal that describes the array (the ``.npy`` format, versions 1 to 3)."""
    import ast

    start = file.read(8)
    if start[:6] != _MAGIC:
        return None
    length = int.from_bytes(file.read(2 if start[6] == 1 else 4), "little")
    if length > _LONGEST_HEADER:
        return None
    try:
        described = ast.literal_eval(file.read(length).decode("utf-8").strip())
        shape = tuple(_whole(axis) for axis in described["shape"])
        return Header(name, str(described["descr"]), shape, bool(described["fortran_order"]))
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        return None


def _whole(axis: object) -> int:
    if not isinstance(axis, int):
        raise TypeError(axis)
    return axis


class _Labels(NamedTuple):
    """Counts by class (empty where the labels are no classes), their range, and how they are written."""

    counts: Mapping[int, int]
    range: tuple[float, float] | None
    encoding: str | None


def _labels(archive: zipfile.ZipFile, header: Header, budget: Budget) -> _Labels:
    """Count integer labels, or the ones of one-hot rows; where time does not suffice nothing is known."""
    width = header.shape[1] if len(header.shape) > 1 else 1
    if width > MOST_CLASSES or len(header.shape) > len(("samples", "classes")):
        return _Labels({}, _range(archive, header, budget), "value")
    return _rows(archive, header, budget, width) if width > 1 else _numbers(archive, header, budget)


def _numbers(archive: zipfile.ZipFile, header: Header, budget: Budget) -> _Labels:
    counts: Counter[float] = Counter()
    ends: list[tuple[float, float]] = []
    for values in _values(archive, header, budget, row=1):
        ends.append((min(values), max(values)))
        if len(counts) <= MOST_CLASSES:
            counts.update(map(float, values))
    if not ends or budget.is_spent:
        return _Labels({}, None, None)
    if len(counts) > MOST_CLASSES or not all(label.is_integer() for label in counts):
        return _Labels({}, _joined(ends), "value")
    return _Labels({int(label): count for label, count in counts.items()}, _joined(ends), "integer")


def _rows(archive: zipfile.ZipFile, header: Header, budget: Budget, width: int) -> _Labels:
    totals = [0.0] * width
    ends: list[tuple[float, float]] = []
    one_each = True
    for values in _values(archive, header, budget, row=width):
        ends.append((min(values), max(values)))
        columns = [values[column::width] for column in range(width)]
        totals = [total + sum(column) for total, column in zip(totals, columns, strict=True)]
        one_each = one_each and set(map(sum, zip(*columns, strict=True))) == {1}
    if not ends or budget.is_spent:
        return _Labels({}, None, None)
    seen = _joined(ends)
    if seen != (0.0, 1.0):
        return _Labels({}, seen, "value")
    if not one_each:
        return _Labels({}, seen, "multi_hot")
    return _Labels({column: int(total) for column, total in enumerate(totals)}, seen, "one_hot")


def _joined(ends: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return float(min(low for low, _ in ends)), float(max(high for _, high in ends))


def _range(archive: zipfile.ZipFile, header: Header, budget: Budget) -> tuple[float, float] | None:
    """Return the smallest and largest number; ``None`` where time does not suffice or the numbers are half floats."""
    ends = [(min(values), max(values)) for values in _values(archive, header, budget, row=1)]
    if not ends or budget.is_spent:
        return None
    return _joined(ends)


def _values(archive: zipfile.ZipFile, header: Header, budget: Budget, *, row: int) -> Iterator[array.array[float]]:
    """Yield the array's numbers in chunks of whole rows until the time is up; nothing for types without a code."""
    kind = header.dtype.lstrip("<>|=")
    code = _CODES.get(kind)
    if code is None or (header.fortran and row > 1):
        return
    with archive.open(f"{header.name}.npy") as file:
        _parse_header(header.name, file)
        size = array.array(code).itemsize * row
        while not budget.is_spent:
            chunk = file.read(max(1, _CHUNK_BYTES // size) * size)
            if len(chunk) < size:
                return
            yield _decode(chunk[: len(chunk) // size * size], code, swap=header.dtype[0] == _FOREIGN)


def _decode(chunk: bytes, code: str, *, swap: bool) -> array.array[float]:
    values: array.array[float] = array.array(code)
    values.frombytes(chunk)
    if swap:
        values.byteswap()
    return values
