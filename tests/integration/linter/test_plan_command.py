"""``trainlint plan`` as a user runs it: formats, files, exit codes, narrow and poor terminals, hostile specs."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from tests.corpora.malimg import SPEC as SEED

import trainyard.linter.planning as room
from trainyard.linter.cli import screens
from trainyard.linter.report.terminal import width

Run = Callable[..., Any]
Write = Callable[..., str]

SCHEMA = json.loads((Path(room.__file__).parent / "plan.schema.json").read_text(encoding="utf-8"))
HOSTILE = (
    "</style></td><script>alert(1)</script><img src=x onerror=alert(1)>",
    "\x1b[2J\x1b]0;title\x07\x00",
    "\u202egpj.exe",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643\u0645",
    "漢字" * 60,
    "a" * 3000,
    "]]>&lt;--><!--",
    "\ud800",
)
VOID = re.compile(r"\s(on\w+|src|srcset|href|style|action|formaction|poster|data|background|ping|xlink:href)=", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing said about the terminal that the tests happen to run in."""
    for name in ("TERM", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


def saved(folder: Path, spec: dict[str, Any], name: str = "a.trainspec.json") -> str:
    (folder / name).write_text(json.dumps(spec), encoding="utf-8")
    return name


def page(text: str) -> ET.Element:
    """Read a page with a parser that forgives nothing."""
    return ET.fromstring(text.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 - our own


def assert_contained(text: str) -> None:
    root = page(text)
    pictures = [element for element in root.iter() if element.tag.endswith("}svg")]
    idents = [element.get("id") for element in root.iter() if element.get("id")]
    assert pictures
    assert len(idents) == len(set(idents))
    assert not [
        element
        for element in root.iter()
        if element.tag.rpartition("}")[2] in {"script", "link", "img", "iframe", "object", "form", "a"}
        and not element.get("href", "").startswith("#")
    ]
    tags = re.findall(r"<[^>]*>", text)
    assert not [tag for tag in tags if VOID.search(tag) and 'href="#' not in tag]
    style = "".join(root.find("head/style").itertext())  # type: ignore[union-attr] # there is one
    assert "url(" not in style
    assert "@import" not in style
    assert not re.search(r"https?:", text.replace('xmlns="http://www.w3.org/2000/svg"', ""))
    assert "default-src 'none'" in text


def test_every_section_and_every_picture_has_a_name_and_a_table(run: Run, tmp_path: Path) -> None:
    root = page(run("plan", saved(tmp_path, SEED), "--format", "html").out)
    idents = {element.get("id") for element in root.iter()}
    for section in root.iter("section"):
        assert section.get("aria-labelledby") in idents
    figures = list(root.iter("figure"))
    assert len(figures) == 6
    for figure in figures:
        assert figure.find("details//table/tbody/tr") is not None
        assert len([element for element in figure.iter() if element.tag.endswith("}svg")]) == 2


def test_the_same_spec_gives_the_same_page(run: Run, tmp_path: Path) -> None:
    file = saved(tmp_path, SEED)
    assert run("plan", file, "--format", "html").out == run("plan", file, "--format", "html").out


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_shown_and_does_nothing(name: str, run: Run, tmp_path: Path) -> None:
    spec = {
        **SEED,
        "experiment": {"name": name, "description": name, "tags": [name]},
        "dataset": {
            **SEED["dataset"],
            "path": name,
            "facts": {"class_counts": {name: 900, "other": 100, f"{name}2": 50}, "content": "bytes"},
        },
    }
    file = saved(tmp_path, spec)
    assert_contained(run("plan", file, "--format", "html").out)
    text = run("plan", file).out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert [line for line in text.splitlines() if width(line) > 80] == []
    told = run("plan", file, "--format", "json").json
    jsonschema.Draft202012Validator(SCHEMA).validate(told)


def test_three_hundred_classes_stay_readable(run: Run, tmp_path: Path) -> None:
    counts = {f"class {number:03}": 10 + number for number in range(300)}
    spec = {**SEED, "dataset": {**SEED["dataset"], "facts": {"class_counts": counts, "content": "bytes"}}}
    file = saved(tmp_path, spec)
    text = run("plan", file).out
    assert "270 more" in text
    assert len(text.splitlines()) < 260
    html = run("plan", file, "--format", "html").out
    assert_contained(html)
    assert len(html) < 400_000
    assert all(f"class {number:03}" in html for number in range(300))
    assert len(run("plan", file, "--format", "json").json["classes"]["rows"]) == 300


def test_the_exit_code_is_that_of_check(run: Run, write: Write, tmp_path: Path) -> None:
    good, bad = write("good.json"), write("bad.json", optimizer={"type": "adam", "learning_rate": 0.5})
    (tmp_path / "none.json").write_text("{", encoding="utf-8")
    for file, code in ((good, 0), (bad, 1), ("none.json", 1), ("absent.json", 2)):
        for format_ in ("text", "json", "html"):
            assert run("plan", file, "--format", format_).code == run("check", file).code == code


def test_a_spec_that_fails_still_gets_what_can_be_planned(run: Run, write: Write) -> None:
    outcome = run("plan", write("a.json", optimizer={"type": "adam", "learning_rate": 0.5}, training={"epoch": 3, "batch_size": 32}))
    assert outcome.code == 1
    assert "fails: 1 error" in outcome.out
    assert "error[SPEC001] /training/epoch" in outcome.out
    assert "Steps per epoch" in outcome.out
    assert "its default 100" in outcome.out


@pytest.mark.parametrize("ending, start", [("html", "<!DOCTYPE html>"), ("json", "{"), ("txt", "Plan for")])
def test_the_ending_of_the_output_file_says_the_format(ending: str, start: str, run: Run, write: Write, tmp_path: Path) -> None:
    outcome = run("plan", write("a.json"), "-o", f"out.{ending}", "--color", "always")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    text = (tmp_path / f"out.{ending}").read_text(encoding="utf-8")
    assert text.startswith(start)
    assert "\x1b" not in text


def test_a_file_that_cannot_be_written_is_a_clear_line(run: Run, write: Write) -> None:
    outcome = run("plan", write("a.json"), "-o", "absent/out.html")
    assert outcome.code == 2
    assert outcome.err == "error: cannot write absent/out.html: No such file or directory\n"


def test_an_unknown_card_is_a_clear_line(run: Run, write: Write) -> None:
    outcome = run("plan", write("a.json"), "--hardware", "voodoo2")
    assert outcome.code == 2
    assert "rtx-4090" in outcome.err


def test_a_card_turns_memory_and_time_into_an_answer(run: Run, tmp_path: Path) -> None:
    file = saved(tmp_path, SEED)
    without, with_card = run("plan", file).out, run("plan", file, "--hardware", "t4").out
    assert "? needs a card" in without
    assert "? needs" not in with_card
    assert "NVIDIA Tesla T4: fits" in with_card


def test_the_data_tells_what_the_spec_does_not(run: Run, repository: Path, tmp_path: Path) -> None:
    spec = json.loads((repository / "examples/digits/good.trainspec.json").read_text(encoding="utf-8"))
    del spec["dataset"]["facts"]
    file = saved(tmp_path, spec)
    blind = run("plan", file, "--format", "json").json
    assert blind["steps"] is None
    assert "samples" in {need["section"]: need["text"] for need in blind["needs"]}["steps"]
    seeing = run("plan", file, "--format", "json", "--data-root", str(repository / "examples")).json
    assert seeing["steps"]["train_samples"] == 1258
    assert {check["name"]: check["status"] for check in seeing["checks"]}["paths"] == "ok"


def test_a_spec_may_come_from_standard_input(run: Run) -> None:
    outcome = run("plan", "-", "--stdin-filename", "x.trainspec.json", "--format", "json", stdin=json.dumps(SEED))
    assert outcome.json["path"] == "x.trainspec.json"
    assert outcome.json["steps"]["per_epoch"] == 205


def test_colour_follows_the_flag_and_no_color(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("a.json")
    plain, coloured = run("plan", file).out, run("plan", file, "--color", "always").out
    assert "\x1b[" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("plan", file).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert run("plan", file).out == plain


def test_a_dumb_terminal_gets_ascii_and_a_wide_one_more_columns(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("a.json")
    monkeypatch.setenv("COLUMNS", "110")
    assert max(width(line) for line in run("plan", file).out.splitlines()) == 110
    monkeypatch.setenv("COLUMNS", "400")
    assert max(width(line) for line in run("plan", file).out.splitlines()) == 120
    monkeypatch.setenv("TERM", "dumb")
    assert run("plan", file).out.isascii()


def test_a_stream_that_takes_no_braille_gets_ascii(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    assert not screens.of(latin, "auto").unicode
    assert screens.of(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), "auto").unicode


def test_a_plan_of_the_configuration_says_what_is_a_default(run: Run, write: Write) -> None:
    outcome = run("plan", write("a.json"), "--width", "100")
    assert re.search(r"optimizer\s+type \"adam\", learning_rate 0.001, beta_1 0.9\*", outcome.out)


def test_the_umbrella_carries_the_command(repository: Path) -> None:
    from trainyard.client.main import TABLE

    assert TABLE["plan"].target == "trainyard.linter.cli.plan:plan"
