"""``facts`` says what data is; ``init`` writes a spec that the linter has nothing against."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter.cli import writing
from trainyard.linter.cli.starting import TEMPLATES

Run = Callable[..., Any]
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data root with a small image folder and tables."""
    root = tmp_path / "data"
    for name in ("0", "1", "8"):
        for image in sorted((EXAMPLES / "digits/images" / name).iterdir())[:120]:
            target = root / "digits" / name / image.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(image, target)
    shutil.copy(EXAMPLES / "breast-cancer/breast_cancer.csv", root / "cells.csv")
    rows = "\n".join(f"{number}\t{number % 7}\t{number * 1.5 + 0.25}" for number in range(2000))
    (root / "prices.tsv").write_text(f"size\trooms\tprice\n{rows}\n", encoding="utf-8")
    return root


# -- facts


def test_facts_of_an_image_folder_are_counted(run: Run, data: Path) -> None:
    outcome = run("facts", "data/digits", "--format", "json")
    assert outcome.code == 0
    assert outcome.json["type"] == "image_directory"
    assert outcome.json["facts"]["class_counts"] == {"0": 120, "1": 120, "8": 120}
    assert outcome.json["images"]["largest"] == [8, 8]
    text = run("facts", str(data / "digits")).out
    assert "samples" in text
    assert "120 (33.3 %)" in text


def test_the_fingerprint_follows_names_and_contents_and_not_the_place(run: Run, data: Path) -> None:
    def fingerprint(path: str) -> str:
        digest = run("facts", path, "--format", "json").json["facts"]["fingerprint"]
        assert len(digest) == 64
        return str(digest)

    first = fingerprint("data/digits")
    shutil.copytree(data / "digits", data / "moved")
    assert fingerprint("data/moved") == first
    (data / "moved/.hidden").write_text("x", encoding="utf-8")
    assert fingerprint("data/moved") == first
    image = next((data / "moved/0").iterdir())
    image.rename(image.with_name("renamed.png"))
    assert fingerprint("data/moved") != first
    image.with_name("renamed.png").rename(image)
    image.write_bytes(image.read_bytes() + b"x")
    assert fingerprint("data/moved") != first


def test_facts_are_written_into_a_spec_and_leave_the_rest_as_it_was(run: Run, data: Path, tmp_path: Path) -> None:
    text = '{\n  "version": "v1",\n  "task": "classification",\n  "dataset": {\n    "type": "image_directory",\n    "path": "digits",\n'
    text += '    "facts": { "content": "digits", "samples": 1 }\n  },\n  "model": { "type": "mlp",   "hidden": [8] }\n}\n'
    spec = tmp_path / "a.trainspec.json"
    spec.write_text(text, encoding="utf-8")
    assert run("facts", "data/digits", "--write", "a.trainspec.json").code == 0
    value = json.loads(spec.read_text(encoding="utf-8"))
    assert value["dataset"]["facts"]["samples"] == 360
    assert value["dataset"]["facts"]["content"] == "digits"
    assert '"model": { "type": "mlp",   "hidden": [8] }' in spec.read_text(encoding="utf-8")
    before = spec.stat().st_mtime_ns
    assert "as they were" in run("facts", "data/digits", "--write", "a.trainspec.json").err
    assert spec.stat().st_mtime_ns == before
    spec.write_text(text.replace(',\n    "facts": { "content": "digits", "samples": 1 }', ""), encoding="utf-8")
    run("facts", "data/digits", "--write", "a.trainspec.json")
    assert json.loads(spec.read_text(encoding="utf-8"))["dataset"]["facts"]["samples"] == 360


@pytest.mark.parametrize(
    "arguments,code,says",
    [
        (("absent",), 2, "no such file or folder"),
        (("notes.txt",), 2, "is no dataset"),
        (("data/cells.csv", "--target", "nothing"), 1, "nothing"),
        (("empty",), 1, "empty"),
        (("data/cells.csv", "--write", "images.trainspec.json"), 2, "reads image_directory"),
        (("data/cells.csv", "--write", "notes.txt"), 2, "has no dataset"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(arguments: tuple[str, ...], code: int, says: str, run: Run, data: Path) -> None:
    here = data.parent
    (here / "notes.txt").write_text("x", encoding="utf-8")
    (here / "empty").mkdir()
    (here / "images.trainspec.json").write_text('{"dataset": {"type": "image_directory"}}', encoding="utf-8")
    outcome = run("facts", *arguments)
    assert outcome.code == code
    assert says in outcome.err
    assert len(outcome.err.splitlines()) == 1


# -- init


@pytest.mark.parametrize(
    "path,kind,task",
    [("data/digits", "cnn", "classification"), ("data/cells.csv", "mlp", "classification"), ("data/prices.tsv", "mlp", "regression")],
)
def test_a_spec_made_from_data_passes_without_a_warning(path: str, kind: str, task: str, run: Run, data: Path) -> None:
    outcome = run("init", "new.trainspec.json", "--data", path, "--data-root", "data")
    assert outcome.code == 0
    value = json.loads((data.parent / "new.trainspec.json").read_text(encoding="utf-8"))
    assert (value["model"]["type"], value["task"]) == (kind, task)
    checked = run("check", "new.trainspec.json", "--data-root", "data", "--format", "json")
    assert checked.code == 0
    assert checked.json["summary"]["warnings"] == checked.json["summary"]["errors"] == 0


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_passes_without_data(template: str, run: Run) -> None:
    assert run("init", "--template", template).code == 0
    outcome = run("check", f"{template}.trainspec.json", "--format", "json")
    assert outcome.code == 0
    assert outcome.json["summary"]["warnings"] == 0


def test_init_writes_to_standard_output_and_never_over_a_file(run: Run, tmp_path: Path) -> None:
    assert json.loads(run("init", "-", "--template", "mlp").out)["version"] == "v1"
    (tmp_path / "a.json").write_text("mine", encoding="utf-8")
    assert run("init", "a.json").code == 2
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "mine"
    assert run("init", "a.json", "--force").code == 0


def test_data_outside_the_root_is_refused(run: Run, data: Path) -> None:
    (data.parent / "root").mkdir()
    outcome = run("init", "--data", str(data / "cells.csv"), "--data-root", "root")
    assert outcome.code == 2
    assert "outside the data root" in outcome.err


def test_the_column_to_learn_is_guessed_aloud(run: Run, data: Path) -> None:
    assert "learning column 'diagnosis'" in run("init", "-", "--data", "data/cells.csv").err
    outcome = run("init", "-", "--data", "data/prices.tsv", "--target", "rooms")
    assert json.loads(outcome.out)["dataset"]["target"] == "rooms"
    assert "learning column" not in outcome.err


def test_pretty_json_keeps_small_things_on_their_line() -> None:
    value = {"a": [1, 2], "b": {"c": {"d": "x" * 90, "e": []}}, "f": [{"g": 1}, {"g": 2}], "h": {}}
    text = writing.pretty(value)
    assert json.loads(text) == value
    assert '  "a": [1, 2],\n' in text
    assert '  "f": [{ "g": 1 }, { "g": 2 }],\n' in text
    assert all(len(line) <= 120 for line in text.splitlines())
