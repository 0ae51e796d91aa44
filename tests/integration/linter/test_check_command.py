"""``trainlint check`` as people and scripts call it: what it reads, what it prints, how it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter import spec
from trainyard.linter.cli.outputs import FORMATS

Run = Callable[..., Any]
Write = Callable[..., str]
RATE = {"type": "adam", "learning_rate": "fast"}


def test_a_good_spec_passes(run: Run, write: Write) -> None:
    outcome = run("check", write(), "--fail-on", "warning")
    assert outcome.code == 0
    assert outcome.err == ""


def test_a_bad_spec_fails_with_a_frame_under_the_very_value(run: Run, write: Write) -> None:
    outcome = run("check", write(optimizer=RATE))
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    row = next(number for number, line in enumerate(lines) if '"learning_rate": "fast"' in line)
    assert lines[row + 1].split("|", 1)[1].split("^")[0] == " " * (lines[row].split("|", 1)[1].index('"fast"'))
    assert "^" * len('"fast"') in lines[row + 1]
    assert "a.trainspec.json:" in outcome.out


def test_files_folders_patterns_and_doubles_are_each_checked_once(run: Run, write: Write) -> None:
    for name in ("a.trainspec.json", "b/c.trainspec.json", "b/d/e.trainspec.json", "b/other.json", ".hidden/f.trainspec.json"):
        write(name)
    outcome = run("check", "b", "a.trainspec.json", "**/*.trainspec.json", "--format", "json")
    assert [entry["path"] for entry in outcome.json["files"]] == ["a.trainspec.json", "b/c.trainspec.json", "b/d/e.trainspec.json"]


def test_the_current_folder_is_walked_without_a_prefix(run: Run, write: Write) -> None:
    write("b/c.trainspec.json")
    assert [entry["path"] for entry in run("check", ".", "--format", "json").json["files"]] == ["b/c.trainspec.json"]


def test_a_named_file_is_checked_whatever_its_suffix(run: Run, write: Write) -> None:
    assert run("check", write("odd.json")).code == 0


@pytest.mark.parametrize("argument", ["absent.trainspec.json", "empty", "no*match"])
def test_nothing_to_check_is_a_usage_error_of_one_line(argument: str, run: Run, write: Write, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    outcome = run("check", write(), argument)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("error: ")
    assert len(outcome.err.splitlines()) == 1
    assert argument in outcome.err


def test_a_dangling_link_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.trainspec.json").symlink_to("gone")
    outcome = run("check", "a.trainspec.json")
    assert (outcome.code, len(outcome.err.splitlines())) == (2, 1)


def test_a_link_to_itself_is_told_as_such(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.trainspec.json").symlink_to("a.trainspec.json")
    for argument in ("a.trainspec.json", "."):
        outcome = run("check", argument)
        assert (outcome.code, outcome.err) == (2, "error: a.trainspec.json is a link that leads back to itself\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipe has a name here")
@pytest.mark.parametrize("argument", [".", "*", "**/*.trainspec.json"])
def test_what_has_a_specs_name_and_is_no_file_is_not_waited_for(argument: str, run: Run, write: Write, tmp_path: Path) -> None:
    write()
    os.mkfifo(tmp_path / "pipe.trainspec.json")
    (tmp_path / ".#a.trainspec.json").symlink_to("somebody@somewhere.1234")  # Emacs, with the spec open
    assert [entry["path"] for entry in run("check", argument, "--format", "json").json["files"]] == ["a.trainspec.json"]


def test_walking_never_follows_a_link_out_of_the_folder(run: Run, write: Write, tmp_path: Path) -> None:
    write("outside.trainspec.json", task=7)
    write("in/inside.trainspec.json")
    (tmp_path / "in/link.trainspec.json").symlink_to(tmp_path / "outside.trainspec.json")
    (tmp_path / "in/same.trainspec.json").symlink_to("inside.trainspec.json")
    (tmp_path / "in/folder").symlink_to(tmp_path)
    paths = [entry["path"] for entry in run("check", "in", "--format", "json").json["files"]]
    assert paths == ["in/inside.trainspec.json", "in/same.trainspec.json"]


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_a_usage_error(run: Run, write: Write, tmp_path: Path) -> None:
    (tmp_path / write()).chmod(0)
    assert run("check", "a.trainspec.json").code == 2


def test_standard_input_is_read_and_named(run: Run) -> None:
    outcome = run("check", "-", "--stdin-filename", "editor/x.trainspec.json", "--format", "concise", stdin="{")
    assert outcome.code == 1
    assert outcome.out.startswith("editor/x.trainspec.json:1:1: JSON001[invalid-json] error ")
    assert run("check", "-", "--format", "concise", stdin="{").out.startswith("<stdin>:1:1:")


@pytest.mark.parametrize("level,code", [("info", 1), ("warning", 1), ("error", 0), ("never", 0)])
def test_fail_on_decides_and_the_json_says_so(level: str, code: int, run: Run, write: Write, tmp_path: Path) -> None:
    path = tmp_path / write()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    outcome = run("check", path.name, "--fail-on", level, "--format", "json")
    assert outcome.code == code
    assert outcome.json["fail_on"] == level
    assert outcome.json["files"][0]["verdict"] == ("fail" if code else "pass")


def test_several_formats_at_once_each_in_its_place(run: Run, write: Write, tmp_path: Path) -> None:
    outcome = run("check", write(optimizer=RATE), "--format", "json", "--format", "full", "--format", "concise:out.txt")
    assert outcome.code == 1
    assert outcome.json["summary"]["failed"] == 1
    assert "^^^^" in outcome.err
    assert (tmp_path / "out.txt").read_text(encoding="utf-8").count("\n") == len(outcome.json["files"][0]["findings"])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("content,code", [("good", 0), ("bad", 1), ("broken", 1), ("absent", 2)])
def test_the_exit_code_is_the_same_whatever_the_format(name: str, content: str, code: int, run: Run, write: Write) -> None:
    path = write("a.trainspec.json", **({"optimizer": RATE} if content == "bad" else {}))
    if content == "broken":
        Path(path).write_text("{", encoding="utf-8")
    if content == "absent":
        Path(path).unlink()
    outcome = run("check", path, "--format", name)
    assert outcome.code == code
    assert (outcome.err == "") is (code != 2)
    if name in {"json", "gitlab", "sarif"} and code != 2:
        json.loads(outcome.out)


def test_github_actions_gets_annotations_unless_told_otherwise(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    path = write(optimizer=RATE)
    assert run("check", path).out.startswith("::error file=a.trainspec.json,line=")
    assert not run("check", path, "--format", "concise").out.startswith("::")


def test_statistics_count_and_time_every_rule_that_ran(run: Run, write: Write) -> None:
    outcome = run("check", write(training={"epoch": 3}), "--statistics")
    table = outcome.out[outcome.out.index("  found") :].splitlines()
    assert [line.split()[:3] for line in table if "SPEC001 unknown-key" in line] == [["1", "0", "-"]]
    assert any("LR001" in line and line.split()[2] != "-" for line in table)
    assert "suppressed" in run("check", "a.trainspec.json", "--statistics", "--format", "json").err


@pytest.mark.parametrize(
    "arguments,says",
    [
        (("--format", "yaml"), "unknown format 'yaml'"),
        (("--format", "json", "--format", "json"), "standard output"),
        (("--format", "json:no/such/folder/x.json"), "cannot write"),
        (("--fail-on", "bad"), "--fail-on"),
        (("--formt", "json"), "--format"),
    ],
)
def test_wrong_options_are_usage_errors(arguments: tuple[str, ...], says: str, run: Run, write: Write) -> None:
    outcome = run("check", write(), *arguments)
    assert outcome.code == 2
    assert says in outcome.err
    assert "Traceback" not in outcome.err


def test_a_crash_of_ours_is_exit_3_with_a_request_to_report_it(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(spec, "typed", explode)
    outcome = run("check", write("a.trainspec.json"), write("b.trainspec.json"), "--format", "json")
    assert outcome.code == 3
    assert [entry["verdict"] for entry in outcome.json["files"]] == ["fail", "fail"]
    assert "ZeroDivisionError: boom" in outcome.err
    assert "report it" in outcome.err


def test_json_to_standard_output_is_nothing_but_json(run: Run, write: Write) -> None:
    outcome = run("check", write("é 漢.trainspec.json", optimizer=RATE), "--format", "json")
    assert json.loads(outcome.out)["files"][0]["path"] == "é 漢.trainspec.json"
    assert outcome.err == ""


def test_many_files_come_out_sorted_and_repeat_exactly(run: Run, write: Write) -> None:
    names = [write(f"s{number:02}.trainspec.json", optimizer=RATE, task=number) for number in range(20)]
    first = run("check", *reversed(names), "--format", "json")
    assert [entry["path"] for entry in first.json["files"]] == names
    assert run("check", *reversed(names), "--format", "json").out == first.out
