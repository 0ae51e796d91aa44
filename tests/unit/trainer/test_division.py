from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainyard.linter.estimate.split import part_sizes
from trainyard.linter.spec.model.dataset import Dataset
from trainyard.service.trainer.data import declared, division
from trainyard.service.trainer.data.division import Division, Part
from trainyard.service.trainer.data.oversampling import repeat_rare
from trainyard.service.trainer.data.statistics import measure
from trainyard.service.trainer.failures import DataError

COUNTS = (50, 30, 8)


@pytest.fixture
def dataset(typed: Any, tmp_path: Path) -> Callable[..., Dataset]:
    def make(**changes: Any) -> Dataset:
        labels = np.repeat(np.arange(len(COUNTS)), COUNTS)
        np.savez(tmp_path / "t.npz", x=np.arange(len(labels), dtype=np.float32).reshape(-1, 1), y=labels, who=labels * 100)
        made: Dataset = typed(dataset={"type": "npz", "path": "t.npz", **changes}).dataset
        return made

    return make


@pytest.fixture
def divide(dataset: Callable[..., Dataset], tmp_path: Path) -> Callable[..., Division]:
    return lambda **changes: division.read(dataset(**changes), "classification", tmp_path)


def _indices(part: Part | None) -> set[int]:
    assert part is not None
    return set(part.indices.tolist())


def test_parts_share_no_sample_and_hold_them_all(divide: Callable[..., Division]) -> None:
    parts = divide()

    sets = [_indices(parts.train), _indices(parts.validation), _indices(parts.test)]
    assert set.union(*sets) == set(range(sum(COUNTS)))
    assert sum(map(len, sets)) == sum(COUNTS)


def test_counts_are_those_that_the_linter_predicts(divide: Callable[..., Division], dataset: Callable[..., Dataset]) -> None:
    split = {"method": "stratified", "validation": 0.2, "test": 0.1}

    assert divide(split=split).class_counts == part_sizes(dataset(split=split).split, COUNTS).train


def test_a_part_that_stays_empty_is_refused(divide: Callable[..., Division]) -> None:
    with pytest.raises(DataError, match="no samples for the training part"):
        divide(split={"validation": {"samples": 80}, "test": {"samples": 8}, "method": "random"})


def test_samples_of_one_group_stay_together(divide: Callable[..., Division]) -> None:
    parts = divide(split={"method": "group", "group": "who", "validation": 0.4, "test": None})

    labels = {name: set(part.targets[part.indices].tolist()) for name, part in (("t", parts.train), ("v", parts.validation)) if part}
    assert labels["t"].isdisjoint(labels["v"])


def test_a_part_with_a_path_of_its_own_is_read_from_there(divide: Callable[..., Division], tmp_path: Path) -> None:
    np.savez(tmp_path / "later.npz", x=np.ones((2, 1), dtype=np.float32), y=[2, 1])

    parts = divide(split={"validation": "later.npz", "test": None})

    assert parts.validation is not None
    assert parts.validation.targets[parts.validation.indices].tolist() == [2, 1]
    assert len(parts.train) == sum(COUNTS)


def test_a_class_that_only_the_other_part_has_is_refused(divide: Callable[..., Division], tmp_path: Path) -> None:
    np.savez(tmp_path / "later.npz", x=np.ones((2, 1), dtype=np.float32), y=[7, 1])

    with pytest.raises(DataError, match=r'"later\.npz" has the class "7"'):
        divide(split={"validation": "later.npz", "test": None})


@pytest.mark.parametrize(
    "facts, sentence",
    [
        ({"samples": 87}, "declares 87 samples and there are 88"),
        ({"samples": {"at_least": 100}}, "at least 100 samples and there are 88"),
        ({"samples": {"at_most": 10}}, "at most 10 samples and there are 88"),
        ({"classes": 4}, "declares 4 classes and there are 3"),
        ({"class_counts": {"0": 50, "1": 31, "2": 8}}, 'declares 31 samples of the class "1" and there are 30'),
        ({"class_counts": [50, 30, 9]}, 'declares 9 samples of the class "2" and there are 8'),
    ],
)
def test_declared_facts_that_are_not_so_are_refused(
    dataset: Callable[..., Dataset], divide: Callable[..., Division], facts: dict[str, Any], sentence: str
) -> None:
    found = dataset(facts=facts)
    with pytest.raises(DataError, match=sentence):
        declared.check(found.facts, divide().whole, COUNTS)


def test_true_facts_pass(dataset: Callable[..., Dataset], divide: Callable[..., Division]) -> None:
    found = dataset(facts={"samples": 88, "classes": 3, "class_counts": list(COUNTS)})
    declared.check(found.facts, divide().whole, COUNTS)


def test_oversampling_brings_every_class_to_the_target_and_loses_no_sample() -> None:
    labels = np.repeat([0, 1, 2], COUNTS)
    part = Part(np.zeros((88, 1)), labels, np.arange(88))

    repeated = repeat_rare(part, 0.8, seed=1)

    assert np.bincount(labels[repeated.indices]).tolist() == [50, 40, 40]
    assert set(repeated.indices.tolist()) == set(range(88))


def test_statistics_are_those_of_the_part_alone_and_survive_a_large_offset() -> None:
    values = np.random.default_rng(1).normal(1e6, 1.0, size=(5000, 3)).astype(np.float32)
    part = Part(values, np.zeros(5000), np.arange(0, 5000, 2))

    seen = measure(part)

    exact = values[::2].astype(np.float64)
    np.testing.assert_allclose(seen.mean, exact.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(seen.variance, exact.var(axis=0), rtol=1e-9)
    np.testing.assert_array_equal(seen.low, exact.min(axis=0))
    np.testing.assert_array_equal(seen.high, exact.max(axis=0))
