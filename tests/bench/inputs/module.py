"""A module of about the size of a spec, for the linter of Python to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """What came of one epoch."""

    number: int
    loss: float
    val_loss: float


def best(epochs: Iterable[Epoch]) -> Epoch | None:
    """Return the epoch with the lowest validation loss, the earlier one of two equal ones."""
    return min(epochs, key=lambda epoch: (epoch.val_loss, epoch.number), default=None)


def gap(epoch: Epoch) -> float:
    """Return by how much the validation loss exceeds the training loss."""
    return epoch.val_loss - epoch.loss


def overfits(epochs: Iterable[Epoch], *, patience: int) -> bool:
    """Tell whether the gap has grown for ``patience`` epochs in a row."""
    run, previous = 0, float("inf")
    for epoch in epochs:
        run = run + 1 if gap(epoch) > previous else 0
        previous = gap(epoch)
        if run >= patience:
            return True
    return False
