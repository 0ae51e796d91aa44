"""Trainers that are killed. What they leave is read without Keras."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainyard.linter import spec as language
from trainyard.service import wire
from trainyard.service.trainer.bundle.contents import Bundle
from trainyard.service.trainer.bundle.files import BundleFiles

HERE = Path(__file__).parent
EVERYTHING: dict[str, Any] = {
    "version": "v1",
    "experiment": {"seed": 7},
    "task": "classification",
    "dataset": {
        "type": "npz",
        "path": "arrays.npz",
        "scaling": "min_max",
        "input_shape": [8, 8, 1],
        "split": {"validation": 0.2, "test": 0.1},
    },
    "augmentation": [
        {"type": "random_flip", "mode": "horizontal"},
        {"type": "random_rotation", "factor": 0.1},
        {"type": "random_contrast", "factor": 0.2},
        {"type": "gaussian_noise", "stddev": 0.05},
    ],
    "model": {
        "type": "cnn",
        "blocks": [{"filters": 4, "batch_norm": True, "dropout": 0.2}],
        "head": {"pooling": "flatten", "hidden": [8], "dropout": 0.3},
    },
    "optimizer": {"type": "adamw", "learning_rate": 0.01, "weight_decay": 0.01},
    "scheduler": [
        {"type": "cosine", "t_max": {"epochs": 8}, "warmup": {"epochs": 1}},
        {"type": "reduce_on_plateau", "monitor": "val_loss", "patience": 1, "factor": 0.5, "min_delta": 0.05, "min_lr": 1e-6},
    ],
    "training": {"epochs": 6, "batch_size": 8, "gradient_accumulation": 2},
    "regularization": {"l2": 0.001},
    "imbalance": {"type": "class_weights"},
    "callbacks": {
        "early_stopping": {"monitor": "val_loss", "patience": 4, "min_delta": 0.0},
        "checkpoint": {"monitor": "val_loss", "keep": 1},
    },
}


@dataclass
class Mortal:
    """Starts attempts at a run, one after another, in one folder, with a folder for caches that is this run's alone."""

    folder: wire.RunFolder
    data_root: Path
    backend: str
    attempts: int = 0
    options: list[str] = field(default_factory=list)

    def start(self, moment: str) -> subprocess.Popen[bytes]:
        self.attempts += 1
        command = [sys.executable, "-P", str(HERE / "mortal_trainer.py"), moment, str(self.folder.path)]
        command += ["--attempt", str(self.attempts), "--data-root", str(self.data_root), "--device", "cpu", *self.options]
        command += ["--cache", str(self.folder.path.with_name(f"{self.folder.path.name}-cache"))]
        environment = {**os.environ, "KERAS_BACKEND": self.backend, "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
        with self.folder.log.open("ab") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def live(self, moment: str) -> int:
        return self.start(moment).wait(timeout=200)

    @property
    def bundle(self) -> Bundle:
        bundle = BundleFiles(self.folder).read()
        assert bundle is not None
        return bundle

    def json(self, name: str) -> Any:
        return json.loads((self.folder.artifacts / name).read_text(encoding="utf-8"))

    def events(self) -> list[wire.Line]:
        return [wire.decode(line) for line in self.folder.events.read_bytes().splitlines()]


def run_folder(path: Path, written: dict[str, Any]) -> wire.RunFolder:
    folder = wire.RunFolder(path)
    path.mkdir(parents=True)
    faults = language.check(written)
    assert faults == (), faults
    folder.resolved.write_text(json.dumps(language.resolve(written)), encoding="utf-8")
    return folder


def write_arrays(path: Path, samples: int = 120) -> None:
    draw = np.random.default_rng(5)
    labels = np.arange(samples) % 3
    pictures = draw.integers(0, 120, size=(samples, 8, 8, 1)) + np.linspace(0, 100, 8).reshape(8, 1, 1) * labels[:, None, None, None]
    np.savez(path, x=pictures.clip(0, 255).astype(np.float32), y=labels)


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_arrays(root / "arrays.npz")
    return root


def same(one: Mortal, other: Mortal) -> None:
    """Hold two finished runs against each other: every digit of the history, every bit of every variable."""
    assert one.json("history.json") == other.json("history.json")
    assert one.json("evaluation.json") == other.json("evaluation.json")
    ours, theirs = one.bundle, other.bundle
    assert ours.position == theirs.position
    assert ours.state["watchers"] == theirs.state["watchers"]
    assert ours.state["scale"] == theirs.state["scale"]
    groups = [(ours.variables, theirs.variables), *((ours.kept[name], theirs.kept[name]) for name in theirs.kept)]
    assert ours.kept.keys() == theirs.kept.keys()
    for mine, yours in groups:
        for left, right in zip(mine, yours, strict=True):
            assert left.name == right.name
            assert left.value.tobytes() == right.value.tobytes(), left.name
