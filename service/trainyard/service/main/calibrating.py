"""Measures the box: trains the reference models with the real trainer, one after another, and fits the profile to what they took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trainyard.linter import Severity, facts, lint
from trainyard.linter.cli.exits import Refusal
from trainyard.linter.estimate.hardware import profile
from trainyard.linter.estimate.time import Work
from trainyard.linter.shapes import infer
from trainyard.service.core import calibration, hardware
from trainyard.service.core.calibration import Point
from trainyard.service.executor import devices as machine
from trainyard.service.executor.devices import NoGpuError
from trainyard.service.main import calibration_specs as specs

_TRAIN = """
import sys
from trainyard.linter.cli import exits
from trainyard.service.trainer.main import train
sys.exit(exits.run(train, program="trainyard train"))
"""
_LONGEST_SECONDS = 600.0
_LEAST_POINTS = 4
_FACTS_SECONDS = 5.0
Tell = Callable[[str], None]


def calibrate(device: str, tell: Tell) -> dict[str, Any]:
    """Return the profile of this box as the object of a ``*.hardware.json`` file; takes minutes. Raises Refusal.

    ``tell`` is told what is being measured.
    """
    try:
        found = machine.discover(device)[0]
    except NoGpuError:
        raise Refusal("--device gpu: the driver shows no GPU here; --device cpu measures the processor") from None
    gpu = bool(found.uuid)
    base = hardware.describe(found.name, found.memory_bytes, gpu=gpu)
    base |= {"kind": "gpu" if gpu else "cpu"}
    with TemporaryDirectory(prefix="trainyard-calibrate-") as folder:
        measured = measure(Path(folder), specs.MODELS, device="gpu" if gpu else "cpu", tell=tell)
    points = [point for point, _ in measured]
    if len(points) < _LEAST_POINTS:
        raise Refusal("too few of the reference models could be trained here; `trainyard doctor` may tell why")
    memory = [used for _, used in measured if used]
    context = {} if gpu or not memory else {"context_bytes": [int(min(memory) * 0.8), int(min(memory) * 1.2)]}
    return {
        **base,
        **context,
        "calibrated": True,
        "speed": calibration.fitted(points, profile(base)),
        "versions": {name: version(name) for name in ("trainyard", "keras", "tensorflow")},
        "measured_on": datetime.now(UTC).isoformat(timespec="seconds"),
        "points": {point.name: round(point.epoch_seconds, 6) for point in points},
    }


def measure(
    folder: Path,
    models: Sequence[tuple[str, dict[str, Any], list[int], int]],
    *,
    device: str = "cpu",
    tell: Tell = lambda text: None,  # noqa: ARG005 - nobody listens
    environment: dict[str, str] | None = None,
) -> list[tuple[Point, int]]:
    """Train models and return what each took, with the bytes its process used (0 where not known); what fails is left out."""
    specs.write_data(folder, [list(shape) for shape in {tuple(shape) for _, _, shape, _ in models}])
    found = []
    for number, (name, model, shape, batch) in enumerate(models, 1):
        tell(f"{number} of {len(models)}: {name}")
        written = _accepted(folder, name, model, shape, batch)
        took = _train(folder, name, written, device, environment or {})
        if isinstance(took, str):
            tell(f"   left out: {took}")
            continue
        compared, seconds = took
        known = compared["epoch_seconds"]
        point = Point(name, work_of(written), known["actual"], known["first"], seconds)
        tell(f"   {point.epoch_seconds * 1000:.0f} ms an epoch")
        found.append((point, int(compared["memory"]["actual"] or 0)))
    return found


def _accepted(folder: Path, name: str, model: dict[str, Any], shape: list[int], batch: int) -> dict[str, Any]:
    """Return a spec that accepts whatever the linter warns of: nobody wants these models to learn much."""
    bare = specs.spec(name, model, shape, batch)
    first = lint(json.dumps(bare).encode())
    if first.spec is None:
        return bare
    report = lint(json.dumps(bare).encode(), facts=facts.read(first.spec.dataset, folder, _FACTS_SECONDS))
    warned = {(finding.code, finding.pointer) for finding in report.findings if finding.severity is Severity.WARNING}
    return specs.spec(name, model, shape, batch, sorted(warned))


def work_of(written: dict[str, Any]) -> Work:
    """Return what an epoch of a reference spec does."""
    spec = lint(json.dumps(written).encode()).spec
    assert spec is not None  # noqa: S101 - they are ours
    shapes = infer(spec, tuple(written["dataset"]["input_shape"]), specs.CLASSES)
    assert shapes is not None  # noqa: S101 - the same
    batch = spec.training.batch_size
    return Work(shapes, spec.optimizer, spec.training.precision, batch, -(-specs.TRAINED // batch), specs.EPOCHS, -(-specs.JUDGED // batch))


def _train(
    folder: Path, name: str, written: dict[str, Any], device: str, environment: dict[str, str]
) -> tuple[dict[str, Any], float] | str:
    """Return what the trainer compared and the seconds of its whole life, or why there is nothing."""
    file, run = folder / f"{name}.json", folder / f"run-{name}"
    file.write_text(json.dumps(written), encoding="utf-8")
    began = time.monotonic()
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-c", _TRAIN, str(file), "--run", str(run), "--data-root", str(folder), "--device", device],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {_LONGEST_SECONDS:g} s"
    seconds = time.monotonic() - began
    if ended.returncode:
        said = f"{ended.stdout}\n{ended.stderr}".strip().splitlines() or [f"exit code {ended.returncode}"]
        return next((line for line in said if line.startswith(("failed", "error", "warning"))), said[-1])
    compared: dict[str, Any] = json.loads((run / "artifacts" / "prediction.json").read_bytes())
    return (compared, seconds) if compared["epoch_seconds"]["actual"] else "its epochs were too few to tell"
