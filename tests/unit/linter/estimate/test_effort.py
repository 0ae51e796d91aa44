"""Effort: what a step is made of, and that each kind of layer counts as its own kind of work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter.estimate import effort, launching
from trainyard.linter.estimate.hardware import BadProfileError, profile
from trainyard.linter.estimate.kinds import Kind
from trainyard.linter.estimate.time import Work, run, times, training_step
from trainyard.linter.shapes import Shapes, infer
from trainyard.linter.spec.model.optimizer import Sgd

SGD = Sgd("sgd", 0.01, 0.0, False, None, None, None, None)
FREE = {str(kind): 1e-30 for kind in Kind}
Understood = Callable[..., Any]


@pytest.fixture
def shapes(understood: Understood) -> Callable[..., Shapes]:
    def made(*layers: dict[str, Any], shape: tuple[int, ...] = (8, 8, 3), **model: Any) -> Shapes:
        described = model or {"type": "sequential", "layers": list(layers), "output": {"units": 2}}
        found = infer(understood(described, list(shape)), None, 2)
        assert found is not None
        assert found.obstacle is None
        return found

    return made


def box(kind: str = "cpu", backend: str = "tensorflow", **costs: float) -> Any:
    work = {**FREE, **costs}
    once = {
        "epoch_seconds": 1e-30,
        "between_epochs_seconds": 1e-30,
        "start_seconds": 1,
        "compile_seconds": 2,
        "compile_layer_seconds": 1e-30,
    }
    return profile({"device": "box", "kind": kind, "backend": backend, "memory_bytes": 1e10, "speed": {**once, "work_seconds": work}})


def test_each_layer_counts_as_its_own_kind(shapes: Callable[..., Shapes]) -> None:
    conv = {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same"}
    others = [
        {"type": "depthwise_conv2d", "kernel_size": 3, "padding": "same"},
        {"type": "batch_normalization"},
        {"type": "activation", "activation": "swish"},
        {"type": "dropout", "rate": 0.5},
        {"type": "max_pooling2d", "pool_size": 2},
        {"type": "flatten"},
    ]
    found = effort.of_training(shapes(conv, *others), SGD, 10)
    places = 8 * 8
    back = "back to its own weights: nothing lies before it"
    assert (found[Kind.CONVOLUTION], found[Kind.CONVOLUTION_BACK]) == (10 * places * 9 * 3 * 4, 10 * places * 9 * 3 * 4), back
    assert found[Kind.PATCH] == found[Kind.PATCH_BACK] == 10 * places * (9 * 3 + 4)
    assert found[Kind.DISPATCH] == 2 + 3, "the depthwise one has its way back to both"
    assert found[Kind.DEPTHWISE] == 10 * places * 9 * 4 * 3
    assert found[Kind.NORMALIZATION] == found[Kind.SMOOTH] == found[Kind.DROPOUT] == 10 * places * 4 * 2
    assert found[Kind.POOLING] == 10 * places * 4 * 2
    assert found[Kind.PRODUCT] == 10 * 4 * 4 * 4 * 2 * 3
    assert found[Kind.INPUT] == 10 * places * 3
    assert found[Kind.STEP] == 1


def test_judging_goes_forward_only_and_drops_nothing(shapes: Callable[..., Shapes]) -> None:
    layers = {"type": "dense", "units": 8}, {"type": "batch_normalization"}, {"type": "dropout", "rate": 0.5}
    found = effort.of_judging(shapes(*layers, shape=(16,)), 4)
    assert Kind.DROPOUT not in found
    assert Kind.NORMALIZATION not in found, "learnt statistics are only a scale and an offset"
    assert Kind.VARIABLE not in found
    assert found[Kind.PRODUCT] == 4 * (16 * 8 + 8 * 2)


def test_a_recurrence_counts_its_time_steps_there_and_back(shapes: Callable[..., Shapes]) -> None:
    words = {"type": "embedding", "input_dim": 50, "output_dim": 6}
    alone, twice = (
        effort.of_training(shapes(words, {"type": "lstm", "units": 5, "bidirectional": both}, shape=(30,)), SGD, 2)
        for both in (False, True)
    )
    assert alone[Kind.RECURRENCE] == twice[Kind.RECURRENCE] == 60, "two directions go side by side"
    assert twice[Kind.PRODUCT] > 1.9 * alone[Kind.PRODUCT]


def test_of_a_frozen_backbone_only_the_way_forward_counts(shapes: Callable[..., Shapes]) -> None:
    model = {"type": "transfer", "backbone": "mobilenet_v2", "weights": None}
    frozen, learning = (effort.of_training(shapes(shape=(64, 64, 3), **model, trainable=each), SGD, 8) for each in ("none", "all"))
    judged = effort.of_judging(shapes(shape=(64, 64, 3), **model, trainable="none"), 8)
    assert frozen[Kind.DEPTHWISE] == judged[Kind.DEPTHWISE]
    assert frozen[Kind.DEPTHWISE] * 3 == learning[Kind.DEPTHWISE]
    assert (frozen[Kind.CONVOLUTION], frozen[Kind.DISPATCH]) == (judged[Kind.CONVOLUTION], judged[Kind.DISPATCH])
    assert Kind.CONVOLUTION_BACK not in frozen
    assert learning[Kind.CONVOLUTION_BACK] > 1.8 * learning[Kind.CONVOLUTION]
    assert Kind.NORMALIZATION not in frozen
    assert learning[Kind.VARIABLE] > 50 * frozen[Kind.VARIABLE]


def test_a_transform_that_moves_pixels_is_told_from_one_that_changes_them(shapes: Callable[..., Shapes]) -> None:
    found = effort.of_training(shapes({"type": "flatten"}), SGD, 2, ("random_rotation", "random_flip", "random_contrast"))
    assert (found[Kind.WARP], found[Kind.TINT]) == (2 * 8 * 8 * 3, 2 * 2 * 8 * 8 * 3)


def test_a_measured_step_is_the_sum_of_what_its_work_costs(shapes: Callable[..., Shapes]) -> None:
    work = Work(shapes({"type": "dense", "units": 4}, shape=(8,)), SGD, "float32", 16, 10, 3)
    step = training_step(work, box(step=0.001, product=1e-6))
    products = 16 * (8 * 4 * 2 + 4 * 2 * 3)
    assert step.low == pytest.approx(0.001 + products * 1e-6)
    assert times(work, box(step=0.001)).epoch.low == pytest.approx(10 * 0.001)


def test_steps_that_loop_share_a_launch_and_others_pay_for_their_own(shapes: Callable[..., Shapes]) -> None:
    dense, conv = (
        shapes({"type": "dense", "units": 4}, shape=(8,)),
        shapes({"type": "conv2d", "filters": 2, "kernel_size": 3}, {"type": "flatten"}),
    )

    def seconds(model: Shapes, kind: str, backend: str) -> float:
        return training_step(Work(model, SGD, "float32", 4, 100, 1), box(kind, backend, step=0.001, launch=0.005)).low

    assert seconds(dense, "cpu", "jax") == pytest.approx(0.001 + 0.005 / 100)
    assert seconds(conv, "cpu", "jax") == pytest.approx(0.006)
    assert seconds(conv, "cpu", "tensorflow") == seconds(conv, "gpu", "jax") == pytest.approx(0.001 + 0.005 / 100)
    streamed = Work(dense, SGD, "float32", 4, 100, 1, resident=False)
    assert training_step(streamed, box(step=0.001, launch=0.005)).low == pytest.approx(0.006)


def test_a_launch_holds_half_a_second_of_steps() -> None:
    assert launching.steps_in_a_launch(0.01, 1000, looped=True) == 50
    assert launching.steps_in_a_launch(0.01, 20, looped=True) == 20
    assert launching.steps_in_a_launch(2.0, 20, looped=True) == 1
    assert launching.steps_in_a_launch(0.01, 1000, looped=False) == 1


def test_stretches_that_follow_each_other_start_the_program_once_and_compile_each(shapes: Callable[..., Shapes]) -> None:
    work = Work(shapes({"type": "dense", "units": 4}, shape=(8,)), SGD, "float32", 4, 10, 5)
    alone, both = run((work,), box(step=0.1)), run((work._replace(epochs=2), work), box(step=0.1))
    assert alone.total.low == pytest.approx(1 + 2 + 5)
    assert both.total.low == pytest.approx(1 + 2 + 5 + 2 + 2)
    assert both.main == alone.main


@pytest.mark.parametrize(
    "work, says",
    [
        ({**FREE, "flops": 1.0}, r"work_seconds\.flops"),
        ({name: cost for name, cost in FREE.items() if name != "warp"}, "lacks 'warp'"),
        ({**FREE, "warp": 0}, r"work_seconds\.warp"),
        (3, "is an object"),
    ],
)
def test_costs_of_work_that_are_none_are_refused(work: object, says: str) -> None:
    with pytest.raises(BadProfileError, match=says):
        profile({"device": "x", "memory_bytes": 1, "speed": {"work_seconds": work}})
