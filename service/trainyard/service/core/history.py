"""The curve of a job, from its events: one result per epoch, whatever was run again.

Knows events only. An epoch that a resumed attempt ran with another result stands once, as it was last; epochs that a roll-back
threw away do not stand at all.
"""

from __future__ import annotations

from collections.abc import Iterable

from trainyard.service.core.events import EpochFinished, EpochRevised, Event


def curve(events: Iterable[Event]) -> tuple[EpochFinished, ...]:
    """Return the epochs that count, in order; ``events`` come in the order of their numbers."""
    kept: dict[int, EpochFinished] = {}
    for event in events:
        told = event.body.epoch if isinstance(event.body, EpochRevised) else event.body
        if isinstance(told, EpochFinished):
            kept = {number: epoch for number, epoch in kept.items() if number < told.epoch or epoch.rollback >= told.rollback}
            kept[told.epoch] = told
    return tuple(kept[number] for number in sorted(kept))
