"""What newcomers write, and what they are told: the thing meant, once, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
FOLDER = {"type": "image_directory", "path": "pictures"}
CNN = {"type": "cnn", "blocks": [{"filters": 16, "dropout": 0.2}, {"filters": 32, "dropout": 0.2}]}


def pictures(folder: Path, classes: dict[str, int], side: int) -> None:
    image = pytest.importorskip("PIL.Image")
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            image.new("RGB", (side, side), (number % 256, 7, 9)).save(folder / name / f"{number:04}.png")


def said(run: Run, name: str, *arguments: str) -> list[tuple[str, str, Any]]:
    (file,) = run("check", name, "--format", "json", *arguments).json["files"]
    return [(found["code"], found["message"], found["suggestion"]) for found in file["findings"] if found["severity"] != "info"]


@pytest.mark.parametrize(
    "model", [CNN, {"type": "transfer", "backbone": "resnet50", "head": {"dropout": 0.2}}], ids=lambda model: str(model["type"])
)
def test_channels_first_is_told_once_and_as_what_it_is(model: Any, run: Run, write: Callable[..., str], tmp_path: Path) -> None:
    pictures(tmp_path / "pictures", {"a": 60, "b": 60}, 64)
    name = write(dataset={**FOLDER, "input_shape": [3, 64, 64], "scaling": "preprocess_input" if model is not CNN else "unit"}, model=model)
    ((code, message, suggestion),) = said(run, name, "--data-root", ".")
    assert code == "NET005"
    assert "channels first" in message
    assert suggestion == {"pointer": "/dataset/input_shape", "value": [64, 64, 3]}


def test_enlarged_pictures_are_told_with_the_work_that_they_make(run: Run, write: Callable[..., str], tmp_path: Path) -> None:
    pictures(tmp_path / "pictures", {"a": 60, "b": 60}, 48)
    name = write(dataset={**FOLDER, "input_shape": [480, 480, 3]}, model=CNN)
    ((code, message, suggestion),) = said(run, name, "--data-root", ".")
    assert (code, suggestion["value"]) == ("INP007", [48, 48, 3])
    assert "100 times the work" in message


@pytest.mark.parametrize("broken", [{"optimizer": {"type": "adam", "learning_rate": "x"}}, {"dataset": {**FOLDER, "scaling": 5}}])
def test_with_a_root_nobody_is_told_to_name_one(broken: Any, run: Run, write: Callable[..., str], tmp_path: Path) -> None:
    pictures(tmp_path / "pictures", {"a": 60, "b": 60}, 16)
    name = write(**{"dataset": FOLDER, "model": CNN, **broken})
    text = run("check", name, "--data-root", ".").out
    assert "SPEC00" in text
    assert "--data-root" not in text
