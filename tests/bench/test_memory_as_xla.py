"""The memory interval against what XLA's compiled-memory analysis reported, point by point; and a few points measured anew.

The stored points are judged in every run, so that a change of the estimator that loses one of them turns red. They were
measured by ``write_memory_points.py``; the estimator was calibrated on the same machine's compiler and on most of them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter import spec
from trainyard.linter.estimate.hardware import Bytes, profile
from trainyard.linter.estimate.memory import Demand
from trainyard.linter.shapes import infer

HERE = Path(__file__).parent
STORED = json.loads((HERE / "results/memory_xla.json").read_text(encoding="utf-8"))["figures"]
LARGEST_MEDIAN, LARGEST_RATIO = 1.5, 2.5
SECONDS = 240


def points() -> Any:
    described = importlib.util.spec_from_file_location("write_memory_points", HERE / "write_memory_points.py")
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module


def estimated(written: dict[str, Any], classes: int) -> Bytes:
    typed = spec.typed(spec.resolve(written))
    shapes = infer(typed, None, classes)
    assert shapes is not None
    processor = profile({"device": "any CPU", "backend": "jax", "memory_bytes": 1e12, "context_bytes": 0})
    assert processor.compiles_on_cpu
    return Demand(shapes, typed.optimizer, typed.training.precision).memory(typed.training.batch_size, processor).total


@pytest.fixture(scope="module")
def intervals() -> dict[str, Bytes]:
    """Our interval of every point, from its spec alone."""
    module = points()
    return {point.name: estimated(module.written(point), module.CLASSES) for point in module.POINTS}


@pytest.mark.gate
def test_every_interval_contains_the_peak_that_xla_reports(intervals: dict[str, Bytes]) -> None:
    assert intervals.keys() == STORED.keys()
    assert len(STORED) >= 40
    missed = {name: (low, STORED[name]["peak"], high) for name, (low, high) in intervals.items() if not low <= STORED[name]["peak"] <= high}
    assert not missed


@pytest.mark.gate
def test_the_intervals_are_narrow(intervals: dict[str, Bytes]) -> None:
    ratios = {name: high / low for name, (low, high) in intervals.items()}
    print(f"\n{len(ratios)} points: median {statistics.median(ratios.values()):.2f}, worst {max(ratios.values()):.2f}")
    assert statistics.median(ratios.values()) <= LARGEST_MEDIAN
    assert max(ratios.values()) <= LARGEST_RATIO


@pytest.mark.gate
@pytest.mark.keras
def test_a_few_points_measured_now_are_what_is_stored_and_within_their_intervals(intervals: dict[str, Bytes], repository: Path) -> None:
    pytest.importorskip("jax", reason="the JAX backend is not installed (pip install 'trainyard[jax]')")
    names = points().LIVE
    script = [sys.executable, "-m", "tests.bench.write_memory_points", "--names", *names]
    # The compiler is asked for one thread, or a loaded machine takes minutes.
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    ended = subprocess.run(script, cwd=repository, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, ended.stderr
    measured: dict[str, Any] = {}
    for line in ended.stdout.splitlines():
        if line.startswith("{"):
            measured.update(json.loads(line))
    assert measured.keys() == set(names)
    for name, found in measured.items():
        low, high = intervals[name]
        assert low <= found["peak"] <= high, name
