"""What a person would notice in the curves of a run, and what they would do: said once each, as it is seen.

Every question is a function of what was measured so far, with its threshold and the reason for it. None of them ends a run:
early stopping and the divergence policy do that. A healthy run near its end has a loss that is all noise and doubles for
nothing, so a rise counts only beside the fall that went before; how often each question is right was counted on the stored
histories of real runs (``tests/unit/trainer/test_diagnoses.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainyard.service import wire
from trainyard.service.trainer.callbacks.watcher import Voice

# Epochs in a row that make a trend; fewer are noise.
_TREND = 3
_STALE = 10
# What share of its whole fall a loss has to lose again before the rise is more than noise.
_REGAINED = 0.1
# A model that has learnt nothing by then, and whose loss has not fallen by a hundredth since, will not.
_PATIENT = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen and what to do; ``strength`` runs from 0 (hardly) to 1 (plainly)."""

    message: str
    strength: float


@dataclass(frozen=True, slots=True)
class Machine:
    """What the run's machine says: shares of time and memory, from 0 to 1; None where nobody knows."""

    input_wait: float | None
    memory_used: float | None


Curves = Mapping[str, list[float]]


def divergence(curves: Curves) -> Finding | None:
    """The training loss rose three epochs in a row, to twice its lowest and by a tenth of its fall; at a stable rate it falls."""
    loss = curves["loss"]
    low = min(loss)
    if len(loss) <= _TREND or low <= 0 or not all(one < other for one, other in zip(loss[-_TREND - 1 : -1], loss[-_TREND:], strict=True)):
        return None
    if loss[-1] < 2 * low or not _regained(loss[-1], low, loss[0]):
        return None
    seen = f"The training loss rose for {_TREND} epochs, from {loss[-_TREND - 1]:.4g} to {loss[-1]:.4g}; its lowest was {low:.4g}."
    return Finding(f"{seen} Lower optimizer.learning_rate, or bound the gradients with optimizer.clipnorm.", min(1.0, loss[-1] / low / 10))


def plateau(curves: Curves) -> Finding | None:
    """The best training loss of the last ten epochs is not a thousandth below that of the epochs before."""
    loss = curves["loss"]
    if len(loss) < 2 * _STALE:
        return None
    before, lately = min(loss[:-_STALE]), min(loss[-_STALE:])
    if lately < before - 1e-3 * abs(before):
        return None
    seen = f"The training loss has not fallen for {_STALE} epochs: {lately:.4g}, and {before:.4g} before."
    return Finding(f"{seen} Stop here, lower the learning rate (scheduler), or give the model more to learn with.", 0.5)


def overfitting(curves: Curves) -> Finding | None:
    """The last three validation losses lie a tenth above the lowest, and regained a tenth of its fall, while the training loss fell on."""
    loss, judged = curves["loss"], curves.get("val_loss")
    if judged is None or len(judged) <= _TREND:
        return None
    best, lately = judged.index(min(judged)), min(judged[-_TREND:])
    if judged[best] <= 0 or lately < 1.1 * judged[best] or loss[-1] >= loss[best] or not _regained(lately, judged[best], judged[0]):
        return None
    seen = (
        f"The validation loss was lowest in epoch {best + 1} ({judged[best]:.4g}) and is {judged[-1]:.4g}, "
        f"while the training loss fell from {loss[best]:.4g} to {loss[-1]:.4g}."
    )
    advice = "Stop earlier (callbacks.early_stopping), or use more dropout, augmentation or regularization, or a smaller model."
    return Finding(f"{seen} {advice}", min(1.0, judged[-1] / judged[best] - 1))


def _regained(now: float, low: float, first: float) -> bool:
    """Tell whether a loss has risen from its lowest by more than the noise of a run that has fallen from ``first``."""
    return now - low >= _REGAINED * (first - low)


def not_above_majority(curves: Curves, majority: float | None, judged_samples: int) -> Finding | None:
    """The best validation accuracy is within two standard errors of always naming the largest class, and the loss falls no more."""
    judged, loss = curves.get("val_accuracy"), curves.get("val_loss", [])
    if judged is None or majority is None or len(judged) <= _PATIENT or judged_samples == 0:
        return None
    best = max(judged)
    if loss and min(loss[-_PATIENT:]) <= 0.99 * min(loss[:-_PATIENT]):  # it still learns, slowly
        return None
    error = math.sqrt(majority * (1 - majority) / judged_samples)
    if best > majority + 2 * error:
        return None
    seen = (
        f"After {len(judged)} epochs the best validation accuracy is {best:.3f}; naming the largest class every time gives {majority:.3f}."
    )
    return Finding(f"{seen} Look at labels and dataset.scaling, raise or lower optimizer.learning_rate, or weigh classes (imbalance).", 0.8)


def input_bound(machine: Machine) -> Finding | None:
    """The device waited for samples in a fifth of the time."""
    share = machine.input_wait
    if share is None or share < 0.2:
        return None
    seen = f"Steps wait for samples in {share:.0%} of the time."
    return Finding(f"{seen} Use smaller images, or more memory, so that the dataset fits beside the model.", share)


def memory_near_limit(machine: Machine) -> Finding | None:
    """Nine tenths of the memory were in use at the peak: the next larger batch, or a neighbour, ends the run."""
    share = machine.memory_used
    if share is None or share < 0.9:
        return None
    return Finding(f"At the peak {share:.0%} of the memory were in use. Lower training.batch_size, or use a smaller model.", share)


class Diagnoses:
    """Asks every question at every epoch's end, and says each answer once.

    Args:
        voice: says it.
        majority: share of the largest class among validation samples; None when there are no classes.
        judged_samples: number of validation samples.
        machine: what the machine says of the epoch that ended.
    """

    name = "diagnoses"

    def __init__(self, voice: Voice, majority: float | None, judged_samples: int, machine: Callable[[], Machine]) -> None:
        self._voice = voice
        self._majority = majority
        self._judged_samples = judged_samples
        self._machine = machine
        self._curves: dict[str, list[float]] = {}
        self._said: list[str] = []

    def epoch_ended(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Take the epoch in and say what is new about it."""
        for name in ("loss", "val_loss", "val_accuracy"):
            if name in metrics:
                self._curves.setdefault(name, []).append(metrics[name])
        for name, finding in self._findings().items():
            if finding is not None and name not in self._said:
                self._said.append(name)
                self._voice.say(wire.Diagnosis(name, epoch, finding.message, finding.strength))

    def state(self) -> dict[str, Any]:
        """Return the curves and what was said."""
        return {"curves": {name: list(curve) for name, curve in self._curves.items()}, "said": list(self._said)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on without saying anything twice."""
        self._curves = {name: list(curve) for name, curve in state["curves"].items()}
        self._said = list(state["said"])

    def _findings(self) -> dict[str, Finding | None]:
        curves, machine = self._curves, self._machine()
        return {
            "divergence": divergence(curves),
            "plateau": plateau(curves),
            "overfitting": overfitting(curves),
            "not-above-majority": not_above_majority(curves, self._majority, self._judged_samples),
            "input-bound": input_bound(machine),
            "memory-near-limit": memory_near_limit(machine),
        }
