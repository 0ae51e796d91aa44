"""Every table of a backbone is what Keras builds: all of them here, a few in every run of the tests."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from trainyard.linter.spec import schema_text

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "linter/trainyard/linter/shapes/backbones"
WRITER = ROOT / "tests/unit/linter/shapes/write_backbones.py"
NAMES: list[str] = json.loads(schema_text())["$defs"]["Transfer"]["properties"]["backbone"]["enum"]


@pytest.mark.keras
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_a_backbone_is_what_keras_builds(name: str) -> None:
    described = runpy.run_path(str(WRITER))["describe"](name)
    assert json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) == described
