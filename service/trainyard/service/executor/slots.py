"""How many trainers run at once, and on which device the next one goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from trainyard.service.core.jobs import Job


@dataclass(frozen=True, slots=True)
class Slots:
    """``count`` slots over ``devices`` (GPU UUIDs, or ``cpu``); there is at least one device."""

    count: int
    devices: tuple[str, ...]

    def free(self, held: int) -> int:
        """Count the slots that are free while ``held`` are not."""
        return max(0, self.count - held)

    def choose(self, holders: Iterable[Job]) -> str:
        """Return the device with the fewest trainers, the first of equals."""
        busy = Counter(job.device for job in holders)
        return min(self.devices, key=lambda device: busy[device])
