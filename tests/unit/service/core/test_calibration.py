"""A box with known costs, measured: the fit finds costs that explain what was measured, and models that were not."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from trainyard.linter import lint
from trainyard.linter import spec as language
from trainyard.linter.estimate import effort
from trainyard.linter.estimate.hardware import HardwareProfile, profile
from trainyard.linter.estimate.kinds import Kind
from trainyard.linter.estimate.time import Work, times
from trainyard.linter.shapes import infer
from trainyard.service.capability import untrainable
from trainyard.service.core import calibration
from trainyard.service.core.calibration import Fit, Making, Whole
from trainyard.service.main import calibrating
from trainyard.service.main import calibration_specs as specs
from trainyard.service.main.calibrating import Measured

# Everything costs another multiple of what the fit begins with.
TRUTH = {kind: cost * (0.4 + 0.37 * (place % 7)) for place, (kind, cost) in enumerate(calibration._START.items())}


def measured(noise: float) -> list[Measured]:
    chance = random.Random(1)

    def launches(done: effort.Effort) -> tuple[tuple[int, float], ...]:
        each = sum(amount * TRUTH[kind] for kind, amount in done.items())
        return tuple((count, (count * each + TRUTH[Kind.LAUNCH]) * math.exp(chance.gauss(0, noise))) for count in (1, 20))

    found = []
    for name, (_, shape, batch, _) in specs.MODELS.items():
        typed = language.typed(language.resolve(specs.spec(name)))
        shapes = infer(typed, tuple(shape), specs.CLASSES)
        assert shapes is not None
        trained = effort.of_training(shapes, typed.optimizer, batch, [each.type for each in typed.augmentation])
        found.append(Measured(name, launches(trained), launches(effort.of_judging(shapes, batch)), 0.002, 0.5))
    return found


def box(fit: Fit) -> HardwareProfile:
    whole = Whole(9.0, (1.5, 0.5, 0.5), (0.01, 0.02))
    described: dict[str, Any] = calibration.speed(fit, [Making(5, 0.5), Making(160, 4.0)], [0.002, 0.004], [whole])
    return profile({"device": "x86_64, 2 cores", "kind": "cpu", "memory_bytes": 8 * 1024**3, "speed": described})


def work(model: dict[str, Any], shape: list[int], batch: int) -> Work:
    written = {**specs.spec("mlp-tiny"), "model": model, "training": {"batch_size": batch, "epochs": 3}}
    written["dataset"]["input_shape"] = shape
    typed = language.typed(language.resolve(written))
    shapes = infer(typed, tuple(shape), specs.CLASSES)
    assert shapes is not None
    return Work(shapes, typed.optimizer, "float32", batch, 50, 3, 10)


OTHERS = [
    ({"type": "mlp", "hidden": [256, 128, 64], "dropout": 0.1}, [64], 64),
    ({"type": "cnn", "blocks": [{"filters": 24, "batch_norm": True}, {"filters": 48}], "head": {"dropout": 0.3}}, [28, 28, 1], 32),
    ({"type": "transfer", "backbone": "efficientnet_b0", "weights": None, "trainable": "none"}, [96, 96, 3], 8),
]


@pytest.fixture(scope="module")
def calm() -> Fit:
    return calibration.fitted(calibrating.points(measured(0.0)))


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_what_was_measured_is_explained_again(noise: float, calm: Fit) -> None:
    found = calibrating.points(measured(noise))
    errors = sorted(abs(error) for error in calibration.errors(found, calibration.fitted(found) if noise else calm))
    assert errors[len(errors) // 2] < 0.03 + noise


@pytest.mark.parametrize("model, shape, batch", OTHERS, ids=lambda value: value.get("type") if isinstance(value, dict) else None)
def test_a_model_that_was_not_measured_is_predicted_too(model: dict[str, Any], shape: list[int], batch: int, calm: Fit) -> None:
    there = work(model, shape, batch)
    truth = box(Fit(TRUTH, 1.15))
    assert calibration.predicted_seconds(there, box(calm)) == pytest.approx(calibration.predicted_seconds(there, truth), rel=0.2)


def test_a_measurement_that_was_disturbed_does_not_drag_the_others_along(calm: Fit) -> None:
    found = measured(0.0)
    found[3] = found[3]._replace(train=tuple((count, 5 * seconds) for count, seconds in found[3].train))
    disturbed = calibration.fitted(calibrating.points(found))
    for kind in (Kind.CONVOLUTION, Kind.DEPTHWISE, Kind.NORMALIZATION):
        assert disturbed.costs[kind] == pytest.approx(calm.costs[kind], rel=0.2)


def test_the_intervals_are_as_wide_as_what_the_fit_leaves_unexplained(calm: Fit) -> None:
    wild = calibration.fitted(calibrating.points(measured(0.5)))
    assert calm.spread < wild.spread


def test_what_is_paid_once_comes_from_compiling_and_from_the_rest_of_a_whole_run(calm: Fit) -> None:
    known = box(calm)
    found = times(work({"type": "mlp", "hidden": [8]}, [64], 32), known)
    assert found.start.low < 9.0 - 2.5 - 0.03 <= found.start.high + 1e-9
    assert found.compilation.low < 0.5 + 0.1 < found.compilation.high
    assert known.speed_is_measured


def test_of_two_measurements_of_a_model_the_shorter_launches_count() -> None:
    first = Measured("a", ((1, 0.3), (10, 1.0)), ((1, 0.1),), 0.002, 0.5)
    second = Measured("a", ((1, 0.2), (20, 2.2)), ((1, 0.2),), 0.001, 0.9)
    assert calibrating._least(first, second) == Measured("a", ((1, 0.2), (10, 1.0)), ((1, 0.1),), 0.001, 0.5)


def test_every_kind_of_work_is_part_of_some_measurement() -> None:
    seen = {kind for point in calibrating.points(measured(0.0)) for kind in point.effort}
    assert seen == set(Kind)


@pytest.mark.parametrize("name", specs.MODELS)
def test_every_reference_model_can_be_trained(name: str) -> None:
    report = lint(json.dumps(specs.spec(name)).encode())
    assert report.spec is not None, report.findings
    assert not untrainable(report.spec)
