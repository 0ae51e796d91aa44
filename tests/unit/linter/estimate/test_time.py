"""Time: what a run's seconds are made of, and what makes them more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter.estimate.hardware import BadProfileError, HardwareProfile, built_in, profile
from trainyard.linter.estimate.time import NOTHING, Seconds, Work, times
from trainyard.linter.shapes import Shapes, infer
from trainyard.linter.spec.model.optimizer import Sgd

SGD = Sgd("sgd", 0.01, 0.9, True, None, None, None, None)
MOBILE = {"type": "transfer", "backbone": "mobilenet_v2", "weights": None}
SPEED = {
    "flops_per_second": {"float32": 1e9, "half": 4e9},
    "bandwidth_bytes_per_second": 1e30,
    "disk_bytes_per_second": 1e6,
    "step_seconds": 0.001,
    "layer_seconds": 1e-30,
    "start_seconds": 5,
    "compile_seconds": 2,
    "compile_layer_seconds": 1e-30,
    "launch_seconds": 1e-30,
    "epoch_seconds": 1e-30,
    "between_epochs_seconds": 1e-30,
}


def box(**speed: object) -> HardwareProfile:
    return profile({"device": "box", "memory_bytes": 1e10, "speed": {**SPEED, **speed}})


def work(shapes: Shapes, **changes: Any) -> Work:
    return Work(shapes, SGD, "float32", 32, 100, 10)._replace(**changes)


def test_a_step_computes_three_forward_passes(image_net: Shapes) -> None:
    step = times(work(image_net), box()).step
    assert step.low == pytest.approx(0.001 + 6 * image_net.multiply_adds * 32 / 1e9)
    assert step.high == pytest.approx(step.low)


def test_half_precision_computes_at_its_own_rate(image_net: Shapes) -> None:
    whole, half = (times(work(image_net, precision=name), box(step_seconds=1e-30)).step for name in ("float32", "mixed_float16"))
    assert whole.low == pytest.approx(4 * half.low)


def test_the_whole_is_start_compilation_epochs_savings_and_test(image_net: Shapes) -> None:
    found = times(work(image_net, validation_steps=20, test_steps=30, checkpoint_bytes=3_000_000, saves=4), box())
    assert (found.start, found.compilation, found.saving) == (Seconds(5, 5), Seconds(2, 2), Seconds(3, 3))
    assert found.epoch.low == pytest.approx(100 * found.step.low + found.evaluation.low)
    assert found.total.low == pytest.approx(5 + 2 + 10 * found.epoch.low + 4 * 3 + found.test.low)
    assert found.test.low == pytest.approx(1.5 * found.evaluation.low)
    assert times(work(image_net, checkpoint_bytes=3_000_000), box()).saving == NOTHING


def test_without_epochs_only_start_and_compilation_remain(image_net: Shapes) -> None:
    assert times(work(image_net, epochs=-3), box()).total.low == pytest.approx(7)


def test_work_beyond_every_number_takes_for_ever_and_is_no_error(understood: Callable[..., Any]) -> None:
    layers = [{"type": "conv2d", "filters": 2**50, "kernel_size": 1}] * 40 + [{"type": "flatten"}, {"type": "dense", "units": 2**50}]
    found = infer(understood({"type": "sequential", "layers": layers}, [2**40, 2**40, 2**40]))
    assert found is not None
    ended = times(work(found, batch=10**50, steps=10**400, epochs=10**400, checkpoint_bytes=10**400, saves=10**400), profile("t4"))
    assert ended.total.high >= ended.total.low > 1e100


@pytest.mark.parametrize("card", built_in(), ids=lambda card: card.name)
def test_a_built_in_card_gives_an_interval_that_is_marked_uncalibrated(card: HardwareProfile, image_net: Shapes) -> None:
    found = times(work(image_net), card)
    assert not found.calibrated
    assert 0 < found.step.low < found.step.high < 100 * found.step.low
    assert times(work(image_net), box()).calibrated


def test_a_profile_that_says_nothing_of_speed_gives_times_that_are_not_calibrated(image_net: Shapes) -> None:
    card, processor = (profile({"device": name, "memory_bytes": 1e10}) for name in ("A card", "Some CPU"))
    found, slower = times(work(image_net), card), times(work(image_net), processor)
    assert not found.calibrated
    assert not slower.calibrated
    assert slower.step.high > 3 * found.step.high


def test_a_frozen_backbone_is_not_passed_backward(understood: Callable[..., Any]) -> None:
    frozen, whole = (infer(understood(MOBILE | {"trainable": each}, [224, 224, 3]), None, 10) for each in ("none", "all"))
    assert frozen is not None
    assert whole is not None
    assert times(work(frozen), box()).step.low < 0.5 * times(work(whole), box()).step.low


@pytest.mark.parametrize(
    "speed, names",
    [
        ({"flops_per_second": 0}, r"speed\.flops_per_second"),
        ({"flops_per_second": {"float32": "fast"}}, r"speed\.flops_per_second\.float32"),
        ({"step_seconds": -1}, r"speed\.step_seconds"),
        ({"start_seconds": [1, 2, 3]}, r"speed\.start_seconds"),
        ({"disk_bytes_per_second": float("nan")}, r"speed\.disk_bytes_per_second"),
        ({"flops": 1}, r"speed\.flops.*flops_per_second"),
        ("fast", "'speed'"),
    ],
)
def test_a_wrong_speed_is_refused_with_the_name_of_the_figure(speed: object, names: str) -> None:
    with pytest.raises(BadProfileError, match=names):
        profile({"device": "x", "memory_bytes": 1, "speed": speed})
