"""What the core must not make itself: time and names. Tests pass their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from trainyard.service.core.jobs import Change


class Clock(Protocol):
    """Time of day for people, and a time that only goes forward for deadlines."""

    def now(self) -> datetime:
        """Return the time of day, UTC."""

    def monotonic(self) -> float:
        """Return seconds since some moment; never goes back."""


class Ids(Protocol):
    """Makes names that nobody can guess."""

    def job_id(self) -> str:
        """Return a new job id: lower case, and short enough to type a prefix of."""


class Observer(Protocol):
    """Is told what was committed, after it was committed: streams and metrics."""

    def committed(self, change: Change) -> None:
        """Look at a change that is in the store; must be quick and must not raise."""


def announce(observers: Sequence[Observer], change: Change) -> None:
    """Tell everybody about a change; one that changed nothing is not told."""
    if change.events:
        for observer in observers:
            observer.committed(change)
