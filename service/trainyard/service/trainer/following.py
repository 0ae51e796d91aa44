"""Reads a run's events as they are written, and says them in a line each. Knows no Keras."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainyard.service import wire

_SHOWN = ("loss", "accuracy", "val_loss", "val_accuracy")


class Follower:
    """Reads what was appended since the last look; ``ended`` is the last word, once it was read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
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
    """Say an event in one line; events that need no saying are empty."""
    match body:
        case wire.Started():
            return _started(body)
        case wire.EpochFinished():
            return _epoch(body)
        case wire.LearningRateChanged():
            return f"learning rate {body.before:g} -> {body.after:g} ({body.cause})"
        case wire.EarlyStopped():
            return f"no better {body.monitor} for {body.patience} epochs: stopped; best was epoch {body.best_epoch}"
        case wire.Diagnosis():
            return f"{body.name}: {body.message}"
        case _:
            return ""


def _started(body: wire.Started) -> str:
    samples = f"{body.train_samples:,} samples to learn from, {body.validation_samples:,} to validate, {body.test_samples:,} to test"
    return f"{body.parameters:,} parameters on {body.backend} ({body.device}); {samples}"


def _epoch(body: wire.EpochFinished) -> str:
    shown = [name for name in _SHOWN if name in body.metrics] or list(body.metrics)
    numbers = "  ".join(f"{name} {body.metrics[name]:.4f}" for name in shown)
    width = len(str(body.epochs_planned))
    return f"epoch {body.epoch:>{width}}/{body.epochs_planned}  {numbers}  lr {body.learning_rate:g}  {body.seconds:.2f} s"
