"""The same specs on the other backend: one process of its own trains them all."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.integration.trainer import crossing

from trainyard.linter import spec as language
from trainyard.service import wire
from trainyard.service.trainer.bundle.files import BundleFiles

ROOT = Path(__file__).parents[3]
TRAINER = "trainyard.service.trainer"
SCRIPT = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
from tests.integration.trainer import crossing
file, root = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
specs = json.loads(file.read_text())
fates = {name: crossing.fate(spec, root, file.parent / str(place)) for place, (name, spec) in enumerate(specs.items())}
import keras
print(json.dumps([keras.backend.backend(), {name: [fate.word, fate.why] for name, fate in fates.items()}]))
"""
PLAIN = {"optimizer": "adam", "schedule": "cosine", "imbalance": "none", "precision": "float32"}
CROP = {"type": "random_crop", "height": 7, "width": 7}
ROWS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "cnn, augmented": (
        {"model": "cnn", "task": "classification", "data": "image_directory", **PLAIN},
        {
            "augmentation": [
                {"type": "random_translation", "height_factor": 0.1, "width_factor": 0.1},
                CROP,
                {"type": "mix_up"},
                {"type": "cut_mix"},
            ]
        },
    ),
    "accumulated": (
        {"model": "mlp", "task": "multilabel", "data": "csv", **PLAIN},
        {"training": {"epochs": 2, "batch_size": 8, "gradient_accumulation": 2}, "imbalance": {"type": "focal"}},
    ),
    "graph, bfloat16": ({"model": "graph", "task": "regression", "data": "npz", **PLAIN, "precision": "mixed_bfloat16"}, {}),
    "sequential, weights": (
        {"model": "sequential", "task": "binary", "data": "parquet", **PLAIN, "optimizer": "lion", "imbalance": "class_weights"},
        {"training": {"epochs": 2, "batch_size": 16, "loss_scale": 128, "precision": "mixed_float16"}},
    ),
    "steady": (
        {"model": "cnn", "task": "classification", "data": "image_directory", **PLAIN},
        {"augmentation": "light", "training": {"epochs": 2, "batch_size": 16, "deterministic": True}},
    ),
    "staged transfer": (
        {"model": "transfer", "task": "classification", "data": "image_directory", **PLAIN},
        {"training": {"epochs": 1, "batch_size": 16, "stages": [{"trainable": {"last": 5}, "epochs": 1, "learning_rate": 1e-4}]}},
    ),
}


NEEDS_JAX = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed: pip install 'trainyard[jax]'")


@NEEDS_JAX
def test_specs_train_on_jax_as_well_and_a_deterministic_one_twice_to_the_same_bits(data_root: Path, tmp_path: Path) -> None:
    specs = {name: {**crossing.write(row), **changes} for name, (row, changes) in ROWS.items()}
    specs["again"] = specs["steady"]
    (tmp_path / "specs.json").write_text(json.dumps(specs), encoding="utf-8")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}

    command = [sys.executable, "-c", SCRIPT, str(ROOT), str(tmp_path / "specs.json"), str(data_root)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    backend, fates = json.loads(done.stdout.splitlines()[-1])
    assert backend == "jax"
    assert {name: word for name, (word, _) in fates.items()} == dict.fromkeys(specs, "trained"), fates
    once, again = (BundleFiles(wire.RunFolder(tmp_path / str(list(specs).index(name)))).read() for name in ("steady", "again"))
    assert once is not None
    assert again is not None
    assert [one.value.tobytes() for one in once.variables] == [one.value.tobytes() for one in again.variables]


@NEEDS_JAX
def test_programs_that_an_earlier_run_kept_come_to_the_same_bits_and_torn_ones_are_made_anew(data_root: Path, tmp_path: Path) -> None:
    row, changes = ROWS["cnn, augmented"]
    resolved = language.resolve({**crossing.write(row), **changes})
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    kept: list[set[str]] = []

    def variables(name: str) -> list[bytes]:
        run = wire.RunFolder(tmp_path / name)
        run.path.mkdir()
        run.resolved.write_text(json.dumps(resolved), encoding="utf-8")
        options = [str(run.path), "--data-root", str(data_root), "--cache", str(tmp_path / "cache")]
        done = subprocess.run([sys.executable, "-P", "-m", TRAINER, *options], capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        kept.append({path.name for path in programs() if path.name.endswith("-cache")})
        bundle = BundleFiles(run).read()
        assert bundle is not None
        return [one.value.tobytes() for one in bundle.variables]

    def programs() -> list[Path]:
        return [path for path in (tmp_path / "cache/programs").glob("*/*") if path.is_file()]

    first, second = variables("first"), variables("second")
    assert second == first
    assert kept[1] == kept[0] != set(), "nothing was compiled a second time"
    for program in programs():
        program.write_bytes(program.read_bytes()[:-7])
    assert variables("third") == first
