"""Rows that together hold every pair of values of any two axes: far fewer than the product (Cohen 1997, greedy)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

Row = dict[str, str]
# So many rows around a pair are tried before it counts as one that nothing allows.
_TRIES = 40


def cover_allowed(axes: Mapping[str, Sequence[str]], allowed: Callable[[Row], bool], seed: int) -> tuple[list[Row], list[Row]]:
    """Return allowed rows that together hold every pair that some allowed row holds, and the pairs that none was found for."""
    draw = random.Random(seed)
    names = list(axes)
    missing = {(first, one, second, other) for first, second in combinations(names, 2) for one in axes[first] for other in axes[second]}
    rows: list[Row] = []
    refused: list[Row] = []
    while missing:
        first, one, second, other = pair = draw.choice(sorted(missing))
        around = ({**{name: draw.choice(axes[name]) for name in names}, first: one, second: other} for _ in range(_TRIES))
        found = [row for row in around if allowed(row)]
        if found:
            rows.append(max(found, key=lambda row: len(_pairs(row, names) & missing)))
            missing -= _pairs(rows[-1], names)
        else:
            refused.append({first: one, second: other})
            missing.discard(pair)
    return rows, refused


def cover(axes: Mapping[str, Sequence[str]], seed: int) -> list[Row]:
    """Return rows that cover all pairs, those that cover the most first."""
    draw = random.Random(seed)
    names = list(axes)
    missing = {(first, one, second, other) for first, second in combinations(names, 2) for one in axes[first] for other in axes[second]}
    rows: list[Row] = []
    while missing:
        tries = [_row(axes, names, missing, draw) for _ in range(30)]
        best = max(tries, key=lambda row: len(_pairs(row, names) & missing))
        missing -= _pairs(best, names)
        rows.append(best)
    return rows


def of(rows: Sequence[Row]) -> set[tuple[str, str, str, str]]:
    """Return every pair of values of two axes that some row holds."""
    return {pair for row in rows for pair in _pairs(row, sorted(row))}


def _row(axes: Mapping[str, Sequence[str]], names: list[str], missing: set[tuple[str, str, str, str]], draw: random.Random) -> Row:
    """Return a row that starts from one missing pair and takes what covers the most, axis by axis."""
    first, one, second, other = draw.choice(sorted(missing))
    row = {first: one, second: other}
    for name in draw.sample(names, len(names)):
        if name not in row:
            order = draw.sample(list(axes[name]), len(axes[name]))
            row[name] = max(order, key=lambda value: sum(_pair(name, value, known, row[known], names) in missing for known in row))
    return row


def _pair(name: str, value: str, known: str, other: str, names: list[str]) -> tuple[str, str, str, str]:
    return (name, value, known, other) if names.index(name) < names.index(known) else (known, other, name, value)


def _pairs(row: Row, names: list[str]) -> set[tuple[str, str, str, str]]:
    return {(first, row[first], second, row[second]) for first, second in combinations(names, 2)}
