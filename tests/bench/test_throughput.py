"""What a whole repository pays: ten thousand clean specs in one run, all rules on, against the plain schema checker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bench.conftest import Bench

FILES = 10_000
ROUNDS = 3
SMALLEST_ADVANTAGE = 1.4


@pytest.fixture(scope="module")
def specs(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of specs that differ, so that nothing can be judged once for all."""
    folder = tmp_path_factory.mktemp("specs")
    spec = json.loads((repository / "examples/digits/good.trainspec.json").read_text(encoding="utf-8"))
    for number in range(FILES):
        spec["experiment"].update(name=f"run-{number}", seed=number)
        spec["training"]["epochs"] = 20 + number % 50
        (folder / f"{number}.trainspec.json").write_text(json.dumps(spec, indent=2), encoding="utf-8")
    return folder


@pytest.mark.timeout(900)
def test_ten_thousand_clean_specs_are_judged_faster_than_check_jsonschema_reads_them(bench: Bench, specs: Path) -> None:
    paths = sorted(path.name for path in specs.iterdir())
    programs = {
        "trainlint": [bench.tool("trainlint"), "check", "."],
        "check-jsonschema": [bench.peer("check-jsonschema"), "--schemafile", bench.schema, *paths],
    }
    measured = bench.rounds(programs, cwd=specs, rounds=ROUNDS)
    rates = {name: {"files": FILES, "specs_per_cpu_second": round(FILES / measured.cpu_seconds(name))} for name in programs}
    bench.keep("throughput", {name: rates[name] | figures for name, figures in measured.figures().items()})
    assert 1 / measured.ratio("trainlint", "check-jsonschema") >= SMALLEST_ADVANTAGE
