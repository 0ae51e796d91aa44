"""How many trainers run at once, and on which device the next one goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slots:
    """``count`` slots over ``devices`` (GPU UUIDs, or ``cpu``); there is at least one device."""

    count: int
    devices: tuple[str, ...]

    def free(self, held: int) -> int:
        """Count the slots that are free while ``held`` are not."""
        return max(0, self.count - held)

    def spare(self, busy: Iterable[str]) -> list[str]:
        """Name the device of each slot that is free, in the order in which they will be taken."""
        taken = list(busy)
        free: list[str] = []
        for _ in range(self.free(len(taken))):
            free.append(self.choose([*taken, *free]))
        return free

    def choose(self, busy: Iterable[str]) -> str:
        """Return the device with the fewest trainers, the first of equals; ``busy`` names a device for each trainer."""
        trainers = Counter(busy)
        return min(self.devices, key=lambda device: trainers[device])
