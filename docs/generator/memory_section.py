"""The part of the measurements' page about memory: what XLA reported, and the interval that the linter gives from the spec alone."""

from __future__ import annotations

import runpy
import statistics
from pathlib import Path
from typing import Any

from trainyard.linter import spec
from trainyard.linter.estimate.hardware import profile
from trainyard.linter.estimate.memory import Demand
from trainyard.linter.shapes import infer

_POINTS = Path(__file__).parents[2] / "tests/bench/write_memory_points.py"
_BYTES_PER_MEGABYTE = 1e6
_INTRODUCTION = """## Memory of a training step

For every point, the real Keras model is compiled on the JAX backend for a processor, as `fit` compiles it, and XLA says how much its
plan takes at the peak (`tests/bench/write_memory_points.py`). Beside it the interval that the linter gives, from the spec alone and without
Keras. {inside} of {points} peaks lie inside; high over low is {median:.2f} in the median and {worst:.2f} at worst. The estimator was
calibrated on most of these points ([ADR 0010](adr/0010-a-processor-needs-what-xla-plans.md)). No GPU was measured.
"""


def section(record: dict[str, Any]) -> list[str]:
    """Return the section for a stored result."""
    figures, described = record["figures"], runpy.run_path(str(_POINTS))
    rows, ratios, inside = [], [], 0
    for point in described["POINTS"]:
        low, high = _interval(described["written"](point), described["CLASSES"])
        peak = figures[point.name]["peak"]
        ratios.append(high / low)
        inside += low <= peak <= high
        cells = [_megabytes(size) for size in (low, peak, high)]
        rows.append(f"| {point.name} | {point.batch} | {point.optimizer} | {point.precision} | " + " | ".join(cells) + " |")
    told = _INTRODUCTION.format(inside=inside, points=len(rows), median=statistics.median(ratios), worst=max(ratios))
    head = ["| point | batch | optimizer | precision | low, MB | XLA, MB | high, MB |", "|---|---:|---|---|---:|---:|---:|"]
    machine = record["machine"]
    measured = f"Measured on {record['measured_on']}: {machine['cpu']}, Keras {machine['keras']}, JAX {machine['jax']}."
    return [told, *head, *rows, f"\n{measured}\n"]


def _interval(written: dict[str, Any], classes: int) -> tuple[int, int]:
    typed = spec.typed(spec.resolve(written))
    shapes = infer(typed, None, classes)
    if shapes is None:
        raise ValueError("a point has no shapes")
    processor = profile({"device": "any CPU", "backend": "jax", "memory_bytes": 1e12, "context_bytes": 0})
    return Demand(shapes, typed.optimizer, typed.training.precision).memory(typed.training.batch_size, processor).total


def _megabytes(size: int) -> str:
    return f"{size / _BYTES_PER_MEGABYTE:.1f}"
