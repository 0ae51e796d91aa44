"""``trainlint init`` on many kinds of data: what it sees, what it makes of it, and that the linter has nothing against it."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
EXAMPLES = Path(__file__).parents[3] / "examples"
WITHOUT_EXTRA = """
import sys

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("PIL", "numpy", "pyarrow"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide())
"""


def pictures(folder: Path, classes: dict[str, int], size: tuple[int, int], mode: str = "L") -> None:
    image = pytest.importorskip("PIL.Image")
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            image.new(mode, size, number % 256).save(folder / name / f"{number:04}.png")


def table(path: Path, rows: list[dict[str, Any]]) -> None:
    lines = [",".join(rows[0]), *(",".join(str(value) for value in row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def archive(path: Path, **arrays: Any) -> None:
    pytest.importorskip("numpy").savez(path, **arrays)


def started(run: Run, *arguments: str) -> dict[str, Any]:
    """Make a spec and return it, once ``check`` has nothing against it, with the data and without."""
    outcome = run("init", *arguments, "-o", "new.trainspec.json", "--force")
    assert outcome.code == 0, outcome.err
    for data in ((), ("--data-root", ".")):
        report = run("check", "new.trainspec.json", "--format", "json", *data).json
        said = [finding for file in report["files"] for finding in file["findings"] if finding["severity"] != "info"]
        assert said == []
    value: dict[str, Any] = json.loads(Path("new.trainspec.json").read_text(encoding="utf-8"))
    return value


@pytest.mark.parametrize(
    "classes,width,height,shape",
    [
        ({"a": 60, "b": 60}, 8, 8, [8, 8, 1]),
        ({"cat": 200, "dog": 210}, 40, 30, [30, 40, 3]),
        ({f"family{number:02}": 40 + 10 * number for number in range(25)}, 32, 32, [32, 32, 1]),
        ({"rare": 40, "common": 400}, 16, 16, [16, 16, 1]),
        ({"a": 100, "b": 100}, 640, 480, [224, 224, 3]),
    ],
)
def test_image_folders_of_many_kinds_get_a_spec_that_passes(
    classes: dict[str, int], width: int, height: int, shape: list[int], run: Run
) -> None:
    pictures(Path("images"), classes, (width, height), "L" if shape[-1] == 1 else "RGB")
    value = started(run, "--data", "images")
    assert value["dataset"]["input_shape"] == shape
    assert value["dataset"]["facts"]["class_counts"] == classes
    assert value["model"]["type"] == "cnn"
    assert ("imbalance" in value) is (max(classes.values()) >= 3 * min(classes.values()))


@pytest.mark.parametrize("template", ["cnn", "mlp", "transfer"])
def test_real_images_get_every_template_that_learns_from_images(template: str, run: Run) -> None:
    shutil.copytree(EXAMPLES / "digits/images", "digits")
    assert started(run, "--data", "digits", "--template", template)["task"] == "classification"


def test_what_was_seen_and_what_comes_next_is_told_on_standard_error(run: Run) -> None:
    shutil.copytree(EXAMPLES / "digits/images", "digits")
    outcome = run("init", "--data", "digits")
    assert outcome.out == ""
    seen, after, served = outcome.err.splitlines()
    assert seen == "digits: 1,797 images, 8 x 8, 1 channel, 10 classes (174 to 183 each); classification"
    assert "trainlint check digits.trainspec.json" in after
    assert "a server looks for it below its own data root" in served


def test_whole_numbers_that_repeat_are_classes_and_amounts_are_not(run: Run, tmp_path: Path) -> None:
    rows = [{"size": number * 0.5, "rooms": number % 7, "grade": number % 3, "price": 1.5 * number} for number in range(700)]
    table(tmp_path / "homes.csv", rows)
    assert started(run, "--data", "homes.csv", "--target", "price")["task"] == "regression"
    graded = started(run, "--data", "homes.csv", "--target", "grade")
    assert (graded["task"], graded["dataset"]["facts"]["classes"]) == ("classification", ["0", "1", "2"])
    amounts = started(run, "--data", "homes.csv", "--target", "grade", "--task", "regression")
    assert amounts["task"] == "regression"
    assert "classes" not in amounts["dataset"]["facts"]


def test_columns_of_words_become_categories_and_names_of_rows_are_left_out(run: Run, tmp_path: Path) -> None:
    random_ = random.Random(7)
    rows = [
        {"id": number, "name": f"n{number}", "city": "abc"[number % 3], "empty": "", "size": random_.random(), "kind": "xy"[number % 2]}
        for number in range(400)
    ]
    table(tmp_path / "t.csv", rows)
    value = started(run, "--data", "t.csv")
    assert value["dataset"]["features"] == ["city", "size"]
    assert value["dataset"]["categorical"] == ["city"]
    assert value["dataset"]["input_shape"] == [4]
    told = run("init", "-", "--data", "t.csv").err
    for note in ("left out 'id': it numbers the rows", "left out 'empty'", "left out 'name'", "taken as categories: city"):
        assert note in told


def test_missing_values_are_told(run: Run, tmp_path: Path) -> None:
    table(tmp_path / "t.csv", [{"a": number or "", "b": number / 3, "kind": "xy"[number % 2]} for number in range(400)])
    assert "values are missing in a:" in run("init", "-", "--data", "t.csv").err


def test_arrays_are_told_apart_by_name_and_shape(run: Run, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    random_ = numpy.random.default_rng(7)
    labels = numpy.arange(600) % 3
    archive(tmp_path / "a.npz", x=random_.normal(size=(600, 9)), y=labels)
    assert "features" not in started(run, "--data", "a.npz")["dataset"]
    archive(tmp_path / "b.npz", inputs=random_.normal(size=(600, 9)), outcome=labels, notes=numpy.zeros(3))
    section = started(run, "--data", "b.npz")["dataset"]
    assert (section["features"], section["target"]) == ("inputs", "outcome")
    archive(tmp_path / "c.npz", x=random_.integers(0, 256, (600, 16, 16, 1)).astype("uint8"), y=labels)
    assert started(run, "--data", "c.npz")["model"]["type"] == "cnn"


def test_labels_in_several_columns_decide_task_and_output(run: Run, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    random_ = numpy.random.default_rng(7)
    inputs = random_.normal(size=(600, 9))
    archive(tmp_path / "a.npz", x=inputs, y=(random_.random((600, 4)) > 0.5).astype("int64"))
    several = started(run, "--data", "a.npz")
    assert (several["task"], several["dataset"]["facts"]["classes"]) == ("multilabel", 4)
    archive(tmp_path / "b.npz", x=inputs, y=numpy.eye(3)[numpy.arange(600) % 3])
    assert started(run, "--data", "b.npz")["task"] == "classification"
    archive(tmp_path / "c.npz", x=inputs, y=random_.normal(size=(600, 2)))
    values = started(run, "--data", "c.npz")
    assert (values["task"], values["model"]["output"]) == ("regression", {"units": 2})


@pytest.mark.parametrize("mark", [";", "|", "\t"])
def test_what_stands_between_columns_is_seen_or_named(mark: str, run: Run, tmp_path: Path) -> None:
    table(tmp_path / "t.csv", [{"size": number * 0.5, "price": 1.5 * number} for number in range(700)])
    text = (tmp_path / "t.csv").read_text(encoding="utf-8")
    (tmp_path / "t.csv").write_text(text.replace(",", mark), encoding="utf-8")
    for named in ((), ("--delimiter", mark)):
        section = started(run, "--data", "t.csv", *named)["dataset"]
        assert (section["delimiter"], section["target"], section["input_shape"]) == (mark, "price", [1])
    assert f"columns are split by {mark!r}" in run("init", "-", "--data", "t.csv").err
    spec = json.loads(Path("new.trainspec.json").read_text(encoding="utf-8"))
    del spec["dataset"]["delimiter"]
    Path("new.trainspec.json").write_text(json.dumps(spec), encoding="utf-8")
    assert (
        f"write dataset.delimiter {json.dumps(mark)}" in run("check", "new.trainspec.json", "--data-root", ".", "--format", "concise").out
    )


def test_rows_of_token_numbers_get_an_embedding_and_rows_of_amounts_do_not(run: Run, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    random_ = numpy.random.default_rng(7)
    labels = numpy.arange(900) % 3
    archive(tmp_path / "words.npz", x=random_.integers(0, 500, (900, 40)), y=labels)
    value = started(run, "--data", "words.npz")
    first = value["model"]["layers"][0]
    assert (first["type"], first["input_dim"], value["dataset"]["scaling"]) == ("embedding", 500, "none")
    assert value["dataset"]["facts"]["sequence"] == {"length": 40, "vocabulary": 500}
    assert "taken as token numbers" in run("init", "-", "--data", "words.npz").err
    assert started(run, "--data", "words.npz", "--template", "mlp")["model"]["type"] == "mlp"
    assert started(run, "--data", "words.npz", "--template", "sequence", "--task", "regression")["task"] == "regression"
    archive(tmp_path / "flat.npz", x=random_.integers(0, 256, (900, 64)), y=labels)
    assert started(run, "--data", "flat.npz")["model"]["type"] == "mlp"
    archive(tmp_path / "amounts.npz", x=random_.integers(0, 500, (900, 40)) + 0.5, y=labels)
    assert started(run, "--data", "amounts.npz")["model"]["type"] == "mlp"
    assert "--template mlp" in run("init", "-", "--data", "amounts.npz", "--template", "sequence").err


def test_a_small_class_gets_the_validation_part_that_tells_something_of_it(run: Run, tmp_path: Path) -> None:
    pictures(tmp_path / "images", {"common": 300, "rare": 25}, (16, 16))
    assert started(run, "--data", "images")["dataset"]["split"] == {"validation": 0.2}


def test_an_empty_class_folder_is_told(run: Run, tmp_path: Path) -> None:
    pictures(tmp_path / "images", {"a": 60, "b": 60, "later": 0}, (16, 16))
    assert "class 'later' has no sample: remove it, or fill it" in run("init", "-", "--data", "images").err


@pytest.mark.parametrize("named", [(), ("--target", "price")])
def test_data_that_cannot_be_read_gets_no_spec(named: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    (tmp_path / "latin.csv").write_bytes("city,price\nKöln,1\n".encode("latin-1"))
    (tmp_path / "euro.csv").write_text("area;price\n" + "1,5;2,5\n" * 90, encoding="utf-8")
    (tmp_path / "one").mkdir()
    pictures(tmp_path / "one", {"only": 30}, (8, 8))
    archive(tmp_path / "uneven.npz", x=numpy.zeros((30, 2)), price=numpy.zeros(29))
    for name, says in (
        ("latin.csv", "UTF-8"),
        ("euro.csv", "decimal comma"),
        ("one", "one class alone, 'only'"),
        ("uneven.npz", "must agree" if named else "no pair of inputs and labels"),
    ):
        outcome = run("init", "--data", name, *(named if name != "one" else ()))
        assert outcome.code in {1, 2}
        assert says in outcome.err
    assert list(tmp_path.glob("*.json")) == []


@pytest.mark.parametrize("template", ["cnn", "mlp", "transfer"])
def test_without_the_extra_the_folder_listing_suffices(template: str, process: Run, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "digits/images", "digits")
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide/sitecustomize.py").write_text(WITHOUT_EXTRA, encoding="utf-8")
    hidden = {"PYTHONPATH": str(tmp_path / "hide")}
    outcome = process("init", "a.trainspec.json", "--data", "digits", "--template", template, env=hidden)
    assert outcome.code == 0
    assert "needs Pillow (pip install 'trainyard[data]')" in outcome.err
    assert "assumed: dataset.input_shape" in outcome.err
    checked = process("check", "a.trainspec.json", "--format", "json", env=hidden)
    assert checked.code == 0
    assert checked.json["summary"]["warnings"] == 0


@pytest.mark.parametrize(
    "arguments,says",
    [
        (("--data", "absent"), "no such file or folder"),
        (("--data", "t.csv", "--template", "cnn"), "--template tabular"),
        (("--data", "t.csv", "--template", "transfer"), "--template tabular"),
        (("--data", "digits", "--template", "tabular"), "--template cnn"),
        (("--data", "digits", "--task", "regression"), "one class per image"),
        (("--template", "cnn", "--task", "multilabel"), "one class per image"),
        (("--data", "t.csv", "--target", "name"), "almost every"),
        (("--data", "only.csv"), "no column to learn from"),
        (("--data", "notes.txt"), "is no dataset"),
        (("a.json", "-o", "b.json"), "give one"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line_before_anything_is_written(
    arguments: tuple[str, ...], says: str, run: Run, tmp_path: Path
) -> None:
    pictures(tmp_path / "digits", {"a": 3, "b": 3}, (8, 8))
    table(tmp_path / "t.csv", [{"size": number, "name": f"n{number}", "kind": "xy"[number % 2]} for number in range(40)])
    table(tmp_path / "only.csv", [{"id": number, "kind": "xy"[number % 2]} for number in range(40)])
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    outcome = run("init", *arguments)
    assert outcome.code == 2
    error = outcome.err.splitlines()[-1]
    assert error.startswith("error: ")
    assert says in error
    assert list(tmp_path.glob("*.json")) == []


def test_the_spec_is_written_whole_or_not_at_all_and_reads_well(run: Run, tmp_path: Path) -> None:
    pictures(tmp_path / "images", {"a": 60, "b": 60}, (8, 8))
    run("init", "--data", "images", "-o", "new.trainspec.json")
    text = (tmp_path / "new.trainspec.json").read_text(encoding="utf-8")
    assert '    "input_shape": [8, 8, 1],\n' in text
    assert '  "optimizer": { "type": "adam", "learning_rate": 0.001 },\n' in text
    assert max(map(len, text.splitlines())) <= 110
    assert text.endswith("}\n")
    mine = tmp_path / "new.trainspec.json"
    mine.write_text("mine", encoding="utf-8")
    assert run("init", "--data", "images", "-o", "new.trainspec.json").code == 2
    assert mine.read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="no pipe to a shell there")
def test_a_spec_from_init_goes_straight_into_check(tmp_path: Path) -> None:
    pictures(tmp_path / "images", {"a": 60, "b": 60}, (8, 8))
    command = [sys.executable, "-m", "trainyard.linter.cli.main"]
    made = subprocess.run([*command, "init", "-", "--data", "images"], capture_output=True, check=True, timeout=60, env=dict(os.environ))
    judged = subprocess.run([*command, "check", "-"], input=made.stdout, capture_output=True, check=False, timeout=60)
    assert judged.returncode == 0
