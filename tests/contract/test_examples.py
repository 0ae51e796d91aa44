"""The example data is what scikit-learn ships, and the example specs tell the truth about it."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

SPECS = ("digits/good", "digits/bad", "breast-cancer/good")
LARGEST_FOLDER_BYTES = 1_000_000


@pytest.fixture(scope="module")
def examples(repository: Path) -> Path:
    return repository / "examples"


def script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pixels(folder: Path) -> dict[str, bytes]:
    """Map each image's place to its mode, size and pixels: equal pixels may be packed into different bytes."""
    images = {}
    for path in sorted(folder.rglob("*.png")):
        with Image.open(path) as image:
            images[path.relative_to(folder).as_posix()] = f"{image.mode} {image.size} ".encode() + np.asarray(image).tobytes()
    return images


def spec(examples: Path, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((examples / f"{name}.trainspec.json").read_text(encoding="utf-8"))
    return loaded


def real_counts(examples: Path, dataset: dict[str, Any]) -> dict[str, int]:
    path = examples / dataset["path"]
    if dataset["type"] == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            return Counter(row[dataset["target"]] for row in csv.DictReader(file))
    return Counter(image.parent.name for image in path.rglob("*.png"))


def test_the_committed_digits_are_the_ones_the_script_writes(examples: Path, tmp_path: Path) -> None:
    script(examples / "digits/write_images.py").write(tmp_path)
    written = pixels(tmp_path)
    assert len(written) == 1797 + 227
    assert written == pixels(examples / "digits")


def test_the_committed_table_is_the_one_the_script_writes(examples: Path, tmp_path: Path) -> None:
    script(examples / "breast-cancer/write_table.py").write(tmp_path / "table.csv")
    committed = (examples / "breast-cancer/breast_cancer.csv").read_bytes()
    assert len(committed.splitlines()) == 569 + 1
    assert (tmp_path / "table.csv").read_bytes() == committed


@pytest.mark.parametrize("name", SPECS)
def test_an_example_spec_declares_the_counts_its_data_has(examples: Path, name: str) -> None:
    dataset = spec(examples, name)["dataset"]
    counts = real_counts(examples, dataset)
    assert dataset["facts"]["class_counts"] == counts
    assert dataset["facts"]["classes"] == sorted(counts)
    assert dataset["facts"]["samples"] == sum(counts.values())


@pytest.mark.parametrize("folder", ["digits", "breast-cancer"])
def test_the_example_data_stays_small(examples: Path, folder: str) -> None:
    assert sum(path.stat().st_size for path in (examples / folder).rglob("*") if path.is_file()) < LARGEST_FOLDER_BYTES


def test_the_data_licence_names_every_data_folder(examples: Path) -> None:
    text = (examples / "LICENSE-DATA.md").read_text(encoding="utf-8")
    assert all(f"`{folder}`" in text for folder in ("digits/images", "digits/skewed", "breast-cancer"))
    assert all(name in text for name in ("UCI", "CC BY 4.0", "scikit-learn", "BSD"))
