"""Whether a run blew up: its loss is no number, or far above where it began."""

from __future__ import annotations

import math

from trainyard.service.trainer.failures import DivergedError, NonFiniteLossError, TrainerError

# A loss that is ten times its first epoch's has left the ground it started from; noise and a warm-up do not do that.
_FACTOR = 10.0


def found(first: float, loss: float, epoch: int) -> TrainerError | None:
    """Return what is wrong with the training loss of ``epoch``, beside that of the first one; None when nothing is."""
    if not math.isfinite(loss):
        return NonFiniteLossError(loss, epoch)
    if 0 < _FACTOR * first < loss:
        advice = "lower optimizer.learning_rate, warm it up, or let callbacks.on_divergence roll back"
        return DivergedError(f"The loss is {loss:.4g} in epoch {epoch} and was {first:.4g} in the first: {advice}.", epoch)
    return None
