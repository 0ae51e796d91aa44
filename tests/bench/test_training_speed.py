"""Training against the script that a person would have written: seconds per epoch after the warm-up, wall time, accuracy.

Both run in alternating rounds, each in a process of its own, on the same network and the same samples in the same parts, a seed a
round. Trainyard has its folder for caches, as from a server, so that on JAX all rounds but the first find their programs compiled.
An epoch is what lies between the ends of two epochs: events, checkpoints, bundles and validation included. The accuracy is
that of the last epoch on the validation part, because only Trainyard keeps the best.
"""

from __future__ import annotations

import csv
import json
import math
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
from tests.corpora.malimg import COUNTS

from trainyard.linter import spec as language
from trainyard.linter.estimate.split import assign
from trainyard.linter.facts.budget import Budget
from trainyard.linter.facts.images import list_files
from trainyard.linter.spec.model.dataset import Split
from trainyard.service import wire

SIDE = 64
PHOTOGRAPHS, LARGE = 600, (1024, 768)
# Seeds per set; fewer are for looking, not for keeping.
ROUNDS = int(os.environ.get("TRAINING_ROUNDS", "5"))
ENVIRONMENT = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class Outcome:
    """What one training took and reached; ``overhead`` is seconds of an epoch beside steps and validation."""

    epochs: list[float]
    wall: float
    accuracy: float
    parameters: int
    overhead: float | None = None
    input_wait: float | None = None


@dataclass
class Race:
    """Trains one spec by several hands, in alternating rounds."""

    spec: dict[str, Any]
    data_root: Path
    scratch: Path
    outcomes: dict[str, list[Outcome]]

    def run(self, variants: tuple[str, ...], rounds: int, backends: tuple[str, ...] = ("tensorflow",)) -> None:
        write_parts(self.spec, self.data_root, self.scratch / "parts")
        for seed in range(1, rounds + 1):
            resolved = language.resolve({**self.spec, "experiment": {"seed": seed}})
            for backend in backends:
                self._keep(f"trainyard on {backend}", self._ours(resolved, seed, backend))
                for variant in variants:
                    self._keep(f"plain, {variant} on {backend}", self._plain(resolved, variant, backend))

    def figures(self) -> dict[str, Any]:
        """Return what each took; how many times as fast is beside the fastest script on TensorFlow."""
        scripts = [name for name in self.outcomes if name.startswith("plain") and name.endswith("tensorflow")]
        plain = min(statistics.median(self._epochs(name)) for name in scripts)
        wall = min(self._wall(name) for name in scripts)
        return {
            name: {
                "runs": len(runs),
                "epoch_seconds": round(statistics.median(self._epochs(name)), 4),
                "wall_seconds": round(self._wall(name), 2),
                "accuracy": round(statistics.mean(one.accuracy for one in runs), 4),
                "accuracy_spread": round(statistics.stdev([one.accuracy for one in runs]), 4) if len(runs) > 1 else None,
                "epoch_speed": round(plain / statistics.median(self._epochs(name)), 2),
                "overhead_ms": _milliseconds([one.overhead for one in runs if one.overhead is not None]),
                "wall_speed": round(wall / self._wall(name), 2),
                "input_wait": _median([one.input_wait for one in runs if one.input_wait is not None]),
            }
            for name, runs in self.outcomes.items()
        }

    def learnt_as_well(self, ours: str, theirs: str) -> bool:
        """Tell whether the means of the accuracies differ by no more than two pooled standard errors."""
        one, other = ([run.accuracy for run in self.outcomes[name]] for name in (ours, theirs))
        error = ((statistics.variance(one) + statistics.variance(other)) / len(one)) ** 0.5
        return bool(abs(statistics.mean(one) - statistics.mean(other)) <= 2 * error)

    @property
    def networks(self) -> set[int]:
        """The numbers of trained parameters: one, where all trained the same network."""
        return {run.parameters for runs in self.outcomes.values() for run in runs}

    def _epochs(self, name: str) -> list[float]:
        return [seconds for one in self.outcomes[name] for seconds in one.epochs]

    def _wall(self, name: str) -> float:
        return statistics.median(one.wall for one in self.outcomes[name])

    def _keep(self, name: str, outcome: Outcome) -> None:
        self.outcomes.setdefault(name, []).append(outcome)

    def _ours(self, resolved: dict[str, Any], seed: int, backend: str) -> Outcome:
        folder = wire.RunFolder(self.scratch / f"{backend}-{seed}-{time.monotonic_ns()}")
        folder.path.mkdir()
        folder.resolved.write_text(json.dumps(resolved), encoding="utf-8")
        command = [sys.executable, "-P", str(HERE / "waiting_trainer.py"), str(folder.path), "--data-root", str(self.data_root)]
        # A server and the command line name a folder for caches: the first of the rounds fills it.
        wall = _timed(command, backend, TRAINYARD_CACHE=str(self.scratch / "cache"))
        lines = [wire.decode(line) for line in folder.events.read_bytes().splitlines()]
        ends = [(line.at, line.body) for line in lines if isinstance(line.body, wire.EpochFinished)]
        between = np.diff([at for at, _ in ends])
        beside = between - [body.seconds for _, body in ends][1:]
        waits = json.loads((folder.path / "input_wait.json").read_text(encoding="utf-8"))[1:]
        (started,) = (line.body for line in lines if isinstance(line.body, wire.Started))
        accuracy = ends[-1][1].metrics["val_accuracy"]
        return Outcome(between.tolist(), wall, accuracy, started.parameters, float(np.median(beside)), float(np.median(waits)))

    def _plain(self, resolved: dict[str, Any], variant: str, backend: str) -> Outcome:
        spec, report = self.scratch / "spec.json", self.scratch / "report.json"
        spec.write_text(json.dumps(resolved), encoding="utf-8")
        wall = _timed([sys.executable, str(HERE / "plain_keras.py"), variant, str(spec), str(self.scratch / "parts"), str(report)], backend)
        return Outcome(**{**json.loads(report.read_text(encoding="utf-8")), "wall": wall})


def write_parts(spec: dict[str, Any], root: Path, parts: Path) -> None:
    """Lay out for scripts the parts that the trainer takes: folders of links to images, or tables."""
    dataset = language.typed(language.resolve(spec)).dataset
    if (root / dataset.path).is_dir():
        _write_folders(dataset.split, root / dataset.path, parts)
    else:
        _write_tables(dataset.split, root / dataset.path, spec["dataset"]["target"], parts)


def _write_folders(split: Split, place: Path, parts: Path) -> None:
    listing = list_files(place, place.parent, Budget(math.inf, time.monotonic))
    every = [(number, f"{name}/{file}") for number, name in enumerate(listing.classes) for file in listing.files[number]]
    for part, indices in assign(split, [label for label, _ in every], len(listing.classes))._asdict().items():
        for name in (every[index][1] for index in indices):
            (parts / part / name).parent.mkdir(parents=True, exist_ok=True)
            (parts / part / name).symlink_to(place / name)


def _write_tables(split: Split, place: Path, target: str, parts: Path) -> None:
    with place.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    at = header.index(target)
    moved = [[*row[:at], *row[at + 1 :], row[at]] for row in rows]
    classes = sorted({row[-1] for row in moved})
    parts.mkdir()
    for part, indices in assign(split, [classes.index(row[-1]) for row in moved], len(classes))._asdict().items():
        with (parts / f"{part}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *(moved[index] for index in indices)])


def _timed(command: list[str], backend: str, **more: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, env={**ENVIRONMENT, "KERAS_BACKEND": backend, **more}, check=True, capture_output=True)
    return time.perf_counter() - began


@pytest.fixture
def race(bench: Bench, tmp_path: Path) -> Callable[[dict[str, Any], Path], Race]:
    if not bench.full:
        pytest.skip("minutes of training: with --run-bench")
    return lambda spec, root: Race(spec, root, tmp_path, {})


def _median(shares: list[float]) -> float | None:
    return round(statistics.median(shares), 4) if shares else None


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
    """Write as many images as MalImg has, in as many families; drawn, not theirs."""
    draw = np.random.default_rng(1)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for family, count in enumerate(COUNTS.values()):
        folder = root / "malimg" / f"family-{family:02}"
        folder.mkdir(parents=True)
        # Bands whose width and slope are the family's own, as executables of one family share their layout.
        width, slope = 3 + family % 5 * 2, (family // 5 - 2) / 2
        for number in range(count):
            bands = 80 + 70 * np.sin((rows + slope * columns + draw.integers(0, SIDE)) * 2 * np.pi / width)
            image = bands + draw.integers(0, 96, size=(SIDE, SIDE))
            Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / f"{number:04}.png")


def _images(path: str, shape: list[int], blocks: list[int], epochs: int) -> dict[str, Any]:
    return {
        "version": "v1",
        "task": "classification",
        "dataset": {
            "type": "image_directory",
            "path": path,
            "input_shape": shape,
            "scaling": "unit",
            "split": {"validation": 0.15, "test": 0.15},
        },
        "model": {"type": "cnn", "blocks": [{"filters": filters} for filters in blocks], "head": {"hidden": [64], "dropout": 0.2}},
        "training": {"epochs": epochs, "batch_size": 64},
        "scheduler": {"type": "constant"},
        "callbacks": {"early_stopping": None},
    }


def _photographs(root: Path) -> None:
    """Write large colour JPEGs in three classes, as a camera would: smooth, with noise on top."""
    draw = np.random.default_rng(2)
    for number in range(PHOTOGRAPHS):
        folder = root / "photographs" / "abc"[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        coarse = draw.integers(40 * (number % 3), 160 + 40 * (number % 3), size=(24, 32, 3)).astype(np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize(LARGE, Image.Resampling.BICUBIC), np.int16)
        noisy = smooth + draw.integers(-12, 12, size=smooth.shape)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{number:04}.jpg", quality=90)


@pytest.mark.timeout(3600)
def test_digits_train_twice_as_fast_per_epoch(race: Callable[[dict[str, Any], Path], Race], bench: Bench) -> None:
    run = race(_example("digits", 20), ROOT / "examples")
    run.run(("folder", "arrays"), ROUNDS, ("tensorflow", "jax"))
    figures = run.figures()
    bench.keep("training_digits", figures, TRAINERS)
    _holds(run, figures, 2.0)


@pytest.mark.timeout(3600)
def test_a_table_trains_twice_as_fast_per_epoch(race: Callable[[dict[str, Any], Path], Race], bench: Bench) -> None:
    run = race(_example("breast-cancer", 40), ROOT / "examples")
    run.run(("arrays",), ROUNDS, ("tensorflow", "jax"))
    figures = run.figures()
    bench.keep("training_table", figures, TRAINERS)
    _holds(run, figures, 2.0)


@pytest.mark.timeout(3600)
def test_a_large_image_folder_is_never_slower_than_arrays_in_memory(
    race: Callable[[dict[str, Any], Path], Race], bench: Bench, tmp_path: Path
) -> None:
    _malimg(tmp_path)
    run = race(_images("malimg", [SIDE, SIDE, 1], [32, 64, 64], 4), tmp_path)
    run.run(("folder", "arrays"), ROUNDS)
    figures = run.figures()
    bench.keep("training_images", figures, TRAINERS)
    _holds(run, figures, 0.98)
    ours = figures["trainyard on tensorflow"]
    assert ours["epoch_seconds"] <= 1.02 * figures["plain, arrays on tensorflow"]["epoch_seconds"]
    assert ours["input_wait"] <= 0.05
    assert ours["wall_speed"] >= 1.0


@pytest.mark.timeout(3600)
def test_where_decoding_rules_training_is_half_as_fast_again(
    race: Callable[[dict[str, Any], Path], Race], bench: Bench, tmp_path: Path
) -> None:
    _photographs(tmp_path)
    run = race(_images("photographs", [64, 64, 3], [8, 16], 20), tmp_path)
    run.run(("folder", "arrays"), ROUNDS)
    figures = run.figures()
    folder, arrays = (figures[f"plain, {variant} on tensorflow"]["epoch_seconds"] for variant in ("folder", "arrays"))
    figures["plain, folder on tensorflow"]["input_share"] = round(1 - arrays / folder, 3)
    bench.keep("training_photographs", figures, TRAINERS)
    assert 1 - arrays / folder >= 0.4
    assert folder / figures["trainyard on tensorflow"]["epoch_seconds"] >= 1.5
    assert len(run.networks) == 1
    assert run.learnt_as_well("trainyard on tensorflow", "plain, arrays on tensorflow")


def _holds(run: Race, figures: dict[str, Any], speed: float) -> None:
    ours = figures["trainyard on tensorflow"]
    assert len(run.networks) == 1
    assert ours["epoch_speed"] >= speed
    assert ours["overhead_ms"] <= max(20.0, 10 * ours["epoch_seconds"])
    assert run.learnt_as_well("trainyard on tensorflow", "plain, arrays on tensorflow")
