"""``explain``, ``rules``, ``schema``, ``resolve``, ``diff``, ``completion``, ``check --watch``."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from trainyard.linter.cli import exits, watching
from trainyard.linter.cli.main import COMMANDS, trainlint
from trainyard.linter.engine.catalogue import catalogue

Run = Callable[..., Any]
Write = Callable[..., str]


# -- explain, rules


@pytest.mark.parametrize("name", ["LR001", "lr001", "learning-rate-too-high", "JSON002", "unknown-key", "unused-suppression"])
def test_explain_takes_codes_and_names_of_everything_that_can_be_found(name: str, run: Run) -> None:
    outcome = run("explain", name)
    assert outcome.code == 0
    assert "What it checks" in outcome.out
    assert "Why it fails" in outcome.out


def test_explain_speaks_markdown_and_json(run: Run) -> None:
    assert run("explain", "LR001", "--format", "markdown").out.startswith("# LR001 learning-rate-too-high\n")
    entry = run("explain", "LR001", "--format", "json").json
    assert (entry["code"], entry["name"], entry["kind"]) == ("LR001", "learning-rate-too-high", "rule")
    assert [entry["code"] for entry in run("explain", "LR001", "LR002", "--format", "json").json] == ["LR001", "LR002"]


def test_an_unknown_rule_gets_the_closest_one(run: Run) -> None:
    outcome = run("explain", "learning-rate-to-high")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: unknown rule 'learning-rate-to-high': did you mean learning-rate-too-high?\n"


def test_rules_lists_every_code_once_with_all_that_explain_knows(run: Run) -> None:
    listed = run("rules", "--format", "json").json
    assert [entry["code"] for entry in listed] == sorted({entry.code for entry in catalogue()})
    assert len({entry["name"] for entry in listed}) == len(listed)
    for entry in listed:
        assert entry["severity"] in {"info", "warning", "error"}
        assert entry["summary"].endswith(".")
        assert entry["sections"]["Why it fails"]
    text = run("rules").out
    assert all(entry["code"] in text and entry["name"] in text for entry in listed)


# -- schema, resolve


def test_the_schema_is_json_that_says_what_it_is(run: Run) -> None:
    assert run("schema").json["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_resolved_spec_is_a_spec_that_means_the_same(run: Run, write: Write, tmp_path: Path) -> None:
    path = write()
    resolved = run("resolve", path)
    assert resolved.code == 0
    assert resolved.json["optimizer"]["epsilon"] == pytest.approx(1e-7)
    (tmp_path / "b.trainspec.json").write_text(resolved.out, encoding="utf-8")
    assert run("resolve", "b.trainspec.json").out == resolved.out
    assert run("resolve", path, "--digest").out == run("resolve", "b.trainspec.json", "--digest").out
    assert run("resolve", "-", stdin=resolved.out).out == resolved.out


def test_what_is_no_spec_cannot_be_resolved_and_says_why(run: Run, write: Write) -> None:
    outcome = run("resolve", write(task=7))
    assert (outcome.code, outcome.out) == (1, "")
    assert "/task" in outcome.err


# -- diff


def test_specs_that_mean_the_same_do_not_differ_however_they_are_written(run: Run, write: Write, tmp_path: Path) -> None:
    (tmp_path / "b.trainspec.json").write_text(run("resolve", write()).out, encoding="utf-8")
    outcome = run("diff", "a.trainspec.json", "b.trainspec.json")
    assert (outcome.code, outcome.out) == (0, "The two specs mean the same.\n")
    assert run("diff", "a.trainspec.json", "b.trainspec.json", "--written").code == 1


def test_a_difference_shows_both_values_and_which_is_a_default(run: Run, write: Write) -> None:
    one, other = write("a.json"), write("b.json", optimizer={"type": "adam"}, imbalance={"type": "focal"})
    outcome = run("diff", one, other, "--format", "json")
    assert outcome.code == 1
    by_pointer = {difference["pointer"]: difference["sides"] for difference in outcome.json["differences"]}
    assert by_pointer["/imbalance"][0]["default"] is True
    assert by_pointer["/imbalance"][1]["value"]["type"] == "focal"
    text = run("diff", write("c.json", optimizer={"type": "adam", "learning_rate": 0.01}), other).out
    assert "optimizer\n  /learning_rate  0.01 → 0.001 (default)" in text


def test_names_differ_and_the_digest_does_not(run: Run, write: Write) -> None:
    outcome = run("diff", write("a.json"), write("b.json", experiment={"name": "other"}))
    assert outcome.code == 0
    assert "/name" in outcome.out
    assert "Same digest" in outcome.out


def test_a_side_that_is_no_spec_is_told_in_one_line(run: Run, write: Write) -> None:
    outcome = run("diff", write("a.json"), write("b.json", task=7))
    assert outcome.code == 2
    assert outcome.err.startswith("error: b.json:")
    assert run("diff", "a.json", "absent.json").code == 2


# -- the command itself


def test_every_command_of_the_table_can_be_loaded_and_has_help() -> None:
    for name in COMMANDS:
        outcome = CliRunner().invoke(trainlint, [name, "--help"])
        assert outcome.exit_code == 0
        assert outcome.output.startswith("Usage: ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_the_shell_can_read(shell: str, run: Run) -> None:
    outcome = run("completion", shell)
    assert outcome.code == 0
    assert "_TRAINLINT_COMPLETE" in outcome.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=outcome.out.encode(), check=True, timeout=60)


@pytest.mark.parametrize(
    "words,expected",
    [("trainlint ex", "explain"), ("trainlint explain LR00", "LR001"), ("trainlint check --select SPEC,lr00", "SPEC,LR001")],
)
def test_commands_and_rule_names_are_completed(words: str, expected: str, process: Run) -> None:
    env = {"_TRAINLINT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert f"plain,{expected}" in process(env=env).out.splitlines()


# -- watch


def test_watching_judges_again_after_each_change_and_only_then(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write()
    judged: list[int] = []
    changes: Iterator[Callable[[], object]] = iter(
        [
            lambda: None,
            lambda: write(task=7),
            lambda: None,
            lambda: write("b.trainspec.json"),
            lambda: (tmp_path / "trainlint.toml").write_text("", encoding="utf-8"),
            (tmp_path / "b.trainspec.json").unlink,
        ]
    )

    def pause(_: float) -> None:
        change = next(changes, None)
        if change is None:
            raise KeyboardInterrupt
        change()

    with pytest.raises(KeyboardInterrupt):
        watching.watch(["."], lambda: judged.append(1), pause=pause)
    assert len(judged) == 5
    shown = capsys.readouterr()
    assert "Watching 2 files; Ctrl-C ends." in shown.err
    assert shown.out.count("-" * 72 + "\n") == 4  # between the runs


def test_watching_sees_a_plugin_change(write: Write, tmp_path: Path) -> None:
    write()
    (tmp_path / "trainlint.toml").write_text('plugins = ["./house.py"]', encoding="utf-8")
    before = watching.look(["."])
    (tmp_path / "house.py").write_text("RULES = ()", encoding="utf-8")
    assert watching.look(["."]) != before


def test_a_mistake_while_watching_is_told_and_watching_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    def judge() -> None:
        raise exits.Refusal("trainlint.toml: unknown key")

    def pause(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watching.watch(["."], judge, pause=pause)
    assert "error: trainlint.toml: unknown key\n" in capsys.readouterr().err


def test_standard_input_cannot_be_watched(run: Run) -> None:
    assert run("check", "-", "--watch").code == 2


def test_json_of_several_files_adds_up(run: Run, write: Write) -> None:
    write("a.trainspec.json")
    write("b.trainspec.json", task=7)
    document = json.loads(run("check", ".", "--format", "json").out)
    assert document["summary"]["files"] == 2
    assert document["summary"]["failed"] == 1
