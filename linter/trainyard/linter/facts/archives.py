"""NumPy archives (``.npz``), read with the standard library: the headers tell shapes and types, then the labels are counted.

Nothing is unpickled: an array of objects is a problem, not a risk.
"""

from __future__ import annotations

import array
import math
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from trainyard.linter.facts.budget import Budget
from trainyard.linter.facts.model import INFINITE, Facts, FactsError, Problem, Targets, Trouble, Unusable
from trainyard.linter.facts.tables import MOST_CLASSES
from trainyard.linter.spec.model.dataset import Npz

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 64 * 1024
_CHUNK_BYTES = 1024 * 1024
# Nobody counts more; an archive that says so is broken or means harm.
_MOST_NUMBERS = 2**53
# dtype kind and width -> typecode of the array module; half floats have none.
_CODES = {"b1": "b", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q", "f4": "f", "f8": "d"}

_NUMERIC, _TEXT = frozenset("iufb"), frozenset("US")
_FLAGS = frozenset({0.0, 1.0})
_EXAMPLES = 3

# The mark of a byte order that is not this machine's.
_FOREIGN = ">" if sys.byteorder == "little" else "<"


class Header(NamedTuple):
    """What an array says of itself."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    fortran: bool

    @property
    def kind(self) -> str:
        """The letter that NumPy has for such values: ``f`` for floats, ``U`` for text."""
        return self.dtype.lstrip("<>|=")[:1]


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
    if inputs.kind not in _NUMERIC:
        message = f"'{inputs.name}' of '{dataset.path}' holds {inputs.dtype}, not numbers."
        raise FactsError(Problem(Trouble.WRONG_KIND, dataset.path, message))
    _require_groups(dataset, archive)
    counted = _labels(archive, labels, budget)
    seen, broken = _range(archive, inputs, budget)
    as_numbers = broken | counted.broken
    examples = tuple(f"sample {row} of '{dataset.features}' holds NaN or infinity" for row in sorted(broken)[:_EXAMPLES])
    return Facts(
        dataset.type,
        dataset.path,
        samples=inputs.shape[0],
        class_names=tuple(str(label) for label in counted.counts),
        class_counts=tuple(counted.counts.values()),
        input_shape=inputs.shape[1:],
        input_range=seen,
        target_range=counted.range,
        label_encoding=counted.encoding,
        unusable=Unusable(inputs.shape[0], len(broken), len(as_numbers), examples),
        targets=counted.told,
        complete=not budget.is_spent,
    )


def shapes(place: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array in an archive by name; nothing where it cannot be read."""
    return {header.name: header.shape for header in _headers_at(place)}


def kind(place: Path, name: str) -> str:
    """Return NumPy's letter for the type of one array and its bytes each, such as ``i8`` or ``f4``; empty where it cannot be read."""
    return next((header.dtype.lstrip("<>|=") for header in _headers_at(place) if header.name == name), "")


def _headers_at(place: Path) -> list[Header]:
    try:
        with zipfile.ZipFile(place) as archive:
            return list(_headers(archive))
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError):
        return []


def _headers(archive: zipfile.ZipFile) -> Iterator[Header]:
    for member in archive.namelist():
        if member.endswith(".npy"):
            with archive.open(member) as file:
                header = _parse_header(member.removesuffix(".npy"), file)
            if header is not None:
                yield header


def _header(dataset: Npz, archive: zipfile.ZipFile, name: str) -> Header:
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
    numbers = math.prod(header.shape)
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


def _require_groups(dataset: Npz, archive: zipfile.ZipFile) -> None:
    group, names = dataset.split.group, [entry.removesuffix(".npy") for entry in archive.namelist()]
    if group is not None and group not in names:
        message = f"'{dataset.path}' has no array '{group}' to group by; it has {', '.join(sorted(names))}."
        raise FactsError(Problem(Trouble.MISSING_FIELD, dataset.path, message, "/dataset/split/group"))


class _Labels(NamedTuple):
    """Counts by class in order (empty where the labels are no classes), range, how they are written, and rows that are no numbers."""

    counts: Mapping[int, int] | Mapping[str, int]
    range: tuple[float, float] | None
    encoding: str | None
    told: Targets | None
    broken: frozenset[int] = frozenset()


def _labels(archive: zipfile.ZipFile, header: Header, budget: Budget) -> _Labels:
    """Count class numbers, words, or the ones of one-hot rows; where time does not suffice nothing is known."""
    axes = len(header.shape) - 1
    width = header.shape[1] if axes else 1
    if header.kind in _TEXT:
        return _words(archive, header, budget)
    if header.kind not in _NUMERIC:
        return _Labels({}, None, None, Targets("other", axes))
    if width > MOST_CLASSES or axes > 1:
        seen, broken = _range(archive, header, budget)
        return _Labels({}, seen, "value", Targets("number", axes, width=width if axes == 1 else None), frozenset(broken))
    return _rows(archive, header, budget, width) if width > 1 else _numbers(archive, header, budget)


def _words(archive: zipfile.ZipFile, header: Header, budget: Budget) -> _Labels:
    """Count labels that are texts, in the order in which NumPy sorts them."""
    told = Targets("text", len(header.shape) - 1)
    code = "ascii" if header.kind == "S" else "utf-32-be" if header.dtype[0] == ">" else "utf-32-le"
    digits = header.dtype.lstrip("<>|=")[1:]
    size = (1 if header.kind == "S" else 4) * int(digits) if digits.isdigit() else 0
    if len(header.shape) != 1 or not 0 < size <= _CHUNK_BYTES:
        return _Labels({}, None, None, told)
    counts: Counter[str] = Counter()
    with archive.open(f"{header.name}.npy") as file:
        _parse_header(header.name, file)
        while len(counts) <= MOST_CLASSES and not budget.is_spent:
            chunk = file.read(_CHUNK_BYTES // size * size)
            if not chunk:
                return _Labels({name: counts[name] for name in sorted(counts)}, None, "integer", told)
            rows = (chunk[start : start + size] for start in range(0, len(chunk), size))
            counts.update(row.decode(code, errors="replace").rstrip("\0") for row in rows)
    return _Labels({}, None, None, told)


def _numbers(archive: zipfile.ZipFile, header: Header, budget: Budget) -> _Labels:
    counts: Counter[float] = Counter()
    ends: list[tuple[float, float]] = []
    whole, flags, broken, start = True, True, set[int](), 0
    for values in _values(archive, header, budget, row=1):
        fine, strange = _finite(values)
        broken |= {start + place for place in strange}
        start += len(values)
        if fine:
            ends.append((min(fine), max(fine)))
            different = set(map(float, fine))
            whole, flags = whole and all(map(float.is_integer, different)), flags and different <= _FLAGS
            if len(counts) <= MOST_CLASSES:
                counts.update(map(float, fine))
    axes = len(header.shape) - 1
    if not ends or budget.is_spent:
        return _Labels({}, None, None, None)
    told = Targets("number", axes, whole and not broken, flags and not broken, width=1)
    if len(counts) > MOST_CLASSES or not told.whole:
        return _Labels({}, _joined(ends), "value", told, frozenset(broken))
    return _Labels({int(label): counts[label] for label in sorted(counts)}, _joined(ends), "integer", told)


def _rows(archive: zipfile.ZipFile, header: Header, budget: Budget, width: int) -> _Labels:
    totals = [0.0] * width
    ends: list[tuple[float, float]] = []
    one_each, flags, broken, start = True, True, set[int](), 0
    for values in _values(archive, header, budget, row=width):
        fine, strange = _finite(values)
        broken |= {(start + place) // width for place in strange}
        start += len(values)
        if not fine:
            continue
        ends.append((min(fine), max(fine)))
        flags = flags and not strange and set(map(float, fine)) <= _FLAGS
        if flags:
            columns = [values[column::width] for column in range(width)]
            totals = [total + sum(column) for total, column in zip(totals, columns, strict=True)]
            one_each = one_each and set(map(sum, zip(*columns, strict=True))) == {1}
    if not ends or budget.is_spent:
        return _Labels({}, None, None, Targets("number", 1, width=width))
    told = Targets("number", 1, None, flags, flags and one_each, width)
    if not flags:
        return _Labels({}, _joined(ends), "value", told, frozenset(broken))
    if not one_each:
        return _Labels({}, _joined(ends), "multi_hot", told)
    return _Labels({column: int(total) for column, total in enumerate(totals)}, _joined(ends), "one_hot", told)


def _finite(values: array.array[float]) -> tuple[Sequence[float], list[int]]:
    """Return the numbers of a chunk that are finite in 32 bits, and the places of the others."""
    # One addition per number tells for nearly every chunk that there is none.
    if math.isfinite(sum(values)) and (values.typecode != "d" or (min(values) > -INFINITE and max(values) < INFINITE)):
        return values, []
    strange = [place for place, value in enumerate(values) if not abs(value) < INFINITE]
    return ([value for value in values if abs(value) < INFINITE] if strange else values), strange


def _joined(ends: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return float(min(low for low, _ in ends)), float(max(high for _, high in ends))


def _range(archive: zipfile.ZipFile, header: Header, budget: Budget) -> tuple[tuple[float, float] | None, set[int]]:
    """Return smallest and largest number (``None`` where time does not suffice, and for half floats), and the samples that hold none."""
    ends: list[tuple[float, float]] = []
    samples = header.shape[0]
    size, broken, start = max(1, math.prod(header.shape[1:])), set[int](), 0
    for values in _values(archive, header, budget, row=1):
        fine, strange = _finite(values)
        broken |= {(start + place) % samples if header.fortran else (start + place) // size for place in strange}
        start += len(values)
        if fine:
            ends.append((min(fine), max(fine)))
    if not ends or budget.is_spent:
        return None, broken
    return _joined(ends), broken


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
