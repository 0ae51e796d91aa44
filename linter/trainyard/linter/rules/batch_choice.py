"""The batch to write instead, whichever rule asks: one that fits the device and leaves an epoch some steps.

Rules that look at different things suggest the same number this way, and following one of them does not call up another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.linter.rules.case import Case

if TYPE_CHECKING:
    from trainyard.linter.estimate.hardware import HardwareProfile

# A suggestion leaves a tenth of the memory free, and is a multiple of what tensor cores like.
_HEADROOM, _EVEN = 0.9, 8
# An epoch of fewer steps than this is short; a suggested batch makes it at least twice as many.
SHORT_EPOCH = 5


def even(batch: float) -> int:
    """Return the next power of two at or below, at least 1."""
    return 1 << max(0, int(batch).bit_length() - 1)


def for_data(case: Case) -> int | None:
    """Return a batch that makes at least ten steps of the training part and fits the device; ``None`` where the part is unknown."""
    if not case.samples_per_epoch:
        return None
    batch, most = even(case.samples_per_epoch / (2 * SHORT_EPOCH)), most_that_fits(case)
    return batch if not most else min(batch, most)


def for_memory(case: Case, most: int) -> int:
    """Return the batch to write where ``most`` fit the device: fewer, where the present one is too many for the data, too."""
    samples = case.samples_per_epoch
    if not most or not samples or case.spec.training.batch_size <= samples / SHORT_EPOCH:
        return most
    return min(most, even(samples / (2 * SHORT_EPOCH)))


def most_that_fits(case: Case) -> int | None:
    """Return the largest global batch for the named device, else for the largest one known; ``None`` where that cannot be told."""
    if case.demand is None:
        return None
    from trainyard.linter.estimate.hardware import built_in

    return largest_batch(case, built_in()[-1] if case.hardware is None else case.hardware)


def fits(case: Case, batch: int) -> bool:
    """Tell whether a global batch fits the named device, else the largest one known; yes where that cannot be told."""
    if case.demand is None:
        return True
    from trainyard.linter.estimate.hardware import built_in

    profile = built_in()[-1] if case.hardware is None else case.hardware
    each = -(-batch // max(1, case.spec.resources.gpus or 1))
    return case.demand.memory(each, profile).total.high <= profile.usable_bytes


def largest_batch(case: Case, profile: HardwareProfile) -> int:
    """Return the largest global batch that fits with a tenth to spare, rounded down to a multiple of 8 where it can be."""
    if case.demand is None:
        return 0
    devices = max(1, case.spec.resources.gpus or 1)
    roomy = profile._replace(usable_share=profile.usable_share * _HEADROOM)
    largest = case.demand.largest_batch(roomy, case.device_batch)
    return (largest - largest % _EVEN if largest >= _EVEN else largest) * devices
