"""``--fix`` and ``--diff``: what happens to files, and what scripts are told."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Write = Callable[..., str]


@pytest.fixture
def damaged(write: Write, tmp_path: Path) -> Path:
    path = tmp_path / write()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b'"epochs"', b'"epoch"'))
    return path


def test_fix_mends_the_file_passes_and_keeps_the_findings_as_fixed(run: Run, write: Write, damaged: Path) -> None:
    outcome = run("check", damaged.name, "--fix", "--format", "json")
    assert outcome.code == 0
    assert {(finding["name"], finding["fixed"]) for finding in outcome.json["files"][0]["findings"] if finding["severity"] != "info"} == {
        ("byte-order-mark", True),
        ("unknown-key", True),
    }
    assert damaged.read_bytes() == (damaged.parent / write("same.trainspec.json")).read_bytes()


def test_fix_can_fail_because_it_changed_something(run: Run, damaged: Path) -> None:
    assert run("check", damaged.name, "--fix", "--exit-non-zero-on-fix").code == 1
    assert run("check", damaged.name, "--fix", "--exit-non-zero-on-fix").code == 0


def test_fix_keeps_permissions_and_links(run: Run, damaged: Path) -> None:
    damaged.chmod(0o640)
    link = damaged.parent / "link.trainspec.json"
    link.symlink_to(damaged.name)
    assert run("check", link.name, "--fix").code == 0
    assert link.is_symlink()
    assert stat.S_IMODE(damaged.stat().st_mode) == 0o640
    assert b'"epochs"' in damaged.read_bytes()
    assert sorted(path.name for path in damaged.parent.iterdir()) == ["a.trainspec.json", "link.trainspec.json"]


def test_a_file_without_fixes_is_not_touched(run: Run, write: Write, tmp_path: Path) -> None:
    path = tmp_path / write(task=7)
    before = path.stat()
    assert run("check", path.name, "--fix").code == 1
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


def test_diff_writes_nothing_and_tells_by_its_exit_code(run: Run, damaged: Path) -> None:
    before = damaged.read_bytes()
    outcome = run("check", damaged.name, "--diff")
    assert outcome.code == 1
    assert '-    "epoch": 60,\n+    "epochs": 60,\n' in outcome.out
    assert outcome.out.startswith("--- a/a.trainspec.json\n+++ b/a.trainspec.json\n")
    assert "-<U+FEFF>{" in outcome.out
    assert damaged.read_bytes() == before
    run("check", damaged.name, "--fix")
    outcome = run("check", damaged.name, "--diff")
    assert (outcome.code, outcome.out) == (0, "")


def test_standard_input_is_mended_to_standard_output(run: Run, damaged: Path) -> None:
    raw = damaged.read_bytes()
    outcome = run("check", "-", "--fix", stdin=raw)
    assert outcome.code == 0
    assert outcome.out.startswith("{\n")
    assert '"epochs": 60' in outcome.out
    assert "checked" in outcome.err or "Found" in outcome.err
    assert run("check", "-", "--fix", "--format", "json", stdin=raw).code == 2


def test_suggestions_are_written_only_with_unsafe_fixes(run: Run, write: Write, tmp_path: Path) -> None:
    path = tmp_path / write(optimizer={"type": "adam", "learning_rate": 0.9})
    before = path.read_bytes()
    run("check", path.name, "--fix")
    assert path.read_bytes() == before
    run("check", path.name, "--fix", "--unsafe-fixes")
    assert b"0.9" not in path.read_bytes()
    assert "LR001" not in run("check", path.name, "--format", "concise").out


def test_a_file_that_cannot_be_written_is_a_usage_error_and_stays_whole(run: Run, damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.replace", refuse)
    before = damaged.read_bytes()
    outcome = run("check", damaged.name, "--fix")
    assert outcome.code == 2
    assert "cannot write a.trainspec.json" in outcome.err
    assert damaged.read_bytes() == before
    assert [path.name for path in damaged.parent.iterdir()] == ["a.trainspec.json"]
