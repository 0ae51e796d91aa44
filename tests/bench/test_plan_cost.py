"""What a plan costs beside a check of the same spec: it computes and draws far more, and is asked for far less often."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bench.conftest import Bench

LARGEST_RATIO = 2.5


@pytest.fixture
def spec(repository: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(repository / "examples/digits/good.trainspec.json", tmp_path))


@pytest.mark.gate
def test_a_plan_as_text_costs_at_most_two_and_a_half_checks(bench: Bench, spec: Path) -> None:
    programs = {
        "trainlint": [bench.tool("trainlint"), "check", str(spec)],
        "plan": [bench.tool("trainlint"), "plan", str(spec)],
        "plan on a card": [bench.tool("trainlint"), "plan", str(spec), "--hardware", "t4"],
    }
    measured = bench.rounds(programs, cwd=spec.parent)
    bench.keep("plan_cost", measured.figures())
    for name in ("plan", "plan on a card"):
        assert measured.ratio(name, "trainlint") <= LARGEST_RATIO
