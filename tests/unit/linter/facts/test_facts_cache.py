"""The cache of facts: what has not changed is not read again, and nothing that happens to its files can do harm."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from trainyard.linter.facts import Facts, Trouble, read
from trainyard.linter.facts.cache import Cache, folder
from trainyard.linter.spec.model.dataset import Csv, ImageDirectory, Split
from trainyard.linter.spec.model.dataset import Facts as Declared

PLAIN = Split(None, None, "stratified", None, 0)
UNKNOWN = Declared(*[None] * len(Declared._fields))
IMAGES = ImageDirectory("image_directory", "set", None, "unit", PLAIN, UNKNOWN, "bilinear", "fail", 100)
CSV = Csv("csv", "t.csv", "y", None, (), ",", None, "none", PLAIN, UNKNOWN, "fail", 100)
LONG_AGO = 1_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("ant", "bee"):
        (tmp_path / "data/set" / name).mkdir(parents=True)
        Image.new("L", (4, 4)).save(tmp_path / "data/set" / name / "1.png")
    (tmp_path / "data/t.csv").write_text("a,y\n1,0\n2,1\n", encoding="utf-8")
    return tmp_path / "data"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache for which everything on this machine has settled."""
    return Cache(tmp_path / "cache", now=lambda: 1e12)


def stored(cache: Cache) -> list[Path]:
    return sorted(cache._place.iterdir())


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_anything: object, **_more: object) -> Facts:
        raise AssertionError("it was read again")

    monkeypatch.setattr("trainyard.linter.facts._read_kind", fails)


@pytest.mark.parametrize("dataset", [IMAGES, CSV], ids=lambda dataset: dataset.type)
def test_what_was_read_once_comes_back_as_it_was_without_reading(
    dataset: ImageDirectory | Csv, root: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(dataset, root, 5, cache=cache)
    forbid(monkeypatch)
    assert read(dataset, root, 5, cache=cache) == first
    assert first.complete


def change_size(root: Path) -> None:
    (root / "t.csv").write_text("a,y\n1,0\n2,1\n3,1\n", encoding="utf-8")


def change_time(root: Path) -> None:
    (root / "t.csv").write_text("a,y\n1,1\n2,1\n", encoding="utf-8")
    os.utime(root / "t.csv", (LONG_AGO, LONG_AGO))


@pytest.mark.parametrize("change", [change_size, change_time])
def test_a_change_of_size_or_time_is_noticed(change: Callable[[Path], None], root: Path, cache: Cache) -> None:
    first = read(CSV, root, 5, cache=cache)
    change(root)
    assert read(CSV, root, 5, cache=cache) != first


def test_a_new_a_lost_and_a_renamed_image_are_noticed(root: Path, cache: Cache) -> None:
    assert read(IMAGES, root, 5, cache=cache).class_counts == (1, 1)
    Image.new("L", (4, 4)).save(root / "set/ant/2.png")
    assert read(IMAGES, root, 5, cache=cache).class_counts == (2, 1)
    (root / "set/ant/2.png").rename(root / "set/bee/2.png")
    assert read(IMAGES, root, 5, cache=cache).class_counts == (1, 2)
    (root / "set/bee/2.png").unlink()
    assert read(IMAGES, root, 5, cache=cache).class_counts == (1, 1)


def test_looking_at_every_image_and_at_a_sample_are_kept_apart(root: Path, cache: Cache) -> None:
    read(IMAGES, root, 5, cache=cache)
    read(IMAGES, root, 5, cache=cache, deep=True)
    read(IMAGES._replace(path="set/"), root, 5, cache=cache)
    assert len(stored(cache)) == 3


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"key": 1}', b"\xff\xfe", b"[" * 10_000])
def test_a_file_that_is_half_there_or_something_else_is_no_cache(content: bytes, root: Path, cache: Cache) -> None:
    first = read(CSV, root, 5, cache=cache)
    (file,) = stored(cache)
    file.write_bytes(content)
    assert read(CSV, root, 5, cache=cache) == first


def test_a_file_with_other_fields_or_of_another_key_is_no_cache(root: Path, cache: Cache) -> None:
    first = read(CSV, root, 5, cache=cache)
    (file,) = stored(cache)
    good = json.loads(file.read_text(encoding="utf-8"))
    for changed in (
        {**good, "facts": {**good["facts"], "surprise": 1}},
        {**good, "facts": {**good["facts"], "problems": [{"trouble": "new", "path": "x", "message": "y"}]}},
        {**good, "key": "0" * 64},
        {**good, "format": 0},
    ):
        file.write_text(json.dumps(changed), encoding="utf-8")
        assert read(CSV, root, 5, cache=cache) == first


def test_a_cache_that_cannot_be_written_is_none_and_says_nothing(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    cache = Cache(tmp_path / "file" / "below", now=lambda: 1e12)
    assert read(CSV, root, 5, cache=cache).samples == 2
    assert read(CSV, root, 5, cache=cache).samples == 2


def test_files_that_have_just_been_written_are_read_again(root: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    read(CSV, root, 5, cache=cache)
    assert not cache._place.exists()


def test_what_time_or_a_missing_library_left_out_is_not_kept(root: Path, cache: Cache) -> None:
    key = "0" * 64
    cache.put(key, Facts("csv", "t.csv", complete=False))
    assert cache.get(key) is None
    problem = next(iter(read(CSV._replace(path="gone"), root, 5, cache=cache).problems))
    cache.put(key, Facts("csv", "t.csv", problems=(problem._replace(trouble=Trouble.LIBRARY),)))
    assert cache.get(key) is None


def test_a_link_to_a_folder_is_never_cached(root: Path, cache: Cache) -> None:
    (root / "more").mkdir()
    Image.new("L", (4, 4)).save(root / "more/1.png")
    (root / "set/cat").symlink_to(root / "more")
    assert read(IMAGES, root, 5, cache=cache).class_counts == (1, 1, 1)
    assert not cache._place.exists()


def test_a_folder_of_very_many_files_is_cached_only_when_all_of_them_are_opened(
    root: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainyard.linter.facts.cache._MOST_FILES", 1)
    assert read(IMAGES, root, 5, cache=cache).samples == 2
    assert not cache._place.exists()
    assert read(IMAGES, root, 5, cache=cache, deep=True).samples == 2
    assert len(stored(cache)) == 1


def test_old_files_make_room_for_new_ones(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainyard.linter.facts.cache._KEPT", 3)
    for index in range(6):
        cache.put(f"{index:064}", Facts("csv", "t.csv"))
        os.utime(cache._place / f"{index:064}.json", (LONG_AGO + index, LONG_AGO + index))
    assert [file.stem[-1] for file in stored(cache)] == ["3", "4", "5"]


@pytest.mark.parametrize(
    "environment, platform, place",
    [
        ({"HOME": "/home/ann"}, "linux", "/home/ann/.cache/trainyard/facts"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": "/var/ann"}, "linux", "/var/ann/trainyard/facts"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": "relative"}, "linux", None),
        ({"HOME": "/Users/ann"}, "darwin", "/Users/ann/Library/Caches/trainyard/facts"),
        ({"LOCALAPPDATA": "/ann/local"}, "win32", "/ann/local/trainyard/Cache/facts"),
        ({"TRAINYARD_CACHE": "/scratch", "HOME": "/home/ann"}, "linux", "/scratch/facts"),
        ({"TRAINYARD_CACHE": "", "HOME": "/home/ann"}, "linux", None),
        ({}, "linux", None),
        ({}, "win32", None),
    ],
)
def test_the_folder_is_the_one_of_the_user_and_the_system(environment: dict[str, str], platform: str, place: str | None) -> None:
    assert folder(environment, platform) == (None if place is None else Path(place))
