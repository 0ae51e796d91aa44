"""Reads a run's events as they are written, and says them in a line each. Knows no Keras."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainyard.service import wire

# What the loss would be without class weights: for comparing runs, and in the files.
_ASIDE = "unweighted_loss"


class Follower:
    """Reads what was appended since the last look; ``ended`` is the last word, once it was read.

    Begins with the file's first line, or, when not ``whole``, with what is appended from now on.
    """

    def __init__(self, path: Path, *, whole: bool = True) -> None:
        self._path = path
        self._offset = 0 if whole or not path.exists() else path.stat().st_size
        self.ended: wire.Ended | None = None

    def read(self) -> Iterator[wire.Body]:
        """Yield the events that are new; a line that is still being written waits for the next look."""
        for raw in self._new_lines():
            try:
                body = wire.decode(raw).body
            except wire.WireError:
                continue
            if isinstance(body, wire.Ended):
                self.ended = body
            yield body

    def _new_lines(self) -> list[bytes]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                raw = file.read()
        except FileNotFoundError:
            return []
        whole = raw[: raw.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.splitlines()


def line_for_people(body: wire.Body) -> str:
    """Say an event in one line, as ``trainyard watch`` does; events that need no saying are empty."""
    match body:
        case wire.Started():
            return _started(body)
        case wire.EpochFinished():
            return _epoch(body)
        case wire.LearningRateChanged():
            why = body.cause.replace("_", " ")
            return f"after epoch {body.epoch}: learning rate {body.before:.3g} -> {body.after:.3g} ({why})"
        case wire.EarlyStopped():
            why = f"no better {body.monitor} for {body.patience} epochs; best epoch {body.best_epoch}"
            return f"stopped early after epoch {body.epoch}: {why}"
        case wire.Diagnosis():
            return f"noticed in epoch {body.epoch}: {body.name}: {body.message}"
        case _:
            return ""


def _started(body: wire.Started) -> str:
    samples = f"{body.train_samples:,} samples to learn from, {body.validation_samples:,} to validate, {body.test_samples:,} to test"
    line = f"{body.parameters:,} parameters on {body.backend} ({body.device}); {samples}"
    if not body.resumed_epoch and not body.resumed_step:
        return line
    steps = f" and {body.resumed_step} steps" if body.resumed_step else ""
    return f"{line}\ngoing on after epoch {body.resumed_epoch}{steps}"


def _epoch(body: wire.EpochFinished) -> str:
    width = len(str(body.epochs_planned))
    head = f"epoch {body.epoch:>{width}}/{body.epochs_planned}"
    return f"{head}  {_metrics(body.metrics)}  lr {body.learning_rate:.3g}  {_duration(body.seconds)}"


def _metrics(values: dict[str, float]) -> str:
    """Write metrics, the loss first, each with its validation beside it."""
    return "  ".join(f"{name} {_number(values[name])}" for name in sorted(values, key=_rank) if not name.endswith(_ASIDE))


def _rank(name: str) -> tuple[bool, str, bool]:
    plain = name.removeprefix("val_")
    return plain != "loss", plain, name != plain


def _number(value: float) -> str:
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.3g}"


def _duration(seconds: float) -> str:
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
