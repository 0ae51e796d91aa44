"""Measures the box: launches steps of the reference models as the trainer does, trains two of them whole, fits the profile to it."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from trainyard.linter import Severity, facts, lint
from trainyard.linter import spec as language
from trainyard.linter.cli.exits import Refusal
from trainyard.linter.estimate import effort
from trainyard.linter.estimate.kinds import Kind
from trainyard.linter.shapes import infer
from trainyard.service import wire
from trainyard.service.core import calibration, hardware
from trainyard.service.core.calibration import Making, Point, Whole
from trainyard.service.executor import devices as machine
from trainyard.service.executor.devices import NoGpuError
from trainyard.service.executor.environment import CPU, standby_environment
from trainyard.service.main import calibration_specs as specs

_LOG = "measuring.log"
_MEASURE = "trainyard.service.trainer.speed.measuring"
_TRAIN = """
import sys
from trainyard.linter.cli import exits
from trainyard.service.trainer.main import train
sys.exit(exits.run(train, program="trainyard train"))
"""
_LONGEST_SECONDS = 1800.0
_LEAST_MODELS = 12
_FACTS_SECONDS = 5.0
# Seconds of launches for one model; what is explained worst is measured again, and the least counts.
_EACH_SECONDS, _AGAIN = 0.6, 1.5
_ROUNDS = 1
_JUDGED_WEIGHT = 0.2
Tell = Callable[[str], None]


class Place(NamedTuple):
    """Where and how models are measured: a folder with their data, the kind of device, the environment of a trainer on it."""

    folder: Path
    device: str
    environment: Mapping[str, str]


class Measured(NamedTuple):
    """What was measured of one model."""

    name: str
    train: tuple[tuple[int, float], ...]
    judge: tuple[tuple[int, float], ...]
    epoch_seconds: float
    compile_seconds: float


def calibrate(device: str, tell: Tell, *, backend: str = "tensorflow", slots: int = 1) -> dict[str, Any]:
    """Return the profile of this box as the object of a ``*.hardware.json`` file; takes minutes. Raises Refusal.

    ``tell`` is told what is being measured; ``slots`` trainers share the cores of the box.
    """
    try:
        found = machine.discover(device)[0]
    except NoGpuError:
        raise Refusal("--device gpu: the driver shows no GPU here; --device cpu measures the processor") from None
    if find_spec(backend) is None:
        raise Refusal(f"--backend {backend}: it is not installed; pip install 'trainyard[service,{backend}]' brings it")
    gpu = bool(found.uuid)
    base = hardware.describe(found.name, found.memory_bytes, gpu=gpu, backend=backend)
    environment = {**os.environ, **standby_environment(os.environ, slots=slots, backend=backend)(found.uuid or CPU)}
    with TemporaryDirectory(prefix="trainyard-calibrate-") as folder:
        place = Place(Path(folder), "gpu" if gpu else CPU, environment)
        specs.write_data(place.folder)
        measured = _all_measured(place, tell)
        wholes = [whole for name in specs.WHOLE if (whole := _whole(place, name, tell)) is not None]
        said = _last_words(place)
    if len(measured) < _LEAST_MODELS or not wholes:
        raise Refusal(f"too few of the reference models could be measured here{said}; `trainyard doctor` may tell why")
    found_points = points(measured)
    fit = calibration.fitted(found_points)
    makings = [Making(_layers(one.name), one.compile_seconds) for one in measured]
    memory = [whole.memory_bytes for whole in wholes if whole.memory_bytes]
    context = {} if gpu or not memory else {"context_bytes": [int(min(memory) * 0.8), int(min(memory) * 1.2)]}
    return {
        **{key: value for key, value in base.items() if key != "speed"},
        **context,
        "calibrated": True,
        "speed": calibration.speed(fit, makings, _beside_steps(measured, wholes), [whole.run for whole in wholes]),
        "versions": {name: version(name) for name in ("trainyard", "keras", backend)},
        "measured_on": datetime.now(UTC).isoformat(timespec="seconds"),
        "notes": f"{slots} slot{'s' * (slots != 1)}; four fifths of the models are explained within a factor of {fit.spread:.2f}",
        "points": {point.name: float(f"{point.seconds:.4g}") for point in found_points},
    }


def points(measured: Sequence[Measured]) -> list[Point]:
    """Return one point for each launch that was measured: seconds of a step with its share of the launch."""
    return [point for one in measured for point in _points(one)]


def _points(one: Measured) -> Iterator[Point]:
    typed = language.typed(language.resolve(specs.spec(one.name)))
    shapes = infer(typed, tuple(specs.MODELS[one.name][1]), specs.CLASSES)
    assert shapes is not None  # noqa: S101 - they are ours
    batch = typed.training.batch_size
    trained = effort.of_training(shapes, typed.optimizer, batch, [transform.type for transform in typed.augmentation])
    judged = effort.of_judging(shapes, batch)
    # Epochs are made of steps that are launched together, and judged in a tenth of their time.
    for word, done, launches, weight in (("step", trained, one.train, 1.0), ("judged", judged, one.judge, _JUDGED_WEIGHT)):
        most = max((count for count, _ in launches), default=1)
        for count, seconds in launches:
            yield Point(
                f"{one.name}, {word} of {count}", {**done, Kind.LAUNCH: 1 / count}, seconds / count, weight if count == most else weight / 3
            )


def _beside_steps(measured: Sequence[Measured], wholes: Sequence[_Ran]) -> list[float]:
    """Return what epochs take beside their steps: in whole runs, what is left of the least warm epoch, and no less than by themselves."""
    alone = statistics.median(one.epoch_seconds for one in measured)
    known = {one.name: one for one in measured}
    left = []
    for whole in wholes:
        if (one := known.get(whole.name)) is not None and len(whole.run.epochs) > 1:
            train, judge = (min(seconds / count for count, seconds in launches) for launches in (one.train, one.judge))
            trained, judged = specs.steps(whole.name)
            left.append(max(alone, min(whole.run.epochs[1:]) - train * trained - judge * judged))
    return left or [alone]


def _layers(name: str) -> int:
    typed = language.typed(language.resolve(specs.spec(name)))
    shapes = infer(typed, tuple(specs.MODELS[name][1]), specs.CLASSES)
    return 0 if shapes is None else effort.layers(shapes)


def _all_measured(place: Place, tell: Tell) -> list[Measured]:
    """Measure every model; those that a first fit explains badly once more, since a box is seldom quiet for minutes."""
    best = {one.name: one for one in _measured(place, list(specs.MODELS), tell)}
    for _ in range(_ROUNDS if len(best) >= _LEAST_MODELS else 0):
        doubtful = _doubtful(list(best.values()))
        if not doubtful:
            break
        tell(f"once more: {len(doubtful)} models that the others do not explain")
        for one in _measured(place, doubtful, tell):
            best[one.name] = _least(best[one.name], one)
    return list(best.values())


def _doubtful(measured: Sequence[Measured]) -> list[str]:
    found = points(measured)
    errors = calibration.errors(found, calibration.fitted(found))
    bad = {point.name.partition(",")[0] for point, error in zip(found, errors, strict=True) if abs(error) > math.log(_AGAIN)}
    return [name for name in specs.MODELS if name in bad]


def _least(one: Measured, other: Measured) -> Measured:
    """Return the least of two measurements of a model: what disturbs one only makes it longer."""
    train, judge = (_shortest((*first, *second)) for first, second in ((one.train, other.train), (one.judge, other.judge)))
    epoch, made = min(one.epoch_seconds, other.epoch_seconds), min(one.compile_seconds, other.compile_seconds)
    return Measured(one.name, train, judge, epoch, made)


def _shortest(launches: Sequence[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """Return of the launches of one step, and of those of many, the one with the shortest steps."""
    single = [launch for launch in launches if launch[0] == 1]
    many = [launch for launch in launches if launch[0] > 1]
    return tuple(min(group, key=lambda launch: launch[1] / launch[0]) for group in (single, many) if group)


def _measured(place: Place, names: Sequence[str], tell: Tell) -> Iterator[Measured]:
    """Yield what each model takes, measured one after the other in a process of its own; what fails is left out."""
    order = {
        "data_root": str(place.folder),
        "device": place.device,
        "seconds": _EACH_SECONDS,
        "specs": {name: language.resolve(specs.spec(name)) for name in names},
    }
    file = place.folder / "order.json"
    file.write_text(json.dumps(order), encoding="utf-8")
    command = [sys.executable, "-P", "-m", _MEASURE, str(file)]
    with (
        (place.folder / _LOG).open("wb") as log,
        subprocess.Popen(command, env=dict(place.environment), stdout=subprocess.PIPE, stderr=log) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - it was asked for
        for number, line in enumerate(process.stdout):
            with suppress(ValueError):
                found = json.loads(line)
                tell(f"{number % len(names) + 1} of {len(names)}: {found['name']}, {_told(found)}")
                if "train" in found:
                    train, judge = (tuple((count, seconds) for count, seconds in found[part]) for part in ("train", "judge"))
                    yield Measured(found["name"], train, judge, found["epoch"], found["compile"])


def _last_words(place: Place) -> str:
    """Return the last line that the measuring process left, to be put into a sentence."""
    log = place.folder / _LOG
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return f" (the last was: {lines[-1][:200]})" if lines else ""


def _told(found: Mapping[str, Any]) -> str:
    if "failed" in found:
        return f"left out: {found['failed']}"
    if "made" in found:
        return f"compiled in {found['made']:.1f} s"
    count, seconds = found["train"][-1]
    return f"{seconds / count * 1000:.2f} ms a step"


class _Ran(NamedTuple):
    name: str
    run: Whole
    memory_bytes: int


def _whole(place: Place, name: str, tell: Tell) -> _Ran | None:
    """Train a model as anybody would, and return what the whole took; None where it fails."""
    file, run = place.folder / f"{name}.json", wire.RunFolder(place.folder / f"run-{name}")
    file.write_text(json.dumps(_accepted(place.folder, name)), encoding="utf-8")
    options = ["--run", str(run.path), "--data-root", str(place.folder), "--device", place.device]
    began = time.monotonic()
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-c", _TRAIN, str(file), *options],
            env=dict(place.environment),
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    seconds = time.monotonic() - began
    if ended.returncode:
        said = f"{ended.stdout}\n{ended.stderr}".strip().splitlines() or [f"exit code {ended.returncode}"]
        tell(f"{name} was not trained: {next((line for line in said if line.startswith(('failed', 'error', 'warning'))), said[-1])}")
        return None
    tell(f"{name}, trained whole: {seconds:.1f} s")
    lines = [wire.decode(line) for line in run.events.read_bytes().splitlines()]
    epochs = [(line.at, line.body) for line in lines if isinstance(line.body, wire.EpochFinished)]
    between = tuple(max(0.0, later[0] - earlier[0] - later[1].seconds) for earlier, later in pairwise(epochs))
    memory = max((body.device_memory_bytes for _, body in epochs), default=0)
    return _Ran(name, Whole(seconds, tuple(body.seconds for _, body in epochs), between), memory)


def _accepted(folder: Path, name: str) -> dict[str, Any]:
    """Return a spec that accepts whatever the linter warns of: nobody wants these models to learn much."""
    bare = specs.spec(name)
    first = lint(json.dumps(bare).encode())
    if first.spec is None:
        return bare
    report = lint(json.dumps(bare).encode(), facts=facts.read(first.spec.dataset, folder, _FACTS_SECONDS))
    return specs.spec(
        name, sorted({(finding.code, finding.pointer) for finding in report.findings if finding.severity is Severity.WARNING})
    )
