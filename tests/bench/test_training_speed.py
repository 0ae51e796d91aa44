"""Training against the script that a person would have written: seconds per epoch after the warm-up, wall time, accuracy.

Both run in alternating rounds, each in a process of its own, on the same network and the same data, a seed a round. An epoch is
what lies between the ends of two epochs: events, checkpoints, bundles and validation included.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.bench.conftest import HERE, ROOT, TRAINERS, Bench

from trainyard.linter import spec as language
from trainyard.service import wire

# MalImg's 25 families and how many images each has (Nataraj 2011); the images here are drawn, not theirs.
MALIMG = (122, 116, 200, 2949, 1591, 106, 177, 146, 198, 123, 200, 213, 162, 381, 125, 184, 159, 136, 142, 80, 128, 408, 97, 800, 431)
SIDE = 64
# Seeds per set; fewer are for looking, not for keeping.
ROUNDS = int(os.environ.get("TRAINING_ROUNDS", "5"))
ENVIRONMENT = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class Outcome:
    """What one training took and reached."""

    epochs: list[float]
    wall: float
    accuracy: float
    overhead: float | None = None


@dataclass
class Race:
    """Trains one spec by several hands, in alternating rounds."""

    spec: dict[str, Any]
    data_root: Path
    scratch: Path
    outcomes: dict[str, list[Outcome]]

    def run(self, variants: tuple[str, ...], rounds: int, backends: tuple[str, ...] = ("tensorflow",)) -> None:
        for seed in range(1, rounds + 1):
            resolved = language.resolve({**self.spec, "experiment": {"seed": seed}})
            for backend in backends:
                self._keep(f"trainyard on {backend}", self._ours(resolved, seed, backend))
            for variant in variants:
                self._keep(f"plain, {variant}", self._plain(resolved, variant))

    def figures(self) -> dict[str, Any]:
        plain = min(statistics.median(self._epochs(name)) for name in self.outcomes if name.startswith("plain"))
        wall = min(statistics.median(one.wall for one in runs) for name, runs in self.outcomes.items() if name.startswith("plain"))
        return {
            name: {
                "runs": len(runs),
                "epoch_seconds": round(statistics.median(self._epochs(name)), 4),
                "wall_seconds": round(statistics.median(one.wall for one in runs), 2),
                "accuracy": round(statistics.mean(one.accuracy for one in runs), 4),
                "accuracy_spread": round(statistics.stdev([one.accuracy for one in runs]), 4) if len(runs) > 1 else None,
                "epoch_speed": round(plain / statistics.median(self._epochs(name)), 2),
                "overhead_ms": _milliseconds([one.overhead for one in runs if one.overhead is not None]),
                "wall_speed": round(wall / statistics.median(one.wall for one in runs), 2),
            }
            for name, runs in self.outcomes.items()
        }

    def _epochs(self, name: str) -> list[float]:
        return [seconds for one in self.outcomes[name] for seconds in one.epochs]

    def _keep(self, name: str, outcome: Outcome) -> None:
        self.outcomes.setdefault(name, []).append(outcome)

    def _ours(self, resolved: dict[str, Any], seed: int, backend: str) -> Outcome:
        folder = wire.RunFolder(self.scratch / f"{backend}-{seed}-{time.monotonic_ns()}")
        folder.path.mkdir()
        folder.resolved.write_text(json.dumps(resolved), encoding="utf-8")
        command = [sys.executable, "-P", "-m", "trainyard.service.trainer", str(folder.path), "--data-root", str(self.data_root)]
        began = time.perf_counter()
        subprocess.run(command, env={**ENVIRONMENT, "KERAS_BACKEND": backend}, check=True, capture_output=True)
        wall = time.perf_counter() - began
        lines = [wire.decode(line) for line in folder.events.read_bytes().splitlines()]
        moments = [line.at for line in lines if isinstance(line.body, wire.EpochFinished)]
        evaluation = json.loads((folder.artifacts / "evaluation.json").read_text(encoding="utf-8"))
        within = [line.body.seconds for line in lines if isinstance(line.body, wire.EpochFinished)]
        between = np.diff(moments)
        return Outcome(between.tolist(), wall, evaluation["accuracy"], float(np.median(between - within[1:])))

    def _plain(self, resolved: dict[str, Any], variant: str) -> Outcome:
        spec, report = self.scratch / "spec.json", self.scratch / "report.json"
        spec.write_text(json.dumps(resolved), encoding="utf-8")
        command = [sys.executable, str(HERE / "plain_keras.py"), variant, str(spec), str(self.data_root), str(report)]
        began = time.perf_counter()
        subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True)
        wall = time.perf_counter() - began
        return Outcome(**{**json.loads(report.read_text(encoding="utf-8")), "wall": wall})


@pytest.fixture
def race(bench: Bench, tmp_path: Path) -> Callable[[dict[str, Any], Path], Race]:
    if not bench.full:
        pytest.skip("minutes of training: with --run-bench")
    return lambda spec, root: Race(spec, root, tmp_path, {})


def _milliseconds(seconds: list[float]) -> float | None:
    """What an epoch costs beside its steps and its validation: events, checkpoint, bundle, watchers."""
    return round(1000 * statistics.median(seconds), 2) if seconds else None


def _example(name: str, epochs: int) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads((ROOT / f"examples/{name}/good.trainspec.json").read_text(encoding="utf-8"))
    return {
        **spec,
        "scheduler": {"type": "constant"},
        "training": {**spec["training"], "epochs": epochs},
        "callbacks": {"early_stopping": None},
    }


def _malimg(root: Path) -> None:
    draw = np.random.default_rng(1)
    for family, count in enumerate(MALIMG):
        folder = root / "malimg" / f"family-{family:02}"
        folder.mkdir(parents=True)
        pattern = draw.integers(0, 160, size=(SIDE, SIDE))
        for number in range(count):
            image = np.roll(pattern, draw.integers(0, 8), axis=0) + draw.integers(0, 96, size=(SIDE, SIDE))
            Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / f"{number:04}.png")


@pytest.mark.timeout(3600)
def test_digits_train_twice_as_fast_per_epoch(race: Callable[[dict[str, Any], Path], Race], bench: Bench) -> None:
    run = race(_example("digits", 20), ROOT / "examples")
    run.run(("folder", "arrays"), ROUNDS, ("tensorflow", "jax"))
    figures = run.figures()
    bench.keep("training_digits", figures, TRAINERS)
    assert figures["trainyard on tensorflow"]["epoch_speed"] >= 2.0


@pytest.mark.timeout(3600)
def test_a_table_trains_twice_as_fast_per_epoch(race: Callable[[dict[str, Any], Path], Race], bench: Bench) -> None:
    run = race(_example("breast-cancer", 40), ROOT / "examples")
    run.run(("arrays",), ROUNDS, ("tensorflow", "jax"))
    figures = run.figures()
    bench.keep("training_table", figures, TRAINERS)
    assert figures["trainyard on tensorflow"]["epoch_speed"] >= 2.0


@pytest.mark.timeout(3600)
def test_a_large_image_folder_is_never_slower_than_arrays_in_memory(
    race: Callable[[dict[str, Any], Path], Race], bench: Bench, tmp_path: Path
) -> None:
    _malimg(tmp_path)
    spec: dict[str, Any] = {
        "version": "v1",
        "task": "classification",
        "dataset": {
            "type": "image_directory",
            "path": "malimg",
            "input_shape": [SIDE, SIDE, 1],
            "scaling": "unit",
            "split": {"validation": 0.15, "test": 0.15},
        },
        "model": {"type": "cnn", "blocks": [{"filters": 32}, {"filters": 64}, {"filters": 64}], "head": {"hidden": [64]}},
        "training": {"epochs": 4, "batch_size": 64},
        "scheduler": {"type": "constant"},
        "callbacks": {"early_stopping": None},
    }
    run = race(spec, tmp_path)
    run.run(("folder", "arrays"), 2)
    figures = run.figures()
    bench.keep("training_images", figures, TRAINERS)
    assert figures["trainyard on tensorflow"]["epoch_speed"] >= 0.98
