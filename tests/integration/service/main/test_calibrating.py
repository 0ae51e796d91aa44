"""Calibrating with two small models and real Keras: what it writes is a profile that the linter and a server go by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter.estimate.hardware import profile
from trainyard.linter.estimate.kinds import Kind
from trainyard.service.core import hardware
from trainyard.service.main import calibrating
from trainyard.service.main import calibration_specs as specs
from trainyard.service.main.policy_file import HARDWARE, read_hardware

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def calibrated() -> tuple[dict[str, Any], list[str]]:
    told: list[str] = []
    odd: tuple[dict[str, Any], list[int], int, dict[str, Any]] = (
        {"type": "sequential", "layers": [{"type": "lstm", "units": 4}], "output": {}},
        [8, 8, 3],
        32,
        {},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(specs, "MODELS", {"mlp-tiny": specs.MODELS["mlp-tiny"], "cnn-small": specs.MODELS["cnn-small"], "odd": odd})
        patch.setattr(specs, "WHOLE", ("mlp-tiny",))
        patch.setattr(calibrating, "_LEAST_MODELS", 2)
        patch.setattr(calibrating, "_ROUNDS", 0)
        patch.setattr(calibrating, "_EACH_SECONDS", 0.05)
        return calibrating.calibrate("cpu", told.append), told


def test_what_is_written_is_a_measured_profile_of_this_device(calibrated: tuple[dict[str, Any], list[str]]) -> None:
    found = profile(json.loads(json.dumps(calibrated[0])))
    assert found.speed_is_measured
    assert (found.kind, found.backend) == ("cpu", "tensorflow")
    assert set(found.speed.work or {}) == set(Kind)
    assert 0 < found.speed.start.low < found.speed.start.high < 120
    assert found.context.low > 100 * 1024**2


def test_every_launch_that_was_measured_stands_in_it(calibrated: tuple[dict[str, Any], list[str]]) -> None:
    points = calibrated[0]["points"]
    assert {name.partition(",")[0] for name in points} == {"mlp-tiny", "cnn-small"}
    assert any("judged" in name for name in points)
    assert all(0 < seconds < 5 for seconds in points.values())


def test_a_model_that_can_not_be_measured_is_left_out_and_named(calibrated: tuple[dict[str, Any], list[str]]) -> None:
    assert any("odd, left out" in line for line in calibrated[1])


def test_a_server_goes_by_it(calibrated: tuple[dict[str, Any], list[str]], tmp_path: Path) -> None:
    (tmp_path / HARDWARE).write_text(json.dumps(calibrated[0]), encoding="utf-8")
    here = hardware.describe(calibrated[0]["device"], 2 * 1024**3, gpu=False)
    read = read_hardware(tmp_path, here)
    assert profile(read).speed_is_measured
    assert read["memory_bytes"] == 2 * 1024**3
