"""Any finite number of the right type parses; no rule may crash or hang on it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter import lint, spec
from trainyard.linter.estimate import hardware
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.examples import BASES, merged
from trainyard.linter.rules.index import RULES

INTEGERS = (0, -1, 1, 2, 2**53 - 1, -(2**53 - 1), 10**9)
NUMBERS = (0.0, -1.0, 1e-320, 1e308, -1e308, 0.5, 3.7)
DRAWS = 400
SCHEDULERS: tuple[dict[str, Any], ...] = (
    {"type": "cosine", "t_max": {"epochs": 3}, "warmup": {"steps": 3}},
    {"type": "step", "milestones": [{"epochs": 3}, {"steps": 9}]},
    {"type": "exponential", "rate": 0.9, "every": {"steps": 3}},
    {"type": "inverse_time", "rate": 0.9},
    {"type": "polynomial", "power": 1.5, "end_lr": 0.1},
    {"type": "one_cycle", "rise": 0.2},
    {"type": "reduce_on_plateau", "patience": 3},
)

EXPLICIT: tuple[list[dict[str, Any]], ...] = (
    [
        {"type": "embedding", "input_dim": 100, "output_dim": 8},
        {"type": "lstm", "units": 4, "return_sequences": True, "bidirectional": True, "dropout": 0.1},
        {"type": "gru", "units": 4},
        {"type": "reshape", "target_shape": [2, 2]},
        {"type": "layer_normalization"},
        {"type": "dense", "units": 4, "activation": "softmax"},
    ],
    [
        {"type": "reshape", "target_shape": [8, 8, 3]},
        {"type": "conv2d", "filters": 4, "kernel_size": [3, 3], "dilation_rate": 2, "groups": 1},
        {"type": "residual_block", "filters": 4, "convolutions": 2, "strides": 2},
        {"type": "dense_block", "convolutions": 2, "growth_rate": 3},
        {"type": "conv2d_transpose", "filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 1},
        {"type": "separable_conv2d", "filters": 2, "kernel_size": 3, "depth_multiplier": 2},
        {"type": "group_normalization", "groups": 2},
        {"type": "resizing", "height": 9, "width": 9},
        {"type": "max_pooling2d", "pool_size": 2, "strides": 1},
        {"type": "normalization", "mean": 0.5, "variance": 2.0},
        {"type": "flatten"},
        {"type": "dense", "units": 4, "activation": "softmax"},
    ],
)


def drawn(draw: random.Random, name: str) -> dict[str, Any]:
    fragment: dict[str, Any] = {"scheduler": draw.choice(SCHEDULERS)}
    if name == "layers" and draw.random() < 0.7:
        layers = draw.choice(EXPLICIT)
        model = {"type": "sequential", "layers": layers}
        if draw.random() < 0.4:
            model = {"type": "graph", "layers": [{"name": f"n{index}", "layer": layer} for index, layer in enumerate(layers)]}
        fragment |= {"model": model, "dataset": {"input_shape": [192] if len(layers) > 8 else [20]}}
    return fragment


def numbers(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [place for key, item in value.items() for place in numbers(item, (*path, key))]
    if isinstance(value, list):
        return [place for index, item in enumerate(value) for place in numbers(item, (*path, index))]
    return [path] if isinstance(value, int | float) and not isinstance(value, bool) else []


def put(value: Any, path: tuple[Any, ...], number: float) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = number


@pytest.mark.parametrize("name", BASES)
def test_no_rule_crashes_or_hangs_on_odd_numbers(name: str, cost: Callable[[Callable[[], object]], float]) -> None:
    draw = random.Random(f"odd {name}")
    judged = 0
    longest: tuple[float, int, dict[str, Any]] = (0.0, 0, {})
    for _ in range(DRAWS):
        written = spec.resolve(merged(drawn(draw, name), name))
        for path in draw.sample(places := numbers(written), k=min(len(places), draw.randint(1, 3))):
            put(written, path, draw.choice(INTEGERS if draw.random() < 0.6 else NUMBERS))
        if spec.check(written):
            continue
        judged += 1
        profile = draw.choice((None, hardware.profile("t4")))
        longest = max(longest, (_judge(written, profile), judged, written))
    assert judged > DRAWS / 4
    _, _, written = longest
    assert cost(lambda: _judge(written, profile)) < 3


def _judge(written: dict[str, Any], profile: hardware.HardwareProfile | None) -> float:
    """Run every rule, and return the CPU seconds it took."""
    started = time.process_time()
    case = Case(spec.typed(spec.resolve(written)), written, hardware=profile)
    for rule in RULES:
        list(rule.check(case))
        list(rule.check_strictly(case))
    return time.process_time() - started


def test_a_batch_that_cannot_grow_is_not_told_to() -> None:
    tiny = {
        "version": "v1",
        "task": "classification",
        "dataset": {"type": "csv", "path": "a.csv", "target": "y", "facts": {"samples": 8, "classes": 2}},
        "model": {"type": "mlp", "hidden": [4], "batch_norm": True},
        "training": {"batch_size": 4},
    }
    (finding,) = [finding for finding in lint(json.dumps(tiny)).findings if finding.code == "BAT002"]
    assert finding.suggestion is None
    assert "leave batch normalization out" in finding.message
