"""A box with known figures, measured: the fit finds figures that predict what was measured, and models that were not."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from trainyard.linter.estimate.hardware import HardwareProfile, profile
from trainyard.service.core import calibration
from trainyard.service.core.calibration import Point, predicted_seconds
from trainyard.service.main import calibration_specs as specs
from trainyard.service.main.calibrating import work_of

BASE = {"name": "box", "device": "x86_64, 2 cores", "kind": "cpu", "backend": "tensorflow", "memory_bytes": 8 * 1024**3}


def box(**speed: Any) -> HardwareProfile:
    return profile({**BASE, "speed": speed} if speed else BASE)


TRUTH = box(flops_per_second=4e10, bandwidth_bytes_per_second=9e9, step_seconds=1.1e-3, layer_seconds=6e-5)


def measured(noise: float) -> list[Point]:
    chance = random.Random(1)
    found = []
    for model in specs.MODELS:
        work = work_of(specs.spec(*model))
        seconds = predicted_seconds(work, TRUTH) * math.exp(chance.gauss(0, noise))
        found.append(Point(model[0], work, seconds, seconds + 1.5, 4 * seconds + 7.5))
    return found


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_what_was_measured_is_predicted_again(noise: float) -> None:
    points = measured(noise)
    found = box(**calibration.fitted(points, box()))
    errors = sorted(abs(math.log(predicted_seconds(point.work, found) / point.epoch_seconds)) for point in points)
    assert errors[len(errors) // 2] < 0.05 + noise
    assert found.speed_is_measured


def test_a_model_that_was_not_measured_is_predicted_too() -> None:
    found = box(**calibration.fitted(measured(0.0), box()))
    work = work_of(specs.spec("other", {"type": "mlp", "hidden": [256, 128, 64], "dropout": 0.1}, specs.ROW, 64))
    assert predicted_seconds(work, found) == pytest.approx(predicted_seconds(work, TRUTH), rel=0.25)


def test_the_intervals_are_as_wide_as_what_the_fit_leaves_unexplained() -> None:
    calm, wild = (calibration.fitted(measured(noise), box())["step_seconds"] for noise in (0.0, 0.5))
    assert calm[1] / calm[0] < wild[1] / wild[0]


def test_what_is_paid_once_comes_from_the_first_epoch_and_from_the_rest_of_the_run() -> None:
    found = calibration.fitted(measured(0.0), box())
    assert found["compile_seconds"][0] < 1.5 <= found["compile_seconds"][1] + 1e-9
    assert found["start_seconds"][0] < 6.0 <= found["start_seconds"][1] + 1e-9


def test_every_reference_model_passes_the_linter() -> None:
    assert {work_of(specs.spec(*model)).batch for model in specs.MODELS} >= {32, 64}
