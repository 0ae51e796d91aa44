"""Where plain SGD diverges on large targets: the measurement that the rule's bounds come from, repeated in small."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from trainyard.linter.rules.target_steps import limit

SAMPLES, FEATURES, BATCH, STEPS = 512, 8, 32, 300


def relative_error(hidden: tuple[int, ...], span: float, rate: float, momentum: float, seed: int) -> float:
    """Train a relu net by SGD on targets of this span; return its squared error over their variance, infinite when it diverges."""
    draw = np.random.default_rng(seed)
    inputs = draw.normal(size=(SAMPLES, FEATURES))
    targets = np.tanh(inputs @ draw.normal(size=FEATURES) / 2) + 0.3 * np.sin(2 * inputs[:, 0])
    targets = (targets - targets.min()) / np.ptp(targets) * span
    sizes = (FEATURES, *hidden, 1)
    weights = [draw.uniform(-1, 1, pair) * np.sqrt(6 / sum(pair)) for pair in pairwise(sizes)]
    offsets = [np.zeros(size) for size in sizes[1:]]
    moving = [np.zeros_like(each) for each in (*weights, *offsets)]
    for _ in range(STEPS):
        chosen = draw.integers(0, SAMPLES, BATCH)
        outputs = _forward(inputs[chosen], weights, offsets)
        error = outputs[-1][:, 0] - targets[chosen]
        if not np.isfinite(error).all() or np.abs(error).max() > 1e9 * span:
            return float("inf")
        gradient = (2 * error / BATCH)[:, None]
        gradients: list[np.ndarray] = []
        for layer in reversed(range(len(weights))):
            gradients[:0] = [outputs[layer].T @ gradient, gradient.sum(0)]
            gradient = (gradient @ weights[layer].T) * (outputs[layer] > 0)
        for part, (values, change) in enumerate(zip((*weights, *offsets), (*gradients[::2], *gradients[1::2]), strict=True)):
            moving[part] = momentum * moving[part] - rate * change
            np.add(values, moving[part], out=values)
    return float(((_forward(inputs, weights, offsets)[-1][:, 0] - targets) ** 2).mean() / targets.var())


def _forward(values: np.ndarray, weights: list[np.ndarray], offsets: list[np.ndarray]) -> list[np.ndarray]:
    outputs = [values]
    for layer, (weight, offset) in enumerate(zip(weights, offsets, strict=True)):
        sums = outputs[-1] @ weight + offset
        outputs.append(np.maximum(sums, 0) if layer < len(weights) - 1 else sums)
    return outputs


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("hidden", [(32,), (64, 64), (64, 64, 64)], ids=["one", "two", "three"])
def test_training_diverges_beyond_the_bound_and_learns_well_below_it(hidden: tuple[int, ...], momentum: float) -> None:
    span = 250.0
    bound = limit(len(hidden), momentum) * (1 - momentum) / span
    beyond = [relative_error(hidden, span, 1.5 * bound, momentum, seed) for seed in range(3)]
    below = [relative_error(hidden, span, bound / 10, momentum, seed) for seed in range(3)]
    assert sum(error > 0.5 for error in beyond) >= 2, beyond
    assert all(error < 0.5 for error in below), below
