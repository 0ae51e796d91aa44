"""How large outputs become under Adam: the measurement that the rule on targets out of reach comes from, repeated in small."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from trainyard.linter.rules.target_reach import reach

SAMPLES, FEATURES, BATCH, RATE = 512, 8, 32, 1e-3
BETAS, EPSILON = (0.9, 0.999), 1e-7


def r2(hidden: tuple[int, ...], span: float, updates: int, seed: int) -> float:
    """Train a relu net by Adam on targets of 0 to ``span``; return its coefficient of determination."""
    draw = np.random.default_rng(seed)
    inputs = draw.normal(size=(SAMPLES, FEATURES))
    targets = np.tanh(inputs @ draw.normal(size=FEATURES) / 2) + 0.3 * np.sin(2 * inputs[:, 0])
    targets = (targets - targets.min()) / np.ptp(targets) * span
    sizes = (FEATURES, *hidden, 1)
    weights = [draw.uniform(-1, 1, pair) * np.sqrt(6 / sum(pair)) for pair in pairwise(sizes)]
    values = [*weights, *(np.zeros(size) for size in sizes[1:])]
    first, second = ([np.zeros_like(each) for each in values] for _ in BETAS)
    for update in range(1, updates + 1):
        chosen = draw.integers(0, SAMPLES, BATCH)
        outputs = _forward(inputs[chosen], values)
        gradient = (2 * (outputs[-1][:, 0] - targets[chosen]) / BATCH)[:, None]
        kernels: list[np.ndarray] = []
        offsets: list[np.ndarray] = []
        for layer in reversed(range(len(weights))):
            kernels[:0], offsets[:0] = [outputs[layer].T @ gradient], [gradient.sum(0)]
            gradient = (gradient @ values[layer].T) * (outputs[layer] > 0)
        for at, slope in enumerate([*kernels, *offsets]):
            first[at] += (1 - BETAS[0]) * (slope - first[at])
            second[at] += (1 - BETAS[1]) * (slope**2 - second[at])
            size = np.sqrt(second[at] / (1 - BETAS[1] ** update)) + EPSILON
            values[at] -= RATE * first[at] / (1 - BETAS[0] ** update) / size
    return float(1 - ((_forward(inputs, values)[-1][:, 0] - targets) ** 2).mean() / targets.var())


def _forward(inputs: np.ndarray, values: list[np.ndarray]) -> list[np.ndarray]:
    layers = len(values) // 2
    outputs = [inputs]
    for layer in range(layers):
        sums = outputs[-1] @ values[layer] + values[layers + layer]
        outputs.append(np.maximum(sums, 0) if layer < layers - 1 else sums)
    return outputs


@pytest.mark.parametrize("hidden, updates", [((16,), 1000), ((64,), 800), ((64, 64), 600), ((256, 64), 500)])
def test_outputs_miss_targets_far_out_of_reach_and_meet_those_well_within(hidden: tuple[int, ...], updates: int) -> None:
    reached = reach(FEATURES, hidden, RATE * updates)
    assert max(r2(hidden, 5 * reached, updates, seed) for seed in range(2)) < -0.3
    assert min(r2(hidden, reached / 5, updates, seed) for seed in range(2)) > 0.3
