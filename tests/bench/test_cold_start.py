"""What one commit pays: ``trainlint check`` of one good spec, all rules on, beside what other linters pay for one file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bench.conftest import Bench

SCHEMA = "linter/trainyard/linter/spec/schema/v1.json"
LARGEST_RATIO_IN_EVERY_RUN = 1 / 3
LARGEST_RATIOS = {"check-jsonschema": 0.40, "cfn-lint": 0.10}


@pytest.fixture
def spec(repository: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(repository / "examples/digits/good.trainspec.json", tmp_path))


@pytest.mark.gate
def test_a_cold_check_costs_at_most_a_third_of_check_jsonschema(bench: Bench, repository: Path, tools: Path, spec: Path) -> None:
    schema_checker = tools / "check-jsonschema"
    programs = {
        "trainlint": [tools / "trainlint", "check", spec],
        "check-jsonschema": [schema_checker, "--schemafile", repository / SCHEMA, spec],
    }
    measured = bench.rounds(programs, cwd=spec.parent, rounds=5)
    assert measured.ratio("trainlint", "check-jsonschema") <= LARGEST_RATIO_IN_EVERY_RUN


def test_a_cold_check_beside_the_linters_that_people_know(
    bench: Bench, repository: Path, tools: Path, peers: Path, spec: Path, their_versions: dict[str, str]
) -> None:
    inputs = Path(shutil.copytree(repository / "tests/bench/inputs", spec.parent / "inputs"))
    programs = {
        "python -c pass": [tools / "python", "-c", "pass"],
        "trainlint": [tools / "trainlint", "check", spec],
        "check-jsonschema": [peers / "check-jsonschema", "--schemafile", repository / SCHEMA, spec],
        "cfn-lint": [peers / "cfn-lint", inputs / "bucket.template.json"],
        "yamllint": [peers / "yamllint", "-d", "relaxed", spec],
        "ruff": [peers / "ruff", "check", "--isolated", "--no-cache", inputs / "module.py"],
    }
    measured = bench.rounds(programs, cwd=spec.parent)
    bench.keep("cold_start", measured.figures(), their_versions)
    for name, largest in LARGEST_RATIOS.items():
        assert measured.ratio("trainlint", name) <= largest
