"""Weights that a model starts from and that are not below the data root: found by a check that knows the root, and by no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter import spec
from trainyard.linter.cli.checker import Checker
from trainyard.linter.cli.settings.settings import SettingsReader
from trainyard.linter.facts.starting import absent

TRANSFER: dict[str, Any] = {"type": "transfer", "backbone": "mobilenet_v2"}


def written(model: dict[str, Any]) -> dict[str, Any]:
    dataset = {"type": "image_directory", "path": "pets", "input_shape": [96, 96, 3]}
    return {"version": "v1", "task": "classification", "dataset": dataset, "model": model}


def missing(model: dict[str, Any], root: Path) -> list[str]:
    return [problem.field for problem in absent(spec.typed(spec.resolve(written(model))).model, root)]


@pytest.mark.parametrize(
    "model, fields",
    [
        ({**TRANSFER, "weights": "w/there.h5"}, []),
        ({**TRANSFER, "weights": "w/nope.h5"}, ["/model/weights"]),
        ({**TRANSFER, "weights": "w/nope.h5", "initial": "runs/nope"}, ["/model/weights", "/model/initial"]),
        ({**TRANSFER, "weights": "imagenet"}, []),
        ({**TRANSFER, "weights": None}, []),
        ({"type": "mlp", "hidden": [8], "initial": "runs/nope"}, ["/model/initial"]),
    ],
)
def test_a_file_that_is_not_there_is_named_by_its_field(model: dict[str, Any], fields: list[str], tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w/there.h5").write_bytes(b"weights")
    assert missing(model, tmp_path) == fields


@pytest.mark.parametrize("rooted", [True, False])
def test_a_check_with_a_data_root_says_so_and_one_without_stays_silent(rooted: bool, tmp_path: Path) -> None:
    reader = SettingsReader({"data-root": str(tmp_path)} if rooted else {}, config=None, isolated=True)
    report = Checker(reader).judge("a.trainspec.json", json.dumps(written({**TRANSFER, "weights": "w/nope.h5"})).encode())
    assert [finding.pointer for finding in report.findings if finding.code == "DAT010"] == ["/model/weights"] * rooted
