"""The linter counts the records that the trainer finds no use for, before the trainer reads them: both read the same odd files here."""

from __future__ import annotations

import csv
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainyard.linter import facts, lint, spec
from trainyard.linter.facts import Facts
from trainyard.service.trainer.data import reading
from trainyard.service.trainer.failures import DataError

PATHS = {"csv": "t.csv", "parquet": "t.parquet", "npz": "t.npz", "image_directory": "images"}
ODD = ("", "NA", "nan", "NULL", "?", "none", " ", "inf", "n/a", "word")
NUMBERS, WORDS = ("1", "2.5", "-3", "4e2", "7"), ("red", "green", "blue", "NA", "?")


def written(kind: str, task: str, **dataset: Any) -> dict[str, Any]:
    return {
        "version": "v1",
        "task": task,
        "dataset": {"type": kind, "path": PATHS[kind], **({} if kind == "image_directory" else {"target": "y"}), **dataset},
        "model": {"type": "mlp", "hidden": [8]},
    }


def linted(text: dict[str, Any], root: Path) -> Facts:
    return facts.read(spec.typed(spec.resolve(text)).dataset, root, 60)


def trained(text: dict[str, Any], root: Path) -> str | int:
    """Return how many records the trainer skips, or why it refuses the data."""
    typed = spec.typed(spec.resolve(text))
    try:
        return len(reading.read(typed.dataset, typed.task, root).bad)
    except DataError as error:
        return str(error)


def errors(text: dict[str, Any], found: Facts) -> list[str]:
    import json

    return [finding.code for finding in lint(json.dumps(text), facts=found).findings if finding.severity.label == "error"]


def table(draw: random.Random) -> tuple[list[str], list[list[str]]]:
    """Return a header and rows, a good part of them odd: a column of numbers, one of words, one of numbers taken for kinds, a target."""
    share = draw.choice([0.0, 0.05, 0.3])

    def cell(usual: tuple[str, ...]) -> str:
        return draw.choice(ODD) if draw.random() < share else draw.choice(usual)

    rows = [[cell(NUMBERS), cell(WORDS), cell(NUMBERS), draw.choice(("0", "1"))] for _ in range(60)]
    rows[0], rows[1] = ["1", "red", "2.5", "0"], ["2", "blue", "7", "1"]
    for row in rows[2:]:
        if draw.random() < share / 3:
            row[3] = draw.choice(("", "NA", "?"))
    return ["a", "kind", "number", "y"], rows


@pytest.mark.parametrize("seed", range(40))
def test_rows_that_the_trainer_skips_are_those_that_the_linter_counts(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    header, rows = table(draw)
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    task = draw.choice(("classification", "regression"))
    text = written("csv", task, categorical=["kind", "number"], bad_records="skip", max_bad_records=1000)
    found = linted(text, tmp_path)
    assert found.unusable is not None
    counted = found.unusable.as_classes if task == "classification" else found.unusable.as_numbers
    assert counted == trained(text, tmp_path)


@pytest.mark.parametrize("seed", range(10))
def test_rows_of_a_parquet_table_are_counted_alike(seed: int, tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    draw = np.random.default_rng(seed)
    gaps = draw.random((4, 200)) < 0.1
    columns = {
        "a": pa.array(np.where(gaps[0], np.nan, draw.normal(size=200))),
        "kind": pa.array(draw.choice(["red", "", "blue"], 200)).filter(pa.array([True] * 200)),
        "whole": pa.array(draw.integers(0, 9, 200), mask=gaps[1]),
        "mixed": pa.array([str(value) for value in draw.choice(["1", "2.5", "word"], 200)]),
        "y": pa.array(draw.normal(size=200), mask=gaps[3]),
    }
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    text = written("parquet", "regression", categorical=["kind"], bad_records="skip", max_bad_records=1000)
    found = linted(text, tmp_path)
    assert found.unusable is not None
    assert found.unusable.as_numbers == trained(text, tmp_path)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("target", ["flags", "numbers"])
def test_samples_with_nan_are_counted_whatever_order_an_array_has(order: str, target: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    inputs = draw.normal(size=(50, 4, 3)).astype(np.float32)
    inputs[draw.integers(0, 50, 6), 1, 2] = np.nan
    inputs[7, 0, 0] = np.inf
    labels = draw.integers(0, 2, 50) if target == "flags" else np.where(np.arange(50) % 9 == 4, np.nan, draw.normal(size=50))
    np.savez(tmp_path / "t.npz", x=np.asarray(inputs, order=order), y=labels)  # type: ignore[call-overload] # "C" or "F"
    task = "classification" if target == "flags" else "regression"
    text = written("npz", task, bad_records="skip", max_bad_records=50)
    found = linted(text, tmp_path)
    assert found.unusable is not None
    counted = found.unusable.as_classes if target == "flags" else found.unusable.as_numbers
    assert counted > 0
    assert counted == trained(text, tmp_path)


def test_files_that_are_no_images_are_found_beyond_those_that_are_opened(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(150):
            Image.new("L", (8, 8), index).save(tmp_path / "images" / name / f"{index:03}.png")
    for index in (1, 2, 3):
        (tmp_path / "images/a" / f"{index:03}.png").write_bytes(b"")
        (tmp_path / "images/b" / f"{index:03}.png").write_text("no image")
    text = written("image_directory", "classification", input_shape=[8, 8, 1], bad_records="skip")
    found = linted(text, tmp_path)
    assert found.unusable is not None
    assert found.unusable.as_classes == trained(text, tmp_path) == 6
    assert found.complete


COLUMNS = {
    "a group that is not there": ({"split": {"group": "patient"}}, "a,y\n1,0\n2,1\n"),
    "words that are not listed": ({}, "a,y\nx,0\nz,1\n"),
    "dates": ({}, "a,y\n2020-01-01,0\n2021-01-01,1\n"),
    "a column without a value": ({}, "a,b,y\n1,,0\n2,,1\n"),
    "fractions for classes": ({}, "a,y\n1,0.5\n2,1.5\n3,2.25\n"),
    "fractions and words for classes": ({}, "a,y\n1,0.5\n2,x\n3,y\n"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_what_the_trainer_refuses_of_a_table_is_an_error_of_a_rule(name: str, tmp_path: Path) -> None:
    dataset, content = COLUMNS[name]
    (tmp_path / "t.csv").write_text(content, encoding="utf-8")
    text = written("csv", "classification", **dataset)
    assert isinstance(trained(text, tmp_path), str)
    assert {"DAT002", "DAT008", "DAT009"} & set(errors(text, linted(text, tmp_path)))


@pytest.mark.parametrize("words", ["true,false", "True,0", "TRUE,FALSE"])
def test_truths_are_numbers_to_both(words: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{word},{at}\n" for at, word in enumerate(words.split(","))), encoding="utf-8")
    text = written("csv", "classification")
    assert trained(text, tmp_path) == 0
    assert not {"DAT002", "DAT008"} & set(errors(text, linted(text, tmp_path)))


STORED: dict[str, Any] = {
    "a dictionary": lambda pa: pa.array(["red", "blue", "red"] * 20).dictionary_encode(),
    "a dictionary of numbers": lambda pa: pa.array([1, 2, 1] * 20).dictionary_encode(),
    "large texts": lambda pa: pa.array(["red", "blue", "red"] * 20, pa.large_string()),
    "views of texts": lambda pa: pa.array(["red", "blue", "red"] * 20, pa.string_view()),
    "half floats": lambda pa: pa.array(np.array([1, 2, 1] * 20, np.float16)),
    "decimals": lambda pa: pa.array([1, 2, 1] * 20).cast(pa.decimal128(25, 2)),
    "truths": lambda pa: pa.array([True, False, True] * 20),
    "dates": lambda pa: pa.array([1, 2, 1] * 20, pa.int32()).cast(pa.date32()),
    "times": lambda pa: pa.array([1, 2, 1] * 20).cast(pa.timestamp("s")),
    "lists": lambda pa: pa.array([[1.0], [2.0], [1.0]] * 20),
    "rows of a fixed length": lambda pa: pa.array([[1.0], [2.0], [1.0]] * 20, pa.list_(pa.float32(), 1)),
    "structures": lambda pa: pa.array([{"n": "x"}, {"n": "y"}, {"n": "x"}] * 20),
    "nothing": lambda pa: pa.nulls(60),
}


@pytest.mark.parametrize("role", ["number", "category", "label"])
@pytest.mark.parametrize("name", STORED)
def test_a_column_of_a_parquet_table_is_taken_or_refused_by_both(name: str, role: str, tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    odd, plain = STORED[name](pa), pa.array([0.5, 1.5, 2.5] * 20)
    labels = odd if role == "label" else pa.array(["a", "b", "c"] * 20)
    # A leaf of a structure may have the name of a column.
    parquet.write_table(pa.table({"odd": odd, "n": plain, "y": labels}), tmp_path / "t.parquet")
    features = ["n"] if role == "label" else ["odd", "n"]
    text = written("parquet", "classification", features=features, categorical=["odd"] if role == "category" else [])
    told, found = trained(text, tmp_path), set(errors(text, linted(text, tmp_path)))
    assert bool({"DAT002", "DAT008", "DAT009"} & found) == isinstance(told, str), told


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
def test_numbers_that_32_bits_can_not_hold_are_counted(kind: str, tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    values = np.array([1.0, 2.0, 3.5e38, 3.0, -1e300, 3.4028234e38] * 4)
    labels = np.array([0, 1] * 12)
    parquet.write_table(pa.table({"a": values, "y": labels}), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{a},{y}\n" for a, y in zip(values, labels, strict=True)), encoding="utf-8")
    np.savez(tmp_path / "t.npz", x=values.reshape(-1, 1), y=labels)
    text = written(kind, "classification", bad_records="skip")
    found = linted(text, tmp_path)
    assert found.unusable is not None
    assert found.unusable.as_classes == trained(text, tmp_path) == 8


def test_a_number_with_an_underscore_is_a_word_to_both(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "1,0\n2,1\n" * 20 + "1_0,0\n", encoding="utf-8")
    text = written("csv", "classification", bad_records="skip")
    found = linted(text, tmp_path)
    assert found.unusable is not None
    assert found.unusable.as_classes == trained(text, tmp_path) == 1


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("rows", [[(1, 0), (0, 1)], [(1, 0), (1, 1)], [(1, 0), (0, 0)], [(2, -1), (0, 1)]])
def test_several_target_columns_are_one_hot_to_both(rows: list[tuple[int, int]], kind: str, tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = rows * 10
    (tmp_path / "t.csv").write_text("a,p,q\n" + "".join(f"{at},{p},{q}\n" for at, (p, q) in enumerate(rows)), encoding="utf-8")
    columns = {"a": list(range(20)), "p": [p for p, _ in rows], "q": [q for _, q in rows]}
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    text = written(kind, "classification", target=["p", "q"])
    told = trained(text, tmp_path)
    assert ("DAT009" in errors(text, linted(text, tmp_path))) == isinstance(told, str), told


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz", "image_directory"])
def test_samples_of_one_class_are_refused_by_both(kind: str, tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    (tmp_path / "t.csv").write_text("a,y\n" + "1,no\n2,no\n" * 20, encoding="utf-8")
    parquet.write_table(pa.table({"a": [1.0] * 40, "y": ["no"] * 40}), tmp_path / "t.parquet")
    np.savez(tmp_path / "t.npz", x=np.ones((40, 2), np.float32), y=np.zeros(40, np.int64))
    (tmp_path / "images/no").mkdir(parents=True)
    for index in range(40):
        Image.new("L", (8, 8), index).save(tmp_path / f"images/no/{index}.png")
    text = written(kind, "classification")
    assert "one class" in str(trained(text, tmp_path))
    assert "DAT009" in errors(text, linted(text, tmp_path))


def test_a_shape_that_the_samples_do_not_fill_is_refused_by_both(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=np.ones((60, 8, 8), np.float32), y=np.array([0, 1] * 30))
    for shape in ([8, 8], [None, 8], [8, 8, 1], [64], [5, 2], [None, 4], [None]):
        text = written("npz", "classification", input_shape=shape)
        assert ("DAT003" in errors(text, linted(text, tmp_path))) == isinstance(trained(text, tmp_path), str), shape


DECLARED: dict[str, tuple[str, str | list[str], dict[str, Any]]] = {
    "names": ("classification", "y", {"classes": ["a", "b"]}),
    "names in another order": ("classification", "y", {"classes": ["b", "a"]}),
    "other names": ("classification", "y", {"classes": ["a", "c"]}),
    "names of numbers": ("classification", "p", {"classes": ["no", "yes"]}),
    "too many names": ("classification", "y", {"classes": ["a", "b", "c"]}),
    "at least as many samples": ("classification", "y", {"samples": {"at_least": 40}}),
    "more samples": ("classification", "y", {"samples": {"at_least": 41}}),
    "fewer samples": ("classification", "y", {"samples": {"at_most": 39}}),
    "labels": ("multilabel", ["p", "q"], {"classes": ["p", "q"]}),
    "other labels": ("multilabel", ["p", "q"], {"classes": ["p", "r"]}),
    "more labels": ("multilabel", ["p", "q"], {"classes": 3}),
    "classes of a regression": ("regression", "a", {"classes": 3}),
    "fewer samples of a regression": ("regression", "a", {"samples": {"at_most": 39}}),
}


@pytest.mark.parametrize("name", DECLARED)
def test_what_a_spec_declares_is_held_against_the_data_alike(name: str, tmp_path: Path) -> None:
    from trainyard.service.trainer.data import declared

    task, target, told = DECLARED[name]
    (tmp_path / "t.csv").write_text("n,a,y,p,q\n" + "5,1,a,1,0\n6,2,b,0,1\n" * 20, encoding="utf-8")
    text = written("csv", task, target=target, features=["n"], facts=told)
    typed = spec.typed(spec.resolve(text))
    samples = reading.read(typed.dataset, task, tmp_path)
    try:
        declared.check(typed.dataset.facts, samples, [20, 20])
        refused = False
    except DataError:
        refused = True
    assert ("DAT003" in errors(text, linted(text, tmp_path))) == refused


def test_a_feature_that_is_named_twice_goes_in_twice(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "1,0\n2,1\n" * 20, encoding="utf-8")
    text = written("csv", "classification", features=["a", "a"])
    typed = spec.typed(spec.resolve(text))
    assert linted(text, tmp_path).input_shape == reading.read(typed.dataset, typed.task, tmp_path).inputs.shape[1:] == (2,)


@pytest.mark.parametrize("width, units, fits", [(1, 1, True), (2, None, False), (2, 1, False), (2, 2, True), (3, 2, False)])
def test_there_are_as_many_outputs_as_numbers_to_predict(width: int, units: int | None, fits: bool, tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=np.ones((40, 3), np.float32), y=np.linspace(0, 1, 40 * width).reshape(40, width))
    text = written("npz", "regression")
    text["model"]["output"] = {} if units is None else {"units": units}
    assert ("OUT018" not in errors(text, linted(text, tmp_path))) == fits


FLAGS, ONE_HOT = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]]), np.eye(3)
TARGETS = {
    "class numbers": np.array([0, 1, 2]),
    "class numbers that are floats": np.array([0.0, 1.0, 2.0]),
    "words": np.array(["a", "b", "c"]),
    "fractions": np.array([0.5, 1.0, 2.0]),
    "flags": FLAGS,
    "one-hot rows": ONE_HOT,
    "a column": np.array([[0], [1], [1]]),
    "rows of numbers": np.array([[0.5, 2.0], [1.0, 3.0], [0.0, 0.5]]),
    "rows between 0 and 1": np.array([[0.5, 0.0], [1.0, 0.25], [0.0, 0.5]]),
    "pictures": np.zeros((3, 2, 2)),
    "dates": np.array(["2020-01-01", "2021-01-01", "2022-01-01"], dtype="datetime64[D]"),
}


@pytest.mark.parametrize("task", ["classification", "multilabel", "regression"])
@pytest.mark.parametrize("name", TARGETS)
def test_targets_are_refused_by_the_rule_where_the_trainer_refuses_them_and_nowhere_else(name: str, task: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=np.ones((3, 4), np.float32), y=TARGETS[name])
    text = written("npz", task)
    told = trained(text, tmp_path)
    assert ("DAT009" in errors(text, linted(text, tmp_path))) == isinstance(told, str), told


def test_words_in_an_archive_are_counted_and_ordered_as_the_trainer_does(tmp_path: Path) -> None:
    labels = np.array(["b", "a", "10", "9", "b"])
    np.savez(tmp_path / "t.npz", x=np.ones((5, 2), np.float32), y=labels)
    text = written("npz", "classification")
    typed, found = spec.typed(spec.resolve(text)), linted(text, tmp_path)
    samples = reading.read(typed.dataset, typed.task, tmp_path)
    assert found.class_names == samples.classes
    assert found.class_counts == tuple(np.bincount(samples.targets).tolist())


@pytest.mark.parametrize("limit, severity", [(1, "error"), (2, "warning")])
def test_the_policy_decides_what_becomes_of_bad_records_as_in_the_trainer(limit: int, severity: str, tmp_path: Path) -> None:
    import json

    (tmp_path / "t.csv").write_text("a,y\n" + "1,0\n2,1\n" * 20 + ",0\nNA,1\n", encoding="utf-8")
    text = written("csv", "classification", bad_records="skip", max_bad_records=limit)
    found = [each for each in lint(json.dumps(text), facts=linted(text, tmp_path)).findings if each.code == "DAT002"]
    assert [each.severity.label for each in found] == [severity]
    assert re.search("2 of 42 rows", found[0].message)
    assert isinstance(trained(text, tmp_path), str) == (severity == "error")
