"""What there is to do in a run: its stretches, batch by batch. The plan, the rules and the server's gate all take it from here.

Knows no device and no clock: how long it takes is said by ``estimate.time``, for the device that somebody names.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from trainyard.linter.estimate.disk import Disk, disk
from trainyard.linter.estimate.memory import resident_bytes
from trainyard.linter.estimate.time import Run, Work, run

if TYPE_CHECKING:
    from trainyard.linter.estimate.hardware import HardwareProfile
    from trainyard.linter.rules.case import Case

_FLOAT32 = 4


def works(case: Case) -> tuple[Work, ...]:
    """Return what each stretch does, in order, the main training last; none where steps or layers cannot be told."""
    spec, stored = case.spec, kept_on_disk(case)
    if case.steps_per_epoch is None or case.samples_per_epoch is None or stored is None:
        return ()
    size = max(1, spec.training.batch_size)
    # A last batch that is smaller takes less, too.
    steps = case.steps_per_epoch if spec.training.drop_remainder else case.samples_per_epoch / size
    saved = stored.checkpoint.high
    main = len(case.stretches) - 1
    return tuple(
        Work(
            stretch.shapes,
            spec.optimizer,
            spec.training.precision,
            case.device_batch,
            steps,
            stretch.epochs,
            validation_steps=(case.validation_samples or 0) / size,
            test_steps=(case.test_samples or 0) / size if place == main else 0,
            checkpoint_bytes=saved,
            saves=stretch.epochs if saved else 0,
            augmentation=tuple(transform.type for transform in spec.augmentation),
        )
        for place, stretch in enumerate(case.stretches)
        if stretch.shapes is not None and (stretch.epochs or place == main)
    )


def times(case: Case, profile: HardwareProfile) -> Run | None:
    """Return how long the run takes on the device of a profile; ``None`` where it cannot be told what there is to do."""
    size = samples_bytes(case)
    resident = not size or resident_bytes(size, profile) > 0
    found = tuple(work._replace(resident=resident) for work in works(case))
    return run(found, profile) if found else None


def kept_on_disk(case: Case) -> Disk | None:
    """Return what the run leaves on disk, for the stretch that stores most; ``None`` where the model cannot be built."""
    if case.shapes is None or case.shapes.obstacle is not None:
        return None
    callbacks, precision = case.spec.callbacks, case.spec.training.precision
    kept = callbacks.checkpoint.keep if callbacks.checkpoint is not None else 0
    found = (
        disk(stretch.shapes, case.spec.optimizer, precision, kept=kept, epochs=case.all_epochs, tensorboard=callbacks.tensorboard)
        for stretch in case.stretches
        if stretch.shapes is not None
    )
    return max(found, key=lambda each: each.total.high)


def samples_bytes(case: Case) -> int:
    """Return the bytes of all samples as a trainer holds them: images as they are stored, a byte for a number, all else in float32.

    0 where their number or shape is not known.
    """
    if case.samples is None or case.input_shape is None:
        return 0
    return case.samples * prod(case.input_shape) * (1 if case.spec.dataset.type == "image_directory" else _FLOAT32)
