"""A bundle on disk is whole or not there."""

import dataclasses
import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from trainyard.service import wire
from trainyard.service.trainer.bundle.contents import Bundle, Named, Origin, Position
from trainyard.service.trainer.bundle.files import BundleFiles
from trainyard.service.trainer.bundle.keeper import Keeper
from trainyard.service.trainer.failures import BundleError

ORIGIN = Origin(spec_digest="ab", data_mark="cd", backend="tensorflow", versions={"keras": "3"})
ARRAYS = (
    Named("model/0/kernel", np.arange(6, dtype=np.float32).reshape(2, 3)),
    Named("model/1/half", np.ones(3, dtype=ml_dtypes.bfloat16)),
    Named("random/0/state", np.array([3, 9], dtype=np.uint32)),
    Named("optimizer/0/iteration", np.array(7, dtype=np.int64)),
    Named("empty", np.zeros((0, 4), dtype=np.float16)),
)


def bundle(epoch: int = 1, **changes: Any) -> Bundle:
    made = Bundle(Position(epoch, 3, 0, {"loss": float("nan")}), 1, ORIGIN, {"history": [1.5]}, ARRAYS, {"kept-1": ARRAYS[:2]})
    return dataclasses.replace(made, **changes)


@pytest.fixture
def folder(tmp_path: Path) -> wire.RunFolder:
    return wire.RunFolder(tmp_path)


def names(folder: wire.RunFolder) -> set[str]:
    return {path.name for path in folder.bundle.iterdir()}


def test_what_was_written_is_read_back_bit_by_bit(folder: wire.RunFolder) -> None:
    BundleFiles(folder).write(bundle())
    read = BundleFiles(folder).read()
    assert read is not None
    assert (read.origin, read.attempt, read.state) == (ORIGIN, 1, {"history": [1.5]})
    assert (read.position.epoch, read.position.step) == (1, 3)
    for one, other in zip(read.variables, ARRAYS, strict=True):
        assert one.name == other.name
        assert one.value.dtype == other.value.dtype
        assert one.value.shape == other.value.shape
        assert one.value.tobytes() == other.value.tobytes()
    assert [array.name for array in read.kept["kept-1"]] == ["model/0/kernel", "model/1/half"]


def test_an_empty_folder_holds_no_bundle(folder: wire.RunFolder) -> None:
    assert BundleFiles(folder).read() is None


def test_the_server_reads_where_it_stands(folder: wire.RunFolder) -> None:
    BundleFiles(folder).write(bundle(epoch=4))
    assert wire.read_bundle_head(folder) == wire.BundleHead(4, 3, 0, 1, "ab")


def test_the_next_bundle_takes_the_place_of_the_last_and_kept_weights_are_written_once(folder: wire.RunFolder) -> None:
    files = BundleFiles(folder)
    files.write(bundle(1))
    kept = (folder.bundle / "kept-1.arrays").stat().st_mtime_ns
    files.write(bundle(2))
    assert len(names(folder)) == 3
    assert (folder.bundle / "kept-1.arrays").stat().st_mtime_ns == kept
    files.write(bundle(3, kept={}))
    assert len(names(folder)) == 2
    again = BundleFiles(folder)
    assert (read := again.read()) is not None
    assert read.position.epoch == 3
    again.write(bundle(4))
    assert (read := BundleFiles(folder).read()) is not None
    assert read.position.epoch == 4


@pytest.mark.parametrize("moment", ["state", "manifest", "rename"])
def test_a_full_disk_leaves_the_old_bundle(folder: wire.RunFolder, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BundleFiles(folder).write(bundle(1))
    before = names(folder)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    calls = iter([moment == "state", moment == "manifest"])
    really = os.fsync
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: full() if next(calls, False) else really(file))
        if moment == "rename":
            patch.setattr(Path, "replace", full)
        files = BundleFiles(folder)
        files.read()
        with pytest.raises(OSError, match="No space"):
            files.write(bundle(2))
    assert names(folder) == before
    read = BundleFiles(folder).read()
    assert read is not None
    assert read.position.epoch == 1


def test_a_torn_or_changed_file_is_refused_with_a_sentence(folder: wire.RunFolder) -> None:
    BundleFiles(folder).write(bundle())
    state = next(path for path in folder.bundle.iterdir() if path.name.startswith("state"))
    whole = state.read_bytes()
    state.write_bytes(whole[:-1])
    with pytest.raises(BundleError, match="cut or changed"):
        BundleFiles(folder).read()
    state.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    with pytest.raises(BundleError, match="cut or changed"):
        BundleFiles(folder).read()
    state.unlink()
    with pytest.raises(BundleError, match="is missing"):
        BundleFiles(folder).read()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1}', '{"format": 1, "position": 7}', "[" * 9000])
def test_a_manifest_of_another_make_is_refused_with_a_sentence(folder: wire.RunFolder, text: str) -> None:
    folder.bundle.mkdir()
    folder.bundle_manifest.write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match="can not be used"):
        BundleFiles(folder).read()


def test_a_manifest_that_names_a_file_elsewhere_is_refused(folder: wire.RunFolder) -> None:
    BundleFiles(folder).write(bundle())
    record = json.loads(folder.bundle_manifest.read_bytes())
    record["files"]["state"]["file"] = "../secret"
    folder.bundle_manifest.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(BundleError, match="elsewhere"):
        BundleFiles(folder).read()


def test_the_newest_snapshot_wins_and_flush_waits_for_it() -> None:
    gate, written = threading.Event(), list[int]()

    def slow(one: Bundle) -> None:
        gate.wait(10)
        written.append(one.position.epoch)

    keeper = Keeper(slow)
    for epoch in range(1, 6):
        keeper.save(bundle(epoch))
    gate.set()
    keeper.flush()
    assert written[-1] == 5
    assert len(written) <= 2


def test_a_fault_of_the_disk_is_raised_where_the_next_snapshot_is_handed_over() -> None:
    def full(_: Bundle) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    keeper = Keeper(full)
    keeper.save(bundle())
    with pytest.raises(OSError, match="No space"):
        keeper.flush()
    keeper.flush()
