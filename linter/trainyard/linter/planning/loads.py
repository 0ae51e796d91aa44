"""What the run asks of the machine: memory by phase, time, other batch sizes, disk. Every number is an estimate's own.

A model that is unfrozen in stages asks more in later ones, so each stage is a phase of its own here.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from trainyard.linter.estimate.hardware import HardwareProfile, built_in
from trainyard.linter.estimate.memory import Demand, Memory, Phase
from trainyard.linter.planning.training_plan import BatchRow, BatchTable, CardFit, MemoryNeed, Stage, Steps, TimeNeed

if TYPE_CHECKING:
    from trainyard.linter.estimate.batches import Choice
    from trainyard.linter.estimate.disk import Disk
    from trainyard.linter.estimate.time import Seconds, Times
    from trainyard.linter.rules.case import Case
    from trainyard.linter.shapes import Shapes

# Small, middle and large cards that many people have: where no card is named, time is told for these.
_WELL_KNOWN = ("t4", "rtx-4090", "a100-40gb", "h100")
#: How phases are called in every face of the plan.
PHASES = {Phase.START: "start, resume", Phase.TRAIN: "train", Phase.EVALUATE: "evaluate", Phase.SAVE: "save"}

_ORDER = {name.partition(",")[0]: place for place, name in enumerate(PHASES.values())}


class Setup(NamedTuple):
    """One stretch of training with what learns in it."""

    name: str
    shapes: Shapes
    epochs: int


class Loads:
    """The estimates of one case whose model can be built.

    Args:
        case: what is planned.
        shapes: its layers, built to the end.
        stages: its stretches of training, the main one first.
        steps: what there is to do, where the number of samples is known.
    """

    def __init__(self, case: Case, shapes: Shapes, stages: tuple[Stage, ...], steps: Steps | None) -> None:
        self._case = case
        self._spec = case.spec
        self._steps = steps
        self._setups = tuple(self._setup(index, stage, shapes) for index, stage in enumerate(stages))

    def _setup(self, index: int, stage: Stage, shapes: Shapes) -> Setup:
        epochs = stage.last_epoch - stage.first_epoch + 1
        if index == 0 or not hasattr(self._spec.model, "trainable"):
            return Setup(stage.name, shapes, epochs)
        from trainyard.linter.shapes import layers_of

        model = self._spec.model._replace(trainable=self._spec.training.stages[index - 1].trainable)  # type: ignore[call-arg] # only a transfer model has it
        unfrozen = layers_of(model, shapes.input_shape, self._case.classes)
        return Setup(stage.name, shapes if unfrozen is None or unfrozen.obstacle is not None else unfrozen, epochs)

    def _demand(self, setup: Setup) -> Demand:
        training = self._spec.training
        return Demand(setup.shapes, self._spec.optimizer, training.precision, accumulates=training.gradient_accumulation > 1)

    @cached_property
    def _demands(self) -> tuple[Demand, ...]:
        return tuple(self._demand(setup) for setup in self._setups)

    def phases(self, profile: HardwareProfile | None) -> dict[str, Memory]:
        """Return the memory of every phase, training once for each stage."""
        batch = self._case.device_batch
        found: dict[str, Memory] = {}
        for setup, demand in zip(self._setups, self._demands, strict=True):
            for phase, memory in demand.phases(batch, profile).items():
                name = PHASES[phase]
                if phase is Phase.TRAIN and setup is not self._setups[0]:
                    name = f"train, {setup.name}"
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

    def disk(self) -> Disk:
        """Return what is left on disk, for the stage that stores most."""
        from trainyard.linter.estimate.disk import disk

        callbacks, training = self._spec.callbacks, self._spec.training
        kept = callbacks.checkpoint.keep if callbacks.checkpoint is not None else 0
        epochs = sum(setup.epochs for setup in self._setups)
        found = (
            disk(setup.shapes, self._spec.optimizer, training.precision, kept=kept, epochs=epochs, tensorboard=callbacks.tensorboard)
            for setup in self._setups
        )
        return max(found, key=lambda each: each.total.high)

    def time(self, steps: Steps) -> TimeNeed:
        """Return how long it takes on the named card, or on some that are well known."""
        hardware = self._case.hardware
        if hardware is not None:
            times, total = self._times(steps, hardware)
            return TimeNeed(times, total, (), times.calibrated)
        from trainyard.linter.estimate.time import Seconds

        elsewhere = tuple((card.device, self._times(steps, card)[1]) for card in built_in() if card.name in _WELL_KNOWN)
        spanning = Seconds(min(total.low for _, total in elsewhere), max(total.high for _, total in elsewhere))
        return TimeNeed(None, spanning, elsewhere, calibrated=False)

    def _times(self, steps: Steps, profile: HardwareProfile) -> tuple[Times, Seconds]:
        """Return the times of the main training, and the whole of all stages."""
        from trainyard.linter.estimate.time import Work, times

        batch = self._case.device_batch
        size = max(1, steps.batch_size)
        saved = self.disk().checkpoint.high
        found = [
            times(
                Work(
                    setup.shapes,
                    self._spec.optimizer,
                    self._spec.training.precision,
                    batch,
                    steps.per_epoch,
                    setup.epochs,
                    -(-(steps.validation_samples or 0) // size),
                    -(-(steps.test_samples or 0) // size) if setup is self._setups[-1] else 0,
                    saved,
                    setup.epochs if saved else 0,
                ),
                profile,
            )
            for setup in self._setups
        ]
        total = found[0].total
        for later in found[1:]:
            # A later stage compiles anew, but the program is started once.
            without_start = later.total._replace(low=later.total.low - later.start.low, high=later.total.high - later.start.high)
            total = total.plus(without_start)
        return found[0], total

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

        training = self._spec.training
        return choices(
            self._setups[0].shapes,
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
