"""What one commit pays: ``trainlint check`` of one good spec, all rules on, beside what other linters pay for one file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bench.conftest import Bench

LARGEST_RATIO_IN_EVERY_RUN = 1 / 3
LARGEST_RATIOS = {"check-jsonschema": 0.40, "cfn-lint": 0.10}


@pytest.fixture
def spec(repository: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(repository / "examples/digits/good.trainspec.json", tmp_path))


@pytest.mark.gate
def test_a_cold_check_costs_at_most_a_third_of_check_jsonschema(bench: Bench, spec: Path) -> None:
    programs = {
        "trainlint": [bench.tool("trainlint"), "check", str(spec)],
        "check-jsonschema": [bench.tool("check-jsonschema"), "--schemafile", bench.schema, str(spec)],
    }
    measured = bench.rounds(programs, cwd=spec.parent, rounds=5)
    assert measured.ratio("trainlint", "check-jsonschema") <= LARGEST_RATIO_IN_EVERY_RUN


def test_a_cold_check_beside_the_linters_that_people_know(bench: Bench, repository: Path, spec: Path) -> None:
    inputs = Path(shutil.copytree(repository / "tests/bench/inputs", spec.parent / "inputs"))
    programs = {
        "python -c pass": [bench.tool("python"), "-c", "pass"],
        "trainlint": [bench.tool("trainlint"), "check", str(spec)],
        "check-jsonschema": [bench.peer("check-jsonschema"), "--schemafile", bench.schema, str(spec)],
        "cfn-lint": [bench.peer("cfn-lint"), str(inputs / "bucket.template.json")],
        "yamllint": [bench.peer("yamllint"), "-d", "relaxed", str(spec)],
        "ruff": [bench.peer("ruff"), "check", "--isolated", "--no-cache", str(inputs / "module.py")],
    }
    measured = bench.rounds(programs, cwd=spec.parent)
    bench.keep("cold_start", measured.figures())
    for name, largest in LARGEST_RATIOS.items():
        assert measured.ratio("trainlint", name) <= largest
