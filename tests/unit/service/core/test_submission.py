"""Taking in a job: what is expected of it stands with it from the start."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter.estimate.hardware import HardwareProfile, profile
from trainyard.linter.estimate.kinds import Kind
from trainyard.linter.planning import training_plan
from trainyard.service.core.gate import Gate
from trainyard.service.core.jobs import Prediction
from trainyard.service.core.submission import Submission, Submissions
from trainyard.service.store import open_sqlite

SPEC: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "csv", "path": "table.csv", "target": "label", "input_shape": [2], "scaling": "standardize"},
    "model": {"type": "mlp", "hidden": [8], "dropout": 0.1},
    "training": {"epochs": 30, "batch_size": 8},
}
BOX: dict[str, Any] = {"device": "Some CPU", "kind": "cpu", "memory_bytes": 8e9}
MEASURED = {**BOX, "speed": {"work_seconds": {str(kind): 1e-9 for kind in Kind} | {"step": 0.01}, "start_seconds": [4, 9]}}


class Fixed:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    def job_id(self) -> str:
        return "abcdefgh2345"


@pytest.fixture
def expected(tmp_path: Path) -> Any:
    rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
    (tmp_path / "table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")

    def expect(hardware: HardwareProfile | None, **changes: Any) -> tuple[Prediction, Any]:
        store = open_sqlite(tmp_path / f"{uuid.uuid4()}.db", ())
        gate, fixed = Gate(tmp_path, hardware=hardware), Fixed()
        source = json.dumps({**SPEC, **changes}).encode()
        try:
            job = Submissions(gate, store, fixed, fixed).submit(Submission(source, "ann")).job
            assert store.job(job.id).prediction.seconds == pytest.approx(job.prediction.seconds), "it is kept"
        finally:
            store.close()
        return job.prediction, training_plan(gate.judge(source).report)

    return expect


def test_on_a_box_that_was_measured_the_whole_time_is_expected_as_the_plan_tells_it(expected: Any) -> None:
    found, plan = expected(profile(MEASURED))
    assert plan.time.calibrated
    assert plan.time.total.low < found.seconds < plan.time.total.high
    assert found.seconds > 4 + 30 * 7 * 0.01


def test_a_data_sheet_expects_no_time(expected: Any) -> None:
    assert expected(profile(BOX))[0].seconds is None
    assert expected(profile("t4"))[0].seconds is None
    assert expected(None)[0].seconds is None


def test_memory_is_expected_as_the_rules_judge_it(expected: Any) -> None:
    found, plan = expected(profile(MEASURED))
    assert (found.memory_low_bytes, found.memory_high_bytes) == tuple(plan.report.case.memory.total)
