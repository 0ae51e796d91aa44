"""Where a run writes, how it tells the time, and who may ask it to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainyard.service import wire
from trainyard.service.trainer.artifacts import Artifacts
from trainyard.service.trainer.journal import Journal


@dataclass(frozen=True, slots=True)
class Place:
    """Everything around one attempt.

    Args:
        folder: the run folder.
        journal: where events go.
        artifacts: what the run leaves behind.
        monotonic: seconds since some moment.
        attempt: number of this attempt.
        orphan_limit_seconds: silence of the server after which the run pauses itself; None: it is on its own.
        bundle_steps: write a bundle after so many steps, inside an epoch too; None: at the end of epochs.
    """

    folder: wire.RunFolder
    journal: Journal
    artifacts: Artifacts
    monotonic: Callable[[], float]
    attempt: int = 1
    orphan_limit_seconds: float | None = None
    bundle_steps: int | None = None
