"""The split is one pure function; these hold its sums, its fairness and its determinism."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.corpora.malimg import COUNTS

from trainyard.linter.estimate.split import PartCounts, assign, part_sizes
from trainyard.linter.spec.model.dataset import Part, Split

MALIMG = tuple(COUNTS.values())


def fraction(share: float) -> Part:
    return Part(share, None, None)


def split(validation: Part | None = None, test: Part | None = None, method: str = "stratified", seed: int = 42) -> Split:
    return Split(validation, test, method, None, seed)


DEFAULT = split(fraction(0.15), fraction(0.15))


def test_malimg_keeps_6537_samples_for_training() -> None:
    sizes = part_sizes(DEFAULT, MALIMG)
    assert [sum(part) for part in sizes] == [6537, 1401, 1401]


def test_every_class_of_malimg_is_within_one_sample_of_its_share() -> None:
    sizes = part_sizes(DEFAULT, MALIMG)
    for count, train, validation, test in zip(MALIMG, *sizes, strict=True):
        assert train + validation + test == count
        assert abs(train - 0.7 * count) < 1
        assert abs(validation - 0.15 * count) < 1
        assert abs(test - 0.15 * count) < 1


@given(st.lists(st.integers(0, 400), max_size=30), st.floats(0, 1.2), st.floats(0, 1.2))
def test_no_class_is_negative_and_no_sample_is_lost(counts: list[int], validation: float, test: float) -> None:
    sizes = part_sizes(split(fraction(validation), fraction(test)), counts)
    assert all(size >= 0 for part in sizes for size in part)
    assert [sum(parts) for parts in zip(*sizes, strict=True)] == counts
    total = sum(counts)
    assert abs(sum(sizes.validation) - min(validation, 1.0) * total) < 1


@given(st.integers(1, 10**6), st.sampled_from([0.1, 0.2, 0.3, 0.15, 0.07, 0.7]))
def test_a_whole_number_of_samples_is_not_lost_to_floating_point(hundreds: int, share: float) -> None:
    total = 100 * hundreds
    assert sum(part_sizes(split(fraction(share)), (total,)).validation) == round(share * 100) * hundreds


def test_a_number_of_samples_is_taken_exactly() -> None:
    sizes = part_sizes(split(Part(None, 10, None), Part(None, 5, None)), (40, 60))
    assert sizes == PartCounts((34, 51), (4, 6), (2, 3))


def test_a_part_with_its_own_path_takes_nothing() -> None:
    sizes = part_sizes(split(Part(None, None, "val"), fraction(0.5)), (10, 10))
    assert sizes == PartCounts((5, 5), (0, 0), (5, 5))


def test_asking_for_more_than_there_is_leaves_training_empty() -> None:
    sizes = part_sizes(split(Part(None, 8, None), Part(None, 8, None)), (6, 4))
    assert [sum(part) for part in sizes] == [0, 8, 2]


def test_an_empty_set_has_empty_parts() -> None:
    assert part_sizes(DEFAULT, ()) == PartCounts((), (), ())
    assert part_sizes(DEFAULT, (0, 0)) == PartCounts((0, 0), (0, 0), (0, 0))


@given(st.lists(st.integers(0, 4), max_size=200), st.integers(0, 5), st.sampled_from(["stratified", "random", "head", "tail"]))
def test_every_sample_lands_in_exactly_one_part_of_the_announced_size(labels: list[int], seed: int, method: str) -> None:
    asked = split(fraction(0.15), fraction(0.2), method, seed)
    parts = assign(asked, labels, 5)
    assert sorted(index for part in parts for index in part) == list(range(len(labels)))
    counts = [labels.count(label) for label in range(5)] if method == "stratified" else [len(labels)]
    sizes = part_sizes(asked, counts)
    assert [len(part) for part in parts] == [sum(size) for size in sizes]
    if method == "stratified":
        for part, size in zip(parts, sizes, strict=True):
            drawn = Counter(labels[index] for index in part)
            assert tuple(drawn[label] for label in range(5)) == size


def test_the_same_seed_gives_the_same_parts_and_another_seed_others() -> None:
    labels = [index % 3 for index in range(300)]
    assert assign(DEFAULT, labels, 3) == assign(DEFAULT, labels, 3)
    assert assign(DEFAULT, labels, 3) != assign(split(fraction(0.15), fraction(0.15), seed=43), labels, 3)


def test_the_draw_is_the_one_that_every_release_before_made() -> None:
    parts = assign(split(fraction(0.3), None, "random"), [0] * 10, 1)
    assert parts.validation == (1, 7, 9)


def test_tail_cuts_the_end_and_head_the_beginning() -> None:
    asked = split(fraction(0.2), fraction(0.1), "tail")
    assert assign(asked, [0] * 10, 1).test == (9,)
    assert assign(asked, [0] * 10, 1).validation == (7, 8)
    mirrored = split(fraction(0.2), fraction(0.1), "head")
    assert assign(mirrored, [0] * 10, 1).test == (0,)
    assert assign(mirrored, [0] * 10, 1).validation == (1, 2)


def test_samples_of_one_group_stay_together() -> None:
    groups = [index // 7 for index in range(210)]
    parts = assign(split(fraction(0.2), fraction(0.2), "group"), [0] * 210, 1, groups)
    owners = [{groups[index] for index in part} for part in parts]
    assert not owners[0] & owners[1]
    assert not owners[0] & owners[2]
    assert not owners[1] & owners[2]
    assert [len(part) for part in parts] == pytest.approx([126, 42, 42], abs=7)


def test_a_hundred_thousand_labels_cost_no_more_than_six_million_squares(cost: Callable[[Callable[[], object]], float]) -> None:
    labels = [index % 25 for index in range(100_000)]
    assert cost(lambda: assign(DEFAULT, labels, 25)) < 6
