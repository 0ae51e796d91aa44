"""The kernel tells when a file was written to; where it does not, nothing fails."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest

from trainyard.service.executor import notices
from trainyard.service.executor.notices import Notices


def test_a_write_is_told_under_the_name_of_its_file_and_no_other(tmp_path: Path) -> None:
    told: queue.Queue[set[str]] = queue.Queue()
    ears = Notices(told.put)
    for name in ("a", "b"):
        (tmp_path / name).touch()
        ears.watch(name, tmp_path / name)
    with (tmp_path / "b").open("ab") as file:
        file.write(b"x")
    assert told.get(timeout=20) == {"b"}
    ears.forget("b")
    with (tmp_path / "b").open("ab") as file:
        file.write(b"x")
    with (tmp_path / "a").open("ab") as file:
        file.write(b"x")
    assert told.get(timeout=20) == {"a"}
    ears.close()
    assert told.empty()


def test_what_can_not_be_watched_is_not(tmp_path: Path) -> None:
    ears = Notices(lambda _: None)
    ears.watch("gone", tmp_path / "gone")
    ears.forget("gone")
    ears.close()
    ears.close()
    ears.watch("late", tmp_path)


def test_a_system_without_notices_is_served_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_opened", lambda _: -1)
    ears = Notices(lambda _: None)
    ears.watch("a", tmp_path)
    ears.forget("a")
    ears.close()
