"""What one commit pays: ``trainlint check`` of one good spec, against the plain schema checker on the same file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bench.conftest import Bench

LARGEST_RATIO = 1 / 3
DISTRIBUTIONS = ("trainyard", "click", "jsonschema-rs", "check-jsonschema", "jsonschema")


@pytest.mark.gate
def test_a_cold_check_costs_at_most_a_third_of_check_jsonschema(bench: Bench, repository: Path, tools: Path, tmp_path: Path) -> None:
    spec = shutil.copy(repository / "examples/digits/good.trainspec.json", tmp_path)
    schema = repository / "linter/trainyard/linter/spec/schema/v1.json"
    measured = bench.compare([tools / "trainlint", "check", spec], [tools / "check-jsonschema", "--schemafile", schema, spec], cwd=tmp_path)
    bench.keep("cold_start", measured.figures(), DISTRIBUTIONS)
    assert measured.ratio <= LARGEST_RATIO
