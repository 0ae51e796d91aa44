"""What trainer and server say to each other, and the files they say it through.

The two share no memory, no pipe and no lifetime: the trainer appends one JSON object a line to
``events.jsonl`` and never waits for a reader; the server writes one word to ``control``. So either may
die at any moment. A server that lives touches ``heartbeat``; a trainer that is given an orphan limit and sees the file
unchanged for that long saves its bundle and ends as ``paused (orphaned)``. A trainer that finds a bundle in its run
folder goes on from there, whatever its attempt number. This module knows the words and the file names. It imports nothing of ours, and
nothing of Keras, gRPC or SQL, because it is the only thing that both sides import.

A trainer runs on somebody's data for hours: the server treats every line as untrusted, and
``decode`` refuses what is too long, not JSON, or not of the shape below.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

VERSION = 1
MAX_LINE_BYTES = 64 * 1024
_MAX_MANIFEST_BYTES = 64 * 1024 * 1024

# Words of the control file. ``stop`` and ``pause`` act at the next execution boundary, about a second away at most:
# stop evaluates the best model and succeeds; pause saves a bundle, writes the best model so far and ends as ``paused``.
STOP, PAUSE, CANCEL = "stop", "pause", "cancel"

# Outcomes that a trainer can report when it ends by itself.
SUCCEEDED, FAILED, PAUSED, CANCELLED = "succeeded", "failed", "paused", "cancelled"
# Why a trainer ended as paused: somebody asked, or no server was there any more. The process exits with 0.
ASKED, ORPHANED = "user", "orphaned"


class WireError(ValueError):
    """A line of events.jsonl that no trainer of ours writes."""


@dataclass(frozen=True, slots=True)
class Started:
    """The trainer is up: data read, model built, speed settings chosen, first step about to be taken.

    ``resumed_epoch`` and ``resumed_step`` say where a bundle took it up: epochs finished, and steps of the next one. All zero
    for a run that begins. ``compiled`` (XLA), ``looped`` (many steps in one launch) and ``devices`` are how it is run.
    """

    kind: ClassVar[str] = "started"
    key: ClassVar[str] = "started/{attempt}"
    backend: str
    keras_version: str
    device: str
    parameters: int
    train_samples: int
    validation_samples: int
    test_samples: int
    steps_per_epoch: int
    epochs_planned: int
    classes: tuple[str, ...]
    class_weights: tuple[float, ...]
    resumed_epoch: int = 0
    resumed_step: int = 0
    compiled: bool = False
    looped: bool = False
    devices: int = 1


@dataclass(frozen=True, slots=True)
class EpochFinished:
    """An epoch ended; ``metrics`` holds Keras' names, validation under ``val_``."""

    kind: ClassVar[str] = "epoch_finished"
    key: ClassVar[str] = "epoch/{rollback}/{epoch}"
    epoch: int
    epochs_planned: int
    metrics: dict[str, float]
    learning_rate: float
    seconds: float
    samples_per_second: float
    device_memory_bytes: int = 0
    rollback: int = 0


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A model is among those that are kept; ``artifact`` is what its file is called, now or by the end at the latest."""

    kind: ClassVar[str] = "checkpoint_saved"
    key: ClassVar[str] = "checkpoint/{epoch}"
    epoch: int
    monitor: str
    value: float
    best: bool
    artifact: str
    rollback: int = 0


@dataclass(frozen=True, slots=True)
class LearningRateChanged:
    """A callback changed the rate; ``cause`` is ``reduce_on_plateau`` or ``roll_back``."""

    kind: ClassVar[str] = "learning_rate_changed"
    key: ClassVar[str] = "learning_rate/{cause}/{epoch}"
    epoch: int
    before: float
    after: float
    cause: str
    rollback: int = 0


@dataclass(frozen=True, slots=True)
class EarlyStopped:
    """No improvement for ``patience`` epochs."""

    kind: ClassVar[str] = "early_stopped"
    key: ClassVar[str] = "early_stopped/{epoch}"
    epoch: int
    best_epoch: int
    monitor: str
    patience: int
    rollback: int = 0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Something the trainer noticed: what it saw, and what to do."""

    kind: ClassVar[str] = "diagnosis"
    key: ClassVar[str] = "diagnosis/{name}/{epoch}"
    name: str
    epoch: int
    message: str
    strength: float
    rollback: int = 0


@dataclass(frozen=True, slots=True)
class ArtifactWritten:
    """A file below the artifact folder is complete."""

    kind: ClassVar[str] = "artifact_written"
    key: ClassVar[str] = "artifact/{name}/{sha256}"
    name: str
    artifact_kind: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The last word: how it went (one of the outcomes above), the reason code, a sentence."""

    kind: ClassVar[str] = "ended"
    key: ClassVar[str] = "ended/{attempt}"
    outcome: str
    reason: str
    message: str


Body = Started | EpochFinished | CheckpointSaved | LearningRateChanged | EarlyStopped | Diagnosis | ArtifactWritten | Ended
# JSON has no such numbers; a loss has.
_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_BODIES: dict[str, type[Body]] = {
    body.kind: body
    for body in (Started, EpochFinished, CheckpointSaved, LearningRateChanged, EarlyStopped, Diagnosis, ArtifactWritten, Ended)
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of events.jsonl; ``at`` is seconds since the epoch, UTC."""

    attempt: int
    at: float
    body: Body


def key(line: Line) -> str:
    """Name a line within its job: the store keeps one event per key, so a line that is read twice counts once."""
    body = line.body
    name = body.key.format(attempt=line.attempt, **dataclasses.asdict(body))
    again = getattr(body, "rollback", 0)
    # What is said of an epoch that is run again at a lower rate is said anew.
    return f"{name}/rollback/{again}" if again and not isinstance(body, EpochFinished) else name


def encode(line: Line) -> bytes:
    """Write a line as JSON with its line feed; NaN and the infinities become strings."""
    record = {
        "v": VERSION,
        "attempt": line.attempt,
        "at": line.at,
        "kind": line.body.kind,
        "key": key(line),
        "body": _plain(dataclasses.asdict(line.body)),
    }
    return json.dumps(record, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def decode(raw: bytes) -> Line:
    """Read a line; raises WireError when it is too long, not JSON, or of another shape."""
    if len(raw) > MAX_LINE_BYTES:
        raise WireError(f"line of {len(raw)} bytes; {MAX_LINE_BYTES} are allowed")
    try:
        record = json.loads(raw)
        body = _BODIES[record["kind"]]
        fields = {field.name: _value(field.name, record["body"][field.name]) for field in _present(body, record["body"])}
        return Line(attempt=int(record["attempt"]), at=float(record["at"]), body=body(**fields))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise WireError(f"not an event: {error!r}") from error


def _present(body: type[Body], said: Any) -> list[dataclasses.Field[Any]]:
    """Return the fields to read: one with a default may be missing, in a line that an older trainer wrote."""
    return [field for field in dataclasses.fields(body) if field.name in said or field.default is dataclasses.MISSING]


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return _NON_FINITE[str(value)]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _value(name: str, value: Any) -> Any:
    if name == "metrics":
        return {str(metric): float(number) for metric, number in value.items()}
    if isinstance(value, list):
        return tuple(value)
    if value in _NON_FINITE.values():
        return float(value)
    return value


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run, by name."""

    path: Path

    @property
    def spec(self) -> Path:
        """The spec as sent, byte for byte."""
        return self.path / "spec.json"

    @property
    def resolved(self) -> Path:
        """The resolved spec."""
        return self.path / "resolved.json"

    @property
    def lint(self) -> Path:
        """The report that let the job in."""
        return self.path / "lint.json"

    @property
    def events(self) -> Path:
        """Append-only events, one JSON object a line."""
        return self.path / "events.jsonl"

    @property
    def progress(self) -> Path:
        """Latest progress inside the running epoch; replaced, never appended."""
        return self.path / "progress.json"

    @property
    def control(self) -> Path:
        """One word from the server to the trainer."""
        return self.path / "control"

    @property
    def heartbeat(self) -> Path:
        """Touched by a server that looks after this run; only that it changes counts, never what time it shows."""
        return self.path / "heartbeat"

    @property
    def bundle(self) -> Path:
        """What a resumed run starts from; gone when the run was cancelled."""
        return self.path / "bundle"

    @property
    def bundle_manifest(self) -> Path:
        """The list of what the bundle holds; it is replaced last, so a bundle is there when this file is."""
        return self.bundle / "manifest.json"

    @property
    def artifacts(self) -> Path:
        """What the run leaves behind."""
        return self.path / "artifacts"

    @property
    def log(self) -> Path:
        """Standard output and error of the trainer."""
        return self.path / "trainer.log"


@dataclass(frozen=True, slots=True)
class BundleHead:
    """Where a bundle stands: ``epoch`` finished epochs, ``step`` steps of the next one, in rollback ``rollback``."""

    epoch: int
    step: int
    rollback: int
    attempt: int
    spec_digest: str


def read_bundle_head(folder: RunFolder) -> BundleHead | None:
    """Return where the run's bundle stands; None when there is none. Cheap: reads the manifest, never the weights.

    Raises:
        WireError: the manifest is not one.
    """
    try:
        with folder.bundle_manifest.open("rb") as file:
            head = json.loads(file.read(_MAX_MANIFEST_BYTES))["head"]
        epoch, step, rollback, attempt = (int(head[name]) for name in ("epoch", "step", "rollback", "attempt"))
        return BundleHead(epoch, step, rollback, attempt, str(head["spec_digest"]))
    except FileNotFoundError:
        return None
    except (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        raise WireError(f"not a bundle: {error!r}") from error
