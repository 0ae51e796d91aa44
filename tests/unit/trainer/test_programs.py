"""Compiled programs that are kept between processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainyard.service.trainer.speed import programs

NAME = "JAX_COMPILATION_CACHE_DIR"


@pytest.fixture(autouse=True)
def _no_place_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (NAME, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)


def test_programs_lie_in_the_cache_in_a_folder_of_this_processor(tmp_path: Path) -> None:
    programs.keep(tmp_path)
    first = Path(os.environ.pop(NAME))
    assert first.parent == tmp_path / "programs"
    assert first.is_dir()
    programs.keep(tmp_path)
    assert Path(os.environ[NAME]) == first


def test_an_operators_own_place_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "/elsewhere")
    programs.keep(tmp_path)
    assert os.environ[NAME] == "/elsewhere"
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_programs_go_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.keep(tmp_path)
    folder = Path(os.environ.pop(NAME))
    for age in range(5):
        (folder / f"p{age}").write_bytes(bytes(10))
        os.utime(folder / f"p{age}", (1000 - age, 1000 - age))
    monkeypatch.setattr(programs, "_MOST_BYTES", 30)
    programs.keep(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["p0", "p1", "p2"]


def test_a_cache_that_can_not_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "programs").write_text("a file, where a folder should be")
    programs.keep(tmp_path)
    assert NAME not in os.environ
