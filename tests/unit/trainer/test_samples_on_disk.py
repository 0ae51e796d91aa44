"""Samples that memory does not hold: read from a file of their own, to the last bit the same."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as arrow_parquet
import pytest
from PIL import Image

from trainyard.linter.facts import images as facts
from trainyard.linter.spec.model.dataset import Dataset
from trainyard.service.trainer.data import budget, csv_types, images, members, reading, table, table_file
from trainyard.service.trainer.data.division import Part
from trainyard.service.trainer.data.on_disk import OnDisk
from trainyard.service.trainer.data.samples import Samples
from trainyard.service.trainer.data.statistics import measure
from trainyard.service.trainer.failures import DataError, DiskFullError, TrainerError

Read = Callable[..., Samples]
_SMALL = 4096


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for caches; the disk below it is as large as one wants."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TRAINYARD_CACHE", str(folder))
    return folder


@pytest.fixture
def both(typed: Any, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, Any]]:
    """Reads a dataset in memory and from disk, in many small stretches; a refusal is its sentence."""

    def read_one(dataset: Dataset, task: str) -> Any:
        try:
            return reading.read(dataset, task, tmp_path)
        except TrainerError as error:
            return str(error)

    def read_both(task: str = "classification", **changes: Any) -> tuple[Any, Any]:
        declared = {"classes": None, **changes.pop("facts", {})}
        many = {"max_bad_records": 1000} if changes.get("bad_records") == "skip" else {}
        dataset = typed(dataset={"input_shape": None, **many, **changes, "facts": declared}, task=task).dataset
        in_memory = read_one(dataset, task)
        monkeypatch.setenv("TRAINYARD_SAMPLE_MEMORY_MIB", "0")
        monkeypatch.setattr(budget, "claim", lambda *_: None)
        for module in (table, members):
            monkeypatch.setattr(module, "_STRETCH_BYTES", _SMALL)
        monkeypatch.setattr(table_file, "_PARQUET_ROWS", 100)
        monkeypatch.setattr(csv_types, "ONE_THREAD", pa.csv.ReadOptions(use_threads=False, block_size=_SMALL))
        on_disk = read_one(dataset, task)
        assert not cache.exists() or list(cache.iterdir()) == []
        return in_memory, on_disk

    return read_both


def same(pair: tuple[Any, Any]) -> Samples:
    """Hold both readings against each other and return the one in memory."""
    in_memory, on_disk = pair
    assert isinstance(in_memory, Samples), in_memory
    assert isinstance(on_disk, Samples), on_disk
    assert isinstance(in_memory.inputs, np.ndarray)
    assert isinstance(on_disk.inputs, OnDisk)
    assert on_disk.inputs.shape == in_memory.inputs.shape
    assert on_disk.inputs.dtype == in_memory.inputs.dtype
    assert on_disk.inputs[:].tobytes() == in_memory.inputs.tobytes()
    assert on_disk.targets.tobytes() == in_memory.targets.tobytes()
    assert on_disk.targets.dtype == in_memory.targets.dtype
    others = ("classes", "groups", "columns", "bad")
    assert [getattr(on_disk, name) for name in others] == [getattr(in_memory, name) for name in others]
    return in_memory


def _lines(cells: Callable[[int], str], count: int = 600) -> str:
    return "".join(f"{cells(row)}\n" for row in range(count))


CSV: dict[str, tuple[str, dict[str, Any]]] = {
    "numbers and words": (_lines(lambda row: f"{row},{row / 7},{'red' if row % 3 else 'blue'},{row % 4}"), {}),
    "whole numbers that become fractions": (_lines(lambda row: f"{row if row < 500 else row / 3},1,red,{row % 2}"), {}),
    "a column that is empty at first": (_lines(lambda row: f"{row},{'' if row < 400 else row},red,{row % 2}"), {"bad_records": "skip"}),
    "stray words and holes": (
        _lines(lambda row: f"{'?' if row == 550 else row},{'' if row == 7 else row},red,{row % 2}"),
        {"bad_records": "skip", "max_bad_records": 9},
    ),
    "flags that become numbers": (_lines(lambda row: f"{row},{'true' if row < 300 else row},red,{row % 2}"), {"bad_records": "skip"}),
    "flags, then nothing for long, then numbers": (
        _lines(lambda row: f"{row},{'true' if row < 200 else '' if row < 900 else row},red,{row % 2}", 1200),
        {"bad_records": "skip"},
    ),
    "numbers that become flags": (_lines(lambda row: f"{row},{'true' if row > 300 else row % 2},red,{row % 2}"), {}),
    "rows of other lengths": (
        _lines(lambda row: f"{row},{'' if row in {9, 500} else 1},red,{row % 2}" + (",7" if row in {3, 399, 400, 599} else "")),
        {"bad_records": "skip"},
    ),
    "lines within cells": (_lines(lambda row: f'{row},1,"re\nd ""{row % 3}""",{row % 2}'), {}),
    "dates as words": (_lines(lambda row: f"{row},1,2024-01-0{1 + row % 9},{row % 2}"), {}),
    "dates and words as words": (_lines(lambda row: f"{row},1,{'2024-01-01' if row < 300 else 'later'},{row % 2}"), {}),
    "dates and moments": (_lines(lambda row: f"{row},1,{'2024-01-01' if row < 300 else '2024-01-01 10:00:00'},{row % 2}"), {}),
    "labels as written": (_lines(lambda row: f"{row},1,red,{'01' if row < 500 else 'x' if row < 550 else '1.0'}"), {}),
    "groups": (
        _lines(lambda row: f"{row},1,red,{row % 2}"),
        {"split": {"method": "group", "group": "size"}, "features": ["weight", "colour"]},
    ),
    "refused: words": (_lines(lambda row: f"{row},{'heavy' if row else 'light'},red,{row % 2}"), {}),
    "refused: nothing in it": (_lines(lambda row: f"{row},,red,{row % 2}"), {}),
    "refused: no category": (_lines(lambda row: f"{row},1,,{row % 2}"), {}),
    "refused: too many bad": (
        _lines(lambda row: f"{row},{'' if row % 2 else 1},red,{row % 3}"),
        {"bad_records": "skip", "max_bad_records": 9},
    ),
    "refused: one class": (_lines(lambda row: f"{row},1,red,7"), {}),
    "refused: fractions as labels": (_lines(lambda row: f"{row},1,red,{row / 2}"), {}),
    "refused: dates as numbers": (_lines(lambda row: f"{row},2024-01-01,red,{row % 2}"), {}),
}


@pytest.mark.parametrize("name", CSV)
def test_a_csv_file_is_the_same_from_disk_as_in_memory(both: Any, tmp_path: Path, name: str) -> None:
    text, changes = CSV[name]
    (tmp_path / "t.csv").write_text("size, weight,colour,label\n" + text, encoding="utf-8")
    written = {"features": ["size", "weight", "colour"], "categorical": ["colour"], **changes}
    found = both(**written)
    if name.startswith("refused"):
        assert isinstance(found[0], str)
        assert found[0] == found[1]
    else:
        samples = same(found)
        if name == "rows of other lengths":
            assert [record.name for record in samples.bad] == [f"row {line}" for line in (5, 401, 402, 601, 11, 502)]


@pytest.mark.parametrize("task, target", [("regression", "weight"), ("multilabel", ["a", "b"]), ("classification", ["a", "b"])])
def test_every_kind_of_target_is_the_same_from_disk(both: Any, tmp_path: Path, task: str, target: Any) -> None:
    rows = "".join(f"{row},{row / 3},{row % 2},{1 - row % 2}\n" for row in range(500))
    (tmp_path / "t.csv").write_text("size,weight,a,b\n" + rows, encoding="utf-8")

    same(both(task, features=["size"], target=target, **({"facts": {}} if task == "regression" else {})))


def test_a_parquet_file_is_the_same_from_disk_as_in_memory(both: Any, tmp_path: Path) -> None:
    draws = np.random.default_rng(3)
    columns = {
        "size": draws.normal(size=900),
        "weight": draws.integers(0, 9, 900),
        "colour": pa.array([["red", "blue", None][row % 3] if row > 5 else "red" for row in range(900)]).dictionary_encode(),
        "more": pa.array([None if row == 30 else float(row) for row in range(900)]),
        "label": [f"kind {row % 5}" for row in range(900)],
    }
    arrow_parquet.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=250)
    written = {"type": "parquet", "path": "t.parquet", "target": "label", "categorical": ["colour"]}

    samples = same(both(**written, bad_records="skip"))
    assert samples.inputs.shape[1] == 5
    assert len(samples.bad) == 299


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["uint8", "float64", "int16", ">f4", "bool"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_the_same_from_disk_as_in_memory(both: Any, tmp_path: Path, order: Any, kind: str, save: Any) -> None:
    values = np.random.default_rng(3).integers(0, 255, (300, 5, 4, 3)).astype(kind)
    if values.dtype.kind == "f":
        values[[7, 200], 2] = np.nan
    save(tmp_path / "t.npz", x=np.asarray(values, order=order), y=np.arange(300) % 3, site=np.arange(300) % 7)
    split = {"method": "group", "group": "site"}

    samples = same(both(type="npz", path="t.npz", bad_records="skip", split=split))
    assert len(samples.bad) == (2 if values.dtype.kind == "f" else 0)


def test_pictures_are_the_same_from_disk_as_in_memory(both: Any, image_folder: Path) -> None:
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(8, 6)).save(image_folder / "pictures" / "a" / "9.png")
    (image_folder / "pictures" / "a" / "0.png").write_bytes(b"no picture")
    written = {"type": "image_directory", "path": "pictures", "bad_records": "skip", "max_bad_records": 3}

    samples = same(both(**written, input_shape=[8, 6, 1]))
    assert [record.name for record in samples.bad] == ["a/0.png"]


def test_statistics_and_batches_are_those_of_memory(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(500, 3, 2)).astype(np.float32)
    laid = OnDisk(tmp_path, values.shape, values.dtype)
    laid.put(0, values)
    rows = np.random.default_rng(2).permutation(500)[:333]

    assert laid[rows].tobytes() == values[rows].tobytes()
    assert laid[10:20:3].tobytes() == values[10:20:3].tobytes()
    assert laid[rows[:0]].shape == (0, 3, 2)
    assert laid.reshape(500, 6)[rows].tobytes() == values.reshape(500, 6)[rows].tobytes()
    ours, theirs = (measure(Part(some, rows, rows)) for some in (laid, values))
    assert ours.mean.tobytes() == theirs.mean.tobytes()
    assert ours.variance.tobytes() == theirs.variance.tobytes()


def test_the_file_has_no_name_from_the_first_moment_on(tmp_path: Path) -> None:
    laid = OnDisk(tmp_path, (10, 4), np.dtype(np.uint8))
    laid.put(0, np.ones((10, 4), np.uint8))

    assert list(tmp_path.iterdir()) == []
    assert laid[:].all()


@pytest.mark.parametrize("code, words", [(errno.ENOSPC, "no room"), (errno.EDQUOT, "no room"), (errno.EFBIG, "so long")])
def test_a_disk_that_is_full_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DiskFullError, match=words):
        OnDisk(tmp_path, (10, 4), np.dtype(np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_while_samples_are_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laid = OnDisk(tmp_path, (10, 4), np.dtype(np.uint8))

    def full(*_arguments: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(DiskFullError, match="no room"):
        laid.put(0, np.ones((1, 4), np.uint8))


def test_writes_and_reads_that_are_cut_short_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laid, values = OnDisk(tmp_path, (10, 4), np.dtype(np.uint8)), np.arange(40, dtype=np.uint8).reshape(10, 4)
    write, read = os.pwrite, os.preadv
    monkeypatch.setattr(os, "pwrite", lambda file, data, place: write(file, data[:7], place))
    monkeypatch.setattr(os, "preadv", lambda file, buffers, place: read(file, [buffers[0][:3]], place))
    laid.put(0, values)

    assert laid[:].tolist() == values.tolist()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to get at a file without a name")
def test_a_file_that_became_shorter_is_a_sentence_and_no_signal(tmp_path: Path) -> None:
    laid = OnDisk(tmp_path, (1000, 64), np.dtype(np.uint8))
    os.truncate(f"/proc/self/fd/{laid._file.fileno()}", 100)
    with pytest.raises(DataError, match="shorter than it was"):
        laid[500:501]


def test_two_trainers_that_share_a_folder_have_a_file_each(tmp_path: Path) -> None:
    ours, theirs = (OnDisk(tmp_path, (10, 4), np.dtype(np.uint8)) for _ in range(2))
    ours.put(0, np.full((10, 4), 1, np.uint8))
    theirs.put(0, np.full((10, 4), 2, np.uint8))

    assert (ours[:] == 1).all()
    assert (theirs[:] == 2).all()


def test_an_operator_says_how_much_memory_samples_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINYARD_SAMPLE_MEMORY_MIB", "1.5")
    assert budget.allowance_bytes() == 3 * 2**19
    for nonsense in ("much", "-1", "inf", "nan"):
        monkeypatch.setenv("TRAINYARD_SAMPLE_MEMORY_MIB", nonsense)
        with pytest.raises(DataError, match="number of MiB"):
            budget.allowance_bytes()


def test_in_a_container_the_containers_memory_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAINYARD_SAMPLE_MEMORY_MIB", raising=False)
    monkeypatch.setattr(budget, "_CGROUP", tmp_path)
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 10_000}))
    assert budget.allowance_bytes() == 8000
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("2500\n")
    (tmp_path / "memory.stat").write_text("anon 2000\ninactive_file 500\n")
    assert budget.allowance_bytes() == 800
    (tmp_path / "memory.max").write_text("max\n")
    assert budget.allowance_bytes() == 8000


def test_a_disk_without_room_is_named_before_samples_are_read(
    typed: Any, image_folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINYARD_SAMPLE_MEMORY_MIB", "0")
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: type("Disk", (), {"free": 10}))
    dataset = typed(dataset={"type": "image_directory", "path": "pictures", "input_shape": [8, 6, 1], "facts": {"classes": None}}).dataset
    with pytest.raises(DiskFullError, match="of disk are free"):
        images.read(dataset, image_folder)
    assert list(cache.iterdir()) == []


def test_a_folder_for_caches_that_is_none_is_a_sentence(typed: Any, image_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (image_folder / "file").touch()
    monkeypatch.setenv("TRAINYARD_CACHE", str(image_folder / "file" / "below"))
    monkeypatch.setenv("TRAINYARD_SAMPLE_MEMORY_MIB", "0")
    dataset = typed(dataset={"type": "image_directory", "path": "pictures", "input_shape": [8, 6, 1], "facts": {"classes": None}}).dataset
    with pytest.raises(DataError, match="TRAINYARD_CACHE: Not a directory"):
        images.read(dataset, image_folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_class_folder_that_may_not_be_read_is_refused_and_named(typed: Any, image_folder: Path) -> None:
    (image_folder / "pictures" / "b").chmod(0)
    _refused_as_closed(typed, image_folder, "pictures/b")
    (image_folder / "pictures" / "b").chmod(0o700)


def test_a_closed_folder_of_a_listing_is_refused_and_named(typed: Any, image_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = facts.list_files
    monkeypatch.setattr(facts, "list_files", lambda *arguments: listed(*arguments)._replace(closed=("b", "c")))
    _refused_as_closed(typed, image_folder, r"pictures/b\" \(and 1 more\)")


def _refused_as_closed(typed: Any, root: Path, words: str) -> None:
    dataset = typed(dataset={"type": "image_directory", "path": "pictures", "input_shape": [8, 6, 1], "facts": {"classes": None}}).dataset
    with pytest.raises(DataError, match=words):
        images.read(dataset, root)
