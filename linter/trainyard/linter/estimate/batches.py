"""What another batch size would change: steps, speed, memory, time, and what is known about generalization.

A table to choose from, no advice: the batch size is chosen by hardware and the rate is tuned again after it (Google's
tuning playbook). That large batches generalize worse was seen with untuned rates and a fixed number of epochs (Keskar et
al. 2017, arXiv 1609.04836; Masters & Luschi 2018, arXiv 1804.07612); with tuned rates and enough steps the gap closes
(Hoffer et al. 2017, arXiv 1705.08741; Shallue et al. 2019, arXiv 1811.03600). Every note says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from trainyard.linter.estimate.hardware import Bytes, HardwareProfile
from trainyard.linter.estimate.learning_rate import suggested
from trainyard.linter.estimate.memory import Demand
from trainyard.linter.estimate.time import Seconds, Work, training_step
from trainyard.linter.shapes.layers import Shapes
from trainyard.linter.spec.model.optimizer import Optimizer

USUAL = (16, 32, 64, 128, 256, 512)
# Keskar et al. call a tenth of the data a large batch; Masters & Luschi found their best results up to 32.
_LARGE_PART, _SMALL = 10, 32


class Generalization(StrEnum):
    """What the literature says about a batch of this size; where it is ``disputed``, it says two things."""

    SMALL = "small"
    USUAL = "usual"
    LARGE = "large"

    @property
    def disputed(self) -> bool:
        """Whether studies contradict each other here."""
        return self is not Generalization.USUAL

    @property
    def note(self) -> str:
        """One sentence for a table's foot, with its sources."""
        return _NOTES[self]


_NOTES = {
    Generalization.SMALL: (
        "up to 32 gave the best results at a fixed number of epochs (Masters & Luschi 2018);"
        " evidence is disputed: with rate and steps tuned the advantage goes (Shallue et al. 2019)"
    ),
    Generalization.USUAL: "no difference to expect once the learning rate fits",
    Generalization.LARGE: (
        "a tenth of the data or more lost 1 to 5 points with an untuned rate (Keskar et al. 2017);"
        " evidence is disputed: with tuned rate and more steps the gap closes (Hoffer et al. 2017, Shallue et al. 2019)"
    ),
}


class Choice(NamedTuple):
    """One row: a global batch size and what follows from it.

    ``speed`` is samples per second over those of the spec's own batch size, middle of the interval; ``None`` like ``epoch``
    and ``fits`` where no profile is named. ``memory`` is that of a training step on one device.
    """

    batch_size: int
    own: bool
    steps_per_epoch: int
    speed: float | None
    memory: Bytes
    fits: bool | None
    epoch: Seconds | None
    generalization: Generalization
    learning_rate: float


def sizes(own: int) -> tuple[int, ...]:
    """Return the batch sizes of the table: 16 to 512, and the spec's own."""
    return tuple(sorted({*USUAL, max(1, own)}))


def choices(
    shapes: Shapes,
    optimizer: Optimizer,
    precision: str,
    *,
    own: int,
    samples: int,
    normalized: bool,
    devices: int = 1,
    accumulation: int = 1,
    drop_remainder: bool = False,
    profile: HardwareProfile | None = None,
) -> tuple[Choice, ...]:
    """Return one row per batch size, for ``samples`` training samples (after oversampling), ascending."""
    demand = Demand(shapes, optimizer, precision, accumulates=accumulation > 1)
    work = Work(shapes, optimizer, precision, 0, 0, 1)
    own_speed = None if profile is None else _samples_per_second(_on(work, max(1, own), devices), profile)
    rows = []
    for size in sizes(own):
        steps = -(-samples // size) if not drop_remainder else samples // size
        # A last batch that is smaller takes less, too.
        share = steps if drop_remainder else samples / size
        here = _on(work, size, devices)
        memory = demand.memory(here.batch, profile).total
        rows.append(
            Choice(
                batch_size=size,
                own=size == max(1, own),
                steps_per_epoch=steps,
                speed=None if profile is None or not own_speed else _samples_per_second(here, profile) / own_speed,
                memory=memory,
                fits=None if profile is None else _fits(memory, profile),
                epoch=None if profile is None else training_step(here._replace(steps=share), profile).times(share),
                generalization=generalization(size, samples),
                learning_rate=suggested(optimizer, size * accumulation, shapes.trainable, normalized=normalized),
            )
        )
    return tuple(rows)


def generalization(size: int, samples: int) -> Generalization:
    """Return what is known about a batch of ``size`` out of ``samples``."""
    if size > _SMALL and size * _LARGE_PART >= samples:
        return Generalization.LARGE
    return Generalization.SMALL if size <= _SMALL else Generalization.USUAL


def disputed(rows: Sequence[Choice]) -> bool:
    """Tell whether the table needs its note that evidence is disputed."""
    return any(row.generalization.disputed for row in rows)


def _on(work: Work, size: int, devices: int) -> Work:
    """Return the work of one device for a global batch of ``size``."""
    return work._replace(batch=-(-size // max(1, devices)))


def _samples_per_second(work: Work, profile: HardwareProfile) -> float:
    step = training_step(work, profile)
    return work.batch / step.middle if step.middle else 0.0


def _fits(memory: Bytes, profile: HardwareProfile) -> bool | None:
    """Tell whether it fits; ``None`` where the interval leaves it open."""
    if memory.high <= profile.usable_bytes:
        return True
    return False if memory.low > profile.usable_bytes else None
