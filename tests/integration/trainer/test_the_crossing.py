"""Everything crossed with everything, two at a time: it trains, or it was refused before anything ran."""

from pathlib import Path
from typing import Any

import pytest
from tests.integration.trainer import crossing, pairs

# Rows that cover the most pairs come first; all of them take minutes and run with the measurements.
FIRST = pairs.cover(crossing.AXES, seed=1)[:20]


@pytest.mark.parametrize("row", FIRST, ids=lambda row: "-".join(row.values()))
def test_a_crossed_spec_is_refused_beforehand_or_trains(row: dict[str, str], data_root: Path, tmp_path: Path) -> None:
    fate = crossing.fate(crossing.write(row), data_root, tmp_path / "run")

    assert fate.word in {"trained", "refused"}, fate


def test_rows_cover_every_pair() -> None:
    axes = {"a": ("1", "2", "3"), "b": ("x", "y"), "c": ("p", "q", "r")}

    rows = pairs.cover(axes, seed=1)

    seen = {(one, row[one], other, row[other]) for row in rows for one in axes for other in axes if one < other}
    assert len(seen) == 3 * 2 + 3 * 3 + 2 * 3
    assert len(rows) <= 11


def test_most_of_the_first_rows_are_trained(data_root: Path, tmp_path: Path) -> None:
    """A test in which everything is refused would prove nothing."""
    row: dict[str, Any] = {"model": "graph", "task": "multilabel", "data": "npz", "optimizer": "lion", "schedule": "product"}

    fate = crossing.fate(crossing.write(row | {"imbalance": "none", "precision": "mixed_bfloat16"}), data_root, tmp_path / "run")

    assert fate.word == "trained", fate


def test_pairs_that_nothing_allows_are_named_and_all_others_are_covered() -> None:
    axes = {"a": ("1", "2", "3"), "b": ("x", "y"), "c": ("p", "q", "r")}

    rows, refused = pairs.cover_allowed(axes, lambda row: (row["a"], row["b"]) != ("2", "y"), seed=1)

    assert refused == [{"a": "2", "b": "y"}]
    assert len(pairs.of(rows)) == 3 * 2 + 3 * 3 + 2 * 3 - 1
    assert all((row["a"], row["b"]) != ("2", "y") for row in rows)
