"""What the event log says about how a run went: seconds and memory of its epochs, over all attempts."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

from trainyard.service import wire


@dataclass(frozen=True, slots=True)
class Course:
    """How long the epochs took (seconds, in order) and the most memory that one of them reported (bytes)."""

    seconds: tuple[float, ...]
    memory_bytes: int

    @property
    def warm_epoch_seconds(self) -> float | None:
        """The median of the epochs after the first, which waits for compilation; None before there are two."""
        return statistics.median(self.seconds[1:]) if len(self.seconds) > 1 else None


def read(events: Path) -> Course:
    """Read the log; of an epoch that was trained twice the later one counts."""
    epochs: dict[int, wire.EpochFinished] = {}
    for raw in events.read_bytes().splitlines():
        try:
            body = wire.decode(raw).body
        except wire.WireError:
            continue
        if isinstance(body, wire.EpochFinished):
            epochs[body.epoch] = body
    ordered = [epochs[number] for number in sorted(epochs)]
    return Course(tuple(epoch.seconds for epoch in ordered), max((epoch.device_memory_bytes for epoch in ordered), default=0))
