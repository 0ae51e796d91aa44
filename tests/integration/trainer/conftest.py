"""Real Keras on tiny real data. Runs happen in this process, because importing Keras costs more than a run."""

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.integration.trainer import material

from trainyard.linter import spec as language
from trainyard.linter.spec.model.spec import Spec
from trainyard.service import wire
from trainyard.service.trainer.device import CPU
from trainyard.service.trainer.journal import Journal
from trainyard.service.trainer.run import Task, run
from trainyard.service.trainer.verdict import Verdict

_TABLE = {"path": "table.csv", "target": "kind", "features": ["size", "weight", "colour"], "categorical": ["colour"]}
# Parts of specs by name, so that a test says in a word what it trains on.
INGREDIENTS: dict[str, dict[str, Any]] = {
    "table": {"dataset": {"type": "csv", "scaling": "standardize", **_TABLE}, "model": {"type": "mlp", "hidden": [8]}},
    "parquet": {"dataset": {"type": "parquet", "scaling": "min_max", **_TABLE, "path": "table.parquet"}},
    "arrays": {"dataset": {"type": "npz", "path": "arrays.npz", "scaling": "min_max"}},
    "images": {
        "dataset": {"type": "image_directory", "path": "pictures", "input_shape": [8, 8, 1], "scaling": "unit"},
        "model": {"type": "cnn", "blocks": [{"filters": 4}], "head": {"pooling": "flatten", "hidden": [8]}},
    },
    "colours": {"dataset": {"type": "image_directory", "path": "pictures", "input_shape": [8, 8, 3], "scaling": "unit"}},
    "mlp": {"model": {"type": "mlp", "hidden": [8]}},
    "tokens": {"dataset": {"type": "npz", "path": "tokens.npz", "input_shape": [6], "scaling": "none"}},
    "regression": {"task": "regression", "dataset": {"target": "price"}},
    "multilabel": {"task": "multilabel", "dataset": {"target": ["large", "heavy"]}},
    "binary": {"dataset": {"target": "large"}, "model": {"output": {"units": 1}}},
}
QUICK: dict[str, Any] = {
    "version": "v1",
    "experiment": {"seed": 3},
    "task": "classification",
    **INGREDIENTS["table"],
    "training": {"epochs": 2, "batch_size": 16},
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left behind."""

    folder: wire.RunFolder
    verdict: Verdict
    events: list[wire.Body]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def json(self, name: str) -> Any:
        return json.loads((self.folder.artifacts / name).read_text(encoding="utf-8"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keras 3.15 saves through an array protocol that NumPy 2.4 calls old; that is theirs to mend."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.keras)
            item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"))


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, a table as CSV and Parquet, arrays: three classes that can be told apart."""
    return material.lay_out(tmp_path_factory.mktemp("data"))


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes``; a section with a type replaces the old one."""
    result = dict(base)
    for key, value in changes.items():
        keeps = isinstance(value, dict) and isinstance(result.get(key), dict) and "type" not in value
        result[key] = _merged(result[key], value) if keeps else value
    return result


def _resolved(*ingredients: str, **changes: Any) -> dict[str, Any]:
    written = QUICK
    for ingredient in ingredients:
        written = _merged(written, INGREDIENTS[ingredient])
    written = _merged(written, changes)
    faults = language.check(written)
    assert faults == (), faults
    return language.resolve(written)


@pytest.fixture
def typed() -> Callable[..., Spec]:
    """A quick spec of the named ingredients, with sections changed."""
    return lambda *ingredients, **changes: language.typed(_resolved(*ingredients, **changes))


def _write(path: Path, *ingredients: str, **changes: Any) -> wire.RunFolder:
    folder = wire.RunFolder(path)
    folder.path.mkdir()
    folder.resolved.write_text(json.dumps(_resolved(*ingredients, **changes)), encoding="utf-8")
    return folder


def _read(folder: wire.RunFolder, verdict: Verdict | None = None) -> Result:
    events = [wire.decode(line).body for line in folder.events.read_bytes().splitlines()]
    last = events[-1] if events else None
    said = verdict or (Verdict(last.outcome, last.reason, last.message) if isinstance(last, wire.Ended) else None)
    assert said is not None, events
    return Result(folder, said, events)


def _train(folder: wire.RunFolder, root: Path, device: str = CPU) -> Result:
    journal = Journal(folder.events, 1, time.time)
    verdict = run(Task(folder, journal, root, device, time.monotonic))
    journal.close()
    return _read(folder, verdict)


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., wire.RunFolder]:
    """Makes a run folder that holds a quick spec."""
    numbers = itertools.count(1)
    return lambda *ingredients, **changes: _write(tmp_path / f"run-{next(numbers)}", *ingredients, **changes)


@pytest.fixture
def read_run() -> Callable[[wire.RunFolder], Result]:
    """Reads what a trainer's process left behind."""
    return _read


@pytest.fixture
def train(write_run: Callable[..., wire.RunFolder], data_root: Path) -> Callable[..., Result]:
    """Trains a quick spec of the named ingredients, with sections changed, in this process."""
    return lambda *ingredients, root=data_root, device=CPU, **changes: _train(write_run(*ingredients, **changes), root, device)


@pytest.fixture(scope="session")
def run_once(tmp_path_factory: pytest.TempPathFactory, data_root: Path) -> Callable[..., Result]:
    """Trains a run that several tests look at."""
    return lambda name, *ingredients, **changes: _train(_write(tmp_path_factory.mktemp(name) / "run", *ingredients, **changes), data_root)


@pytest.fixture(scope="session")
def images_run(run_once: Callable[..., Result]) -> Result:
    """One run on images that several tests look at: four epochs, lightly augmented."""
    return run_once("images", "images", augmentation="light", training={"epochs": 4})


@pytest.fixture
def prepare(typed: Callable[..., Spec], data_root: Path) -> Callable[..., Any]:
    """Reads the data and compiles the model of a quick spec, without training it."""

    def prepare_spec(*ingredients: str, **changes: Any) -> Any:
        from trainyard.service.trainer import backend, preparation

        spec = typed(*ingredients, **changes)
        backend.prepare(deterministic=False, seed=spec.experiment.seed, hide_gpus=True)
        return preparation.prepare(spec, data_root)

    return prepare_spec


@pytest.fixture
def step(prepare: Callable[..., Any]) -> Callable[..., tuple[float, float]]:
    """Takes six steps on one batch, uncompiled, and returns the loss before and after."""

    def take_steps(*ingredients: str, **changes: Any) -> tuple[float, float]:
        prepared = prepare(*ingredients, **changes)
        learner = prepared.built.learner
        learner.run_eagerly = True
        prepared.rates.begin(0)
        batch = prepared.train[0]
        losses = [float(learner.train_on_batch(*batch)[0]) for _ in range(6)]
        return losses[0], losses[-1]

    return take_steps
