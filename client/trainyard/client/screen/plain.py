"""One line per event, for logs and pipes: no cursor, no colour, and a sign of life after a silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from trainyard.client.screen import folding, phrases
from trainyard.client.values.event import EpochFinished, Event, Progress
from trainyard.linter.report.terminal import harmless

if TYPE_CHECKING:
    from trainyard.client.values.job import Job

HEARTBEAT_SECONDS = 60.0


class Plain:
    """Writes lines to ``stream``, as wide as they come; on a terminal no wider than that."""

    wants_progress = False
    tick_seconds = 1.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._epoch = ""
        self._said_at = 0.0

    def begin(self, job: Job) -> None:
        """Say which job this is, and its place in the queue; the events tell the rest."""
        place = f"  {phrases.standing(job)}" if job.queue_position else ""
        self._line(f"{job.experiment}  {job.id}{place}")

    def show(self, item: Event | Progress) -> None:
        """Write a line for an event that a person cares about."""
        if isinstance(item, Progress):
            return
        line = phrases.happening(item, folding.cells_of(self._stream))
        if line is not None:
            self._line(line)
        if isinstance(item.what, EpochFinished):
            self._epoch = f", last epoch {item.what.epoch}/{item.what.epochs_planned}"

    def reconnecting(self, attempt: int) -> None:
        """Write which attempt this is."""
        self._line(f"reconnecting ({attempt})")

    def reconnected(self, attempts: int) -> None:
        """Write how many attempts it took."""
        self._line(f"reconnected ({attempts})")

    def idle(self, silent_seconds: float) -> None:
        """Write a heartbeat for every minute of silence."""
        if silent_seconds < self._said_at:
            self._said_at = 0.0
        if silent_seconds - self._said_at >= HEARTBEAT_SECONDS:
            self._said_at = silent_seconds
            self._line(f"still watching: no news for {phrases.duration(silent_seconds)}{self._epoch}")

    def close(self) -> None:
        """Leave everything as it is."""

    def _line(self, text: str) -> None:
        lines = folding.folded(harmless(text), folding.cells_of(self._stream))
        self._stream.write("\n".join(lines) + "\n")
        self._stream.flush()
