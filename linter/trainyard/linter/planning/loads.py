"""What the run asks of the machine: memory by phase, time, other batch sizes, disk. Every number is an estimate's own.

A model that is unfrozen in stages asks more in later ones, so each stage is a phase of its own here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.linter.estimate.hardware import HardwareProfile, built_in
from trainyard.linter.estimate.memory import Memory, Phase, resident_bytes
from trainyard.linter.planning.training_plan import BatchRow, BatchTable, CardFit, MemoryNeed, Steps, TimeNeed
from trainyard.linter.rules.stretches import MAIN
from trainyard.linter.rules.workload import kept_on_disk, samples_bytes, times

if TYPE_CHECKING:
    from trainyard.linter.estimate.batches import Choice
    from trainyard.linter.estimate.disk import Disk
    from trainyard.linter.rules.case import Case

# Small, middle and large cards that many people have: where no card is named, time is told for these.
_WELL_KNOWN = ("t4", "rtx-4090", "a100-40gb", "h100")
#: How phases are called in every face of the plan.
PHASES = {Phase.START: "start, resume", Phase.TRAIN: "train", Phase.EVALUATE: "evaluate", Phase.SAVE: "save"}

_ORDER = {name.partition(",")[0]: place for place, name in enumerate(PHASES.values())}


class Loads:
    """The estimates of one case whose model can be built."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._spec = case.spec

    def phases(self, profile: HardwareProfile | None) -> dict[str, Memory]:
        """Return the memory of every phase, training once for each stretch."""
        batch, samples = self._case.device_batch, samples_bytes(self._case)
        resident = 0 if profile is None else resident_bytes(samples, profile)
        found: dict[str, Memory] = {}
        for stretch, demand in zip(self._case.stretches, self._case.demands, strict=True):
            for phase, memory in demand.phases(batch, profile, data_bytes=resident).items():
                name = PHASES[phase]
                if phase is Phase.TRAIN and stretch.name != MAIN:
                    name = f"train, {stretch.name}"
                known = found.get(name)
                found[name] = memory if known is None or memory.total.high > known.total.high else known
        return dict(sorted(found.items(), key=lambda item: _ORDER[item[0].partition(",")[0]]))

    def memory(self) -> MemoryNeed:
        """Return the memory by phase and what it fits; without a card the terms are those of the tensors alone."""
        hardware = self._case.hardware
        phases = self.phases(hardware)
        peak = max(phases, key=lambda name: phases[name].total.high)
        cards = tuple(CardFit(card.name, card.device, card.memory_bytes, self._fits(card)) for card in built_in())
        return MemoryNeed(phases, peak, phases[peak].total, hardware, None if hardware is None else self._fits(hardware), cards)

    def _fits(self, card: HardwareProfile) -> bool | None:
        totals = [memory.total for memory in self.phases(card).values()]
        if max(total.high for total in totals) <= card.usable_bytes:
            return True
        return False if max(total.low for total in totals) > card.usable_bytes else None

    def disk(self) -> Disk | None:
        """Return what is left on disk, for the stretch that stores most."""
        return kept_on_disk(self._case)

    def time(self) -> TimeNeed | None:
        """Return how long it takes on the named card, or on some that are well known."""
        hardware = self._case.hardware
        if hardware is not None:
            found = times(self._case, hardware)
            return None if found is None else TimeNeed(found.main, found.total, (), found.main.calibrated)
        from trainyard.linter.estimate.time import Seconds

        cards = ((card, times(self._case, card)) for card in built_in() if card.name in _WELL_KNOWN)
        elsewhere = tuple((card.device, found.total) for card, found in cards if found is not None)
        if not elsewhere:
            return None
        spanning = Seconds(min(total.low for _, total in elsewhere), max(total.high for _, total in elsewhere))
        return TimeNeed(None, spanning, elsewhere, calibrated=False)

    def batches(self, steps: Steps) -> BatchTable:
        """Return what other batch sizes would change in the main training."""
        from trainyard.linter.estimate.batches import disputed

        hardware = self._case.hardware
        rows = self._choices(steps, hardware)
        on_cards = [rows] if hardware is not None else [self._choices(steps, card) for card in built_in() if card.name in _WELL_KNOWN]
        speeds = [[choices[index].speed or 1.0 for choices in on_cards] for index in range(len(rows))]
        made = tuple(BatchRow(row, min(known), max(known)) for row, known in zip(rows, speeds, strict=True))
        return BatchTable(made, disputed(rows), hardware is not None)

    def _choices(self, steps: Steps, profile: HardwareProfile | None) -> tuple[Choice, ...]:
        from trainyard.linter.estimate.batches import choices

        training, shapes = self._spec.training, self._case.shapes
        assert shapes is not None  # noqa: S101 - whoever makes this has built the model
        return choices(
            shapes,
            self._spec.optimizer,
            training.precision,
            own=training.batch_size,
            samples=steps.samples_per_epoch,
            normalized=self._case.traits.normalized,
            devices=max(1, self._spec.resources.gpus or 1),
            accumulation=max(1, training.gradient_accumulation),
            drop_remainder=training.drop_remainder,
            profile=profile,
        )
