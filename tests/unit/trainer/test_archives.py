from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainyard.service.trainer.data import reading
from trainyard.service.trainer.data.samples import Samples
from trainyard.service.trainer.failures import DataError


@pytest.fixture
def read(typed: Any, tmp_path: Path) -> Any:
    def read_arrays(task: str = "classification", *, spec: dict[str, Any] | None = None, **arrays: Any) -> Samples:
        np.savez(tmp_path / "t.npz", **arrays)
        dataset = {"type": "npz", "path": "t.npz", **(spec or {})}
        return reading.read(typed(dataset=dataset, task=task).dataset, task, tmp_path)

    return read_arrays


def test_bytes_stay_bytes_and_other_numbers_become_float32(read: Any) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    assert read(x=pixels, y=[0, 1, 1]).inputs.dtype == np.uint8
    assert read(x=pixels.astype(np.int64), y=[0, 1, 1]).inputs.dtype == np.float32


def test_declared_names_are_given_to_numbered_labels(read: Any) -> None:
    samples = read(x=np.zeros((3, 2)), y=[2, 0, 2], spec={"facts": {"classes": ["zero", "one", "two"]}})

    assert samples.classes == ("zero", "one", "two")
    assert samples.targets.tolist() == [2, 0, 2]


def test_one_hot_rows_are_read_as_classes(read: Any) -> None:
    samples = read(x=np.zeros((3, 2)), y=np.eye(3)[[2, 0, 1]])

    assert samples.targets.tolist() == [2, 0, 1]
    assert samples.classes == ("0", "1", "2")


def test_rows_that_are_not_one_hot_are_refused(read: Any) -> None:
    with pytest.raises(DataError, match="one-hot"):
        read(x=np.zeros((2, 2)), y=[[1, 1], [0, 1]])


def test_a_missing_array_is_named_with_those_that_are_there(read: Any) -> None:
    with pytest.raises(DataError, match='no array "x"; it has: images, y'):
        read(images=np.zeros((2, 2)), y=[0, 1])


def test_arrays_of_different_length_are_refused(read: Any) -> None:
    with pytest.raises(DataError, match='"x" has 3 samples and "y" has 2'):
        read(x=np.zeros((3, 2)), y=[0, 1])


def test_nan_is_a_bad_sample(read: Any) -> None:
    inputs = np.ones((4, 2))
    inputs[2, 1] = np.nan
    with pytest.raises(DataError, match=r"1 of the samples .*sample 2: holds NaN or infinity"):
        read(x=inputs, y=[0, 1, 0, 1])

    samples = read(x=inputs, y=[0, 1, 0, 1], spec={"bad_records": "skip"})
    assert samples.targets.tolist() == [0, 1, 1]


def test_pickled_objects_are_never_loaded(read: Any) -> None:
    with pytest.raises(DataError, match="no NumPy archive that can be read"):
        read(x=np.array([{"a": 1}, None], dtype=object), y=[0, 1])


def test_regression_targets_are_rows_of_numbers(read: Any) -> None:
    samples = read("regression", x=np.zeros((3, 2)), y=[0.5, 1.5, 2.5])

    assert samples.targets.shape == (3, 1)
    assert samples.targets.dtype == np.float32


def test_values_that_fill_the_declared_shape_are_brought_into_it(read: Any) -> None:
    assert read(x=np.zeros((3, 12)), y=[0, 1, 1], spec={"input_shape": [2, 2, 3]}).inputs.shape == (3, 2, 2, 3)


def test_what_is_no_archive_is_a_sentence_without_a_path(typed: Any, tmp_path: Path) -> None:
    (tmp_path / "t.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(DataError, match=r'"t\.npz" is no NumPy archive') as caught:
        reading.read(typed(dataset={"type": "npz", "path": "t.npz"}).dataset, "classification", tmp_path)
    assert str(tmp_path) not in str(caught.value)
