"""How many samples, and which, go into training, validation and test.

One pure function serves plan, rules and trainer alike, so that the number of steps that a rule warns
about is the number of steps that the trainer takes. Totals are apportioned first and classes after that:
rounding every class by itself drifts (over the 25 families of MalImg it gives 1,405 and 1,396 samples for
validation and test, which asked for 1,401 each). Everything is integer arithmetic, because ``140 * 0.7`` is
97.99999999999999 in floating point. Knows nothing of files: a part with a path of its own takes nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trainyard.linter.spec.model.dataset import Part, Split

# Fractions are taken to this many parts per whole: finer than any that a person writes.
_RESOLUTION = 10**12

TRAIN, VALIDATION, TEST = range(3)


class PartCounts(NamedTuple):
    """Samples per class in each part; all three tuples are as long as the counts they were made from."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


class Parts(NamedTuple):
    """Ascending sample indices of each part; every sample is in exactly one."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


def part_sizes(split: Split, counts: Sequence[int]) -> PartCounts:
    """Return the samples per class in each part, for a set with ``counts`` samples per class.

    Totals follow the largest remainder (Hamilton's method) and so does every class within them. Exact for
    ``stratified``; for the other methods totals are exact and the classes are what is expected.
    A set without classes is one class. Where validation and test ask for more than there is, validation is
    served first and training may be left with nothing.
    """
    counts = [max(0, count) for count in counts]
    shares = _shares(split, sum(counts))
    columns = zip(*_controlled_rounding(counts, shares), strict=True) if counts else ((), (), ())
    return PartCounts(*(tuple(column) for column in columns))


def assign(split: Split, labels: Sequence[int], classes: int, groups: Sequence[object] | None = None) -> Parts:
    """Return which samples go where: a pure function of its arguments, the same on every machine and Python.

    ``labels`` are class indices below ``classes`` (all zero where there are no classes). ``stratified`` and
    ``random`` shuffle by ``split.seed``; ``tail`` takes validation and then test from the end, ``head`` the same
    mirrored; ``group`` keeps samples with equal ``groups`` together, so its totals are as near as groups allow.
    """
    if split.method == "stratified":
        return _assign_by_class(part_sizes(split, _count(labels, classes)), labels, _shuffled(len(labels), split.seed))
    whole = part_sizes(split, (len(labels),))
    if split.method == "group" and groups is not None:
        return _assign_groups(whole, groups, split.seed)
    if split.method in {"head", "tail"}:
        return _assign_in_order(whole, len(labels), from_head=split.method == "head")
    return _assign_by_class(whole, [0] * len(labels), _shuffled(len(labels), split.seed))


def _shares(split: Split, total: int) -> tuple[int, int, int]:
    """Return how much of ``_RESOLUTION * total`` each part gets; the three add up to it."""
    whole = _RESOLUTION * total
    validation = min(_share(split.validation, total), whole)
    test = min(_share(split.test, total), whole - validation)
    return whole - validation - test, validation, test


def _share(part: Part | None, total: int) -> int:
    if part is None or part.path is not None:
        return 0
    if part.samples is not None:
        return max(0, part.samples) * _RESOLUTION
    return round(min(1.0, max(0.0, part.fraction or 0.0)) * _RESOLUTION) * total


def _controlled_rounding(counts: Sequence[int], shares: tuple[int, ...]) -> list[list[int]]:
    """Round the table counts x shares to whole samples so that rows add up to counts and columns to their totals.

    Floors first; what is missing goes to the cells with the largest remainders whose row and column still
    lack a sample. Two rounds suffice unless rows and columns cross awkwardly; a third takes any open cell.
    """
    whole = sum(shares)
    if whole == 0:
        return [[0] * len(shares) for _ in counts]
    # Thousands of classes have few different counts, and a division of long numbers is dear.
    quota = {count: [divmod(count * share, whole) for share in shares] for count in set(counts)}
    quotas = [quota[count] for count in counts]
    table = [[floor for floor, _ in row] for row in quotas]
    open_rows = [count - sum(row) for count, row in zip(counts, table, strict=True)]
    totals = _largest_remainder(sum(counts), shares)
    open_columns = [total - sum(column) for total, column in zip(totals, zip(*table, strict=True), strict=True)]
    if not any(open_rows):
        return table
    lacking = [-remainder for cells in quotas for _, remainder in cells]
    # Stable: of equal remainders the first row, and there the first column, goes first.
    by_remainder = [divmod(cell, len(shares)) for cell in sorted(range(len(lacking)), key=lacking.__getitem__)]
    while any(open_rows):
        for row, column in by_remainder:
            if open_rows[row] and open_columns[column]:
                table[row][column] += 1
                open_rows[row] -= 1
                open_columns[column] -= 1
    return table


def _largest_remainder(total: int, shares: Sequence[int]) -> list[int]:
    """Apportion ``total`` by ``shares``: floors, then one more to each of the largest remainders."""
    whole = sum(shares)
    quotas = [divmod(total * share, whole) for share in shares]
    sizes = [floor for floor, _ in quotas]
    order = sorted(range(len(shares)), key=lambda i: -quotas[i][1])
    for i in order[: total - sum(sizes)]:
        sizes[i] += 1
    return sizes


def _count(labels: Iterable[int], classes: int) -> list[int]:
    counts = [0] * classes
    for label in labels:
        counts[label] += 1
    return counts


def _shuffled(count: int, seed: int) -> list[int]:
    """Return 0 … count - 1 in an order drawn from ``seed``.

    Sorted by ``Random.random``, whose sequence Python promises to keep; ``shuffle`` carries no such promise.
    """
    from random import Random  # costs 3 ms at import, and only the trainer assigns

    draw = Random(seed).random
    keys = [draw() for _ in range(count)]
    return sorted(range(count), key=keys.__getitem__)


def _assign_by_class(sizes: PartCounts, labels: Sequence[int], order: Iterable[int]) -> Parts:
    """Walk ``order`` and fill validation, then test, then training of each sample's class."""
    validation_left, test_left = list(sizes.validation), list(sizes.test)
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for index in order:
        label = labels[index]
        if validation_left[label]:
            validation_left[label] -= 1
            parts[VALIDATION].append(index)
        elif test_left[label]:
            test_left[label] -= 1
            parts[TEST].append(index)
        else:
            parts[TRAIN].append(index)
    return _sorted(parts)


def _assign_in_order(sizes: PartCounts, count: int, *, from_head: bool) -> Parts:
    """Cut the range once: training, validation, test from front to back, or mirrored."""
    validation, test = sum(sizes.validation), sum(sizes.test)
    train = count - validation - test
    if from_head:
        return Parts(tuple(range(test + validation, count)), tuple(range(test, test + validation)), tuple(range(test)))
    return Parts(tuple(range(train)), tuple(range(train, train + validation)), tuple(range(train + validation, count)))


def _assign_groups(sizes: PartCounts, groups: Sequence[object], seed: int) -> Parts:
    """Give whole groups, in an order drawn from ``seed``, to the part that lacks the most samples."""
    members: dict[object, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    names = list(members)
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    targets = [sum(size) for size in sizes]
    for position in _shuffled(len(names), seed):
        lacking = max(range(3), key=lambda part: targets[part] - len(parts[part]))
        parts[lacking].extend(members[names[position]])
    return _sorted(parts)


def _sorted(parts: tuple[list[int], list[int], list[int]]) -> Parts:
    return Parts(*(tuple(sorted(part)) for part in parts))
