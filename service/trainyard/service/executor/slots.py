"""How many trainers run at once, and on which devices the next one goes.

A job on several GPUs takes a slot on each of as many different ones, all at once or none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slots:
    """``count`` slots over ``devices`` (GPU UUIDs, or ``cpu``); there is at least one device."""

    count: int
    devices: tuple[str, ...]

    @property
    def widest(self) -> int:
        """The most devices that one job can have."""
        return min(self.count, len(self.devices))

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

    def choose_all(self, width: int, busy: Sequence[str]) -> tuple[str, ...] | None:
        """Return ``width`` different devices with room, those with the fewest trainers first; None while there is none."""
        if self.free(len(busy)) < width:
            return None
        if width == 1:
            return (self.choose(busy),)
        trainers, most = Counter(busy), -(-self.count // len(self.devices))
        roomy = sorted((device for device in self.devices if trainers[device] < most), key=lambda device: trainers[device])
        return tuple(sorted(roomy[:width], key=self.devices.index)) if len(roomy) >= width else None
