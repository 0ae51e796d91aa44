"""Flags of ``check``: each does something or says why it cannot; what a run did is told where a person looks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Write = Callable[..., str]
FAST = {"type": "adam", "learning_rate": 0.9}


@pytest.mark.parametrize(
    "flags,says",
    [
        (["--stdin-filename", "x.trainspec.json"], "give - as FILE"),
        (["--exit-non-zero-on-fix"], "--exit-non-zero-on-fix goes with --fix"),
        (["--exit-non-zero-on-fix", "--diff"], "--exit-non-zero-on-fix goes with --fix"),
        (["--unsafe-fixes"], "--unsafe-fixes goes with --fix or --diff"),
        (["--fix", "--diff"], "one writes, the other only shows"),
        (["--config", "trainlint.toml", "--isolated"], "--config and --isolated do not go together"),
        (["--write-baseline", "b.json", "--diff"], "do not go together"),
        (["--write-baseline", "b.json", "--watch"], "a baseline is written once"),
        (["--fix", "--exit-non-zero-on-fix", "--watch"], "watching ends with Ctrl-C"),
        (["--show-config", "--fix"], "--fix has nothing to do with --show-config"),
        (["--show-config", "--statistics"], "--statistics has nothing to do with --show-config"),
        (["--show-config", "--watch"], "--watch has nothing to do with --show-config"),
        (["--show-config", "--format", "sarif"], "--show-config prints a table"),
        (["--show-config", "--format", "json:out.json"], "on standard output"),
        (["--format", "json:"], "--format json: names no file"),
        (["--format", "json:a.out", "--format", "sarif:./a.out"], "two formats would be written to one file"),
    ],
)
def test_a_flag_that_would_do_nothing_is_a_usage_error(flags: list[str], says: str, run: Run, write: Write, tmp_path: Path) -> None:
    outcome = run("check", write(), *flags)
    assert outcome.code == 2
    assert says in outcome.err
    assert outcome.out == ""
    assert {path.name for path in tmp_path.iterdir()} == {"a.trainspec.json"}


def test_show_config_is_a_document_for_programs(run: Run, write: Write) -> None:
    outcome = run("check", write(), "--show-config", "--format", "json", "--fail-on", "never", "--severity", "LR001=info")
    (entry,) = outcome.json["files"]
    assert entry["path"] == "a.trainspec.json"
    assert entry["settings"]["fail-on"] == {"value": "never", "origin": "command line"}
    assert entry["settings"]["severity"] == {"value": {"LR001": "info"}, "origin": "command line"}
    assert entry["settings"]["max-bytes"] == {"value": 65536, "origin": "default"}
    assert 'fail-on        "never"' in run("check", write(), "--show-config", "--fail-on", "never").out


def test_a_configuration_that_says_partial_can_be_told_no(run: Run, write: Write, tmp_path: Path) -> None:
    path = write()
    spec = json.loads((tmp_path / path).read_text(encoding="utf-8"))
    del spec["task"]
    (tmp_path / path).write_text(json.dumps(spec), encoding="utf-8")
    assert run("check", path, "--partial").code == 0
    assert run("check", path, "--no-partial").code == 1


def test_a_baseline_says_what_it_cannot_hold_and_fails_for_it(run: Run, write: Write, tmp_path: Path) -> None:
    path = write("broken.trainspec.json", optimizer={**FAST, "banana": 1})
    outcome = run("check", path, "--write-baseline", "known.json")
    assert outcome.code == 1
    assert "1 not recorded: what is wrong with text or schema cannot be accepted" in outcome.err
    recorded = json.loads((tmp_path / "known.json").read_text(encoding="utf-8"))["findings"]
    assert all(not entry["rule"].startswith("SPEC") for entry in recorded)
    outcome = run("check", write(optimizer=FAST), "--write-baseline", "known.json")
    assert outcome.code == 0
    assert "not recorded" not in outcome.err
    assert run("check", path, "--baseline", "known.json").code == 1
    assert run("check", write(optimizer=FAST), "--baseline", "known.json").code == 0


def test_what_was_mended_is_told_on_standard_error(run: Run, write: Write) -> None:
    path = write(training={"epochs": 60.0, "batchsize": 32})
    outcome = run("check", path, "--fix", "--format", "json")
    assert [line.split(" ")[:3] for line in outcome.err.splitlines()] == [
        ["mended", "a.trainspec.json:38:15", "SPEC006[whole-number-as-float]"],
        ["mended", "a.trainspec.json:39:5", "SPEC001[unknown-key]"],
    ]
    assert outcome.json["summary"]["fixed"] == 2
    assert run("check", path, "--fix").err == ""
    shown = run("check", write(training={"epochs": 60.0}), "--diff")
    assert "mended" not in shown.err
    assert '+    "epochs": 60' in shown.out


def test_statistics_name_every_rule_and_its_time(run: Run, write: Write) -> None:
    rows = [line.split() for line in run("check", write(), "--statistics").out.splitlines() if "learning-rate-too-high" in line]
    assert rows
    assert rows[0][0] == "0"
    assert float(rows[0][2]) >= 0
    assert rows[0][3:] == ["LR001", "learning-rate-too-high"]


def test_init_reads_data_from_elsewhere_and_says_how_to_check_what_it_wrote(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, here = tmp_path / "elsewhere", tmp_path / "here"
    elsewhere.mkdir()
    here.mkdir()
    rows = [f"{number % 7},{number % 5},{number % 3}" for number in range(600)]
    (elsewhere / "flowers.csv").write_text("a,b,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    monkeypatch.chdir(here)
    target = tmp_path / "specs.trainspec.json"
    outcome = run("init", str(target), "--data", str(elsewhere / "flowers.csv"))
    assert outcome.code == 0, outcome.err
    assert json.loads(target.read_text(encoding="utf-8"))["dataset"]["path"] == "flowers.csv"
    assert f"--data-root {elsewhere}` judges it" in outcome.err
    assert "a server looks for it below its own data root" in outcome.err
    assert run("check", str(target), "--data-root", str(elsewhere)).code == 0


def test_a_misspelt_command_is_told_which_one_was_meant(run: Run) -> None:
    outcome = run("chekc")
    assert (outcome.code, outcome.err) == (2, "error: no such command: chekc; did you mean check?\n")
    assert "there are check, explain" in run("xyzzy").err


def test_what_came_up_only_after_the_first_fix_is_told_too(run: Run, write: Write, tmp_path: Path) -> None:
    path = write(training={"epochs": "50", "batch_size": 32}, callbacks={"early_stopping": {"patience": 100}})
    outcome = run("check", path, "--fix", "--unsafe-fixes", "--format", "json")
    after = json.loads((tmp_path / path).read_text(encoding="utf-8"))
    fixed = {finding["pointer"] for finding in outcome.json["files"][0]["findings"] if finding["fixed"]}
    assert after["training"]["epochs"] == 50
    assert after["callbacks"]["early_stopping"]["patience"] != 100
    assert {"/training/epochs", "/callbacks/early_stopping/patience"} <= fixed
    assert len(outcome.err.splitlines()) == outcome.json["summary"]["fixed"]
