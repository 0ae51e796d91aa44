"""What is noticed in the curves of a run, once, and what is not."""

from typing import Any

import pytest

from trainyard.service import wire
from trainyard.service.trainer.callbacks import diagnoses
from trainyard.service.trainer.callbacks.diagnoses import Diagnoses, Machine

QUIET = Machine(input_wait=0.01, memory_used=0.5)


class Said:
    def __init__(self) -> None:
        self.bodies: list[Any] = []

    def say(self, body: wire.Body) -> None:
        self.bodies.append(body)


def watch(curves: dict[str, list[float]], machine: Machine = QUIET, majority: float | None = 0.5) -> dict[str, int]:
    """Show a run epoch by epoch; return what was noticed, and when."""
    said = Said()
    watcher = Diagnoses(said, majority, 100, lambda: machine)  # type: ignore[arg-type] # says, and no more
    for epoch in range(len(next(iter(curves.values())))):
        watcher.epoch_ended(epoch + 1, {name: curve[epoch] for name, curve in curves.items()})
        again = Diagnoses(said, majority, 100, lambda: machine)  # type: ignore[arg-type] # the same
        again.restore(watcher.state())
        watcher = again
    assert all(body.message.count(". ") >= 1 and 0 <= body.strength <= 1 for body in said.bodies)
    return {body.name: body.epoch for body in said.bodies}


FALLING = [2.0 * 0.9**epoch for epoch in range(25)]


def test_a_healthy_run_is_told_nothing() -> None:
    assert watch({"loss": FALLING, "val_loss": FALLING, "val_accuracy": [0.5 + 0.1 * min(epoch, 4) for epoch in range(25)]}) == {}


@pytest.mark.parametrize(
    "curves, name, epoch",
    [
        ({"loss": [1.0, 0.5, 0.7, 0.9, 1.1, 1.2]}, "divergence", 5),
        ({"loss": [*FALLING[:10], *[FALLING[9]] * 12]}, "plateau", 20),
        ({"loss": FALLING[:8], "val_loss": [1.0, 0.8, 0.7, 0.72, 0.75, 0.8, 0.9, 1.0]}, "overfitting", 6),
        ({"loss": FALLING[:5], "val_accuracy": [0.5, 0.52, 0.55, 0.56, 0.5]}, "not-above-majority", 3),
    ],
)
def test_a_sick_run_is_told_once_what_was_seen(curves: dict[str, list[float]], name: str, epoch: int) -> None:
    assert watch(curves) == {name: epoch}


def test_noise_is_no_trend() -> None:
    noisy = [1.0 + (0.3 if epoch % 2 else -0.3) for epoch in range(9)]
    assert "divergence" not in watch({"loss": noisy})
    assert "overfitting" not in watch({"loss": FALLING[:6], "val_loss": [1.0, 0.8, 0.83, 0.8, 0.84, 0.85]})


def test_waiting_for_samples_and_memory_near_its_limit_are_told() -> None:
    assert watch({"loss": FALLING[:3]}, Machine(0.4, 0.95)) == {"input-bound": 1, "memory-near-limit": 1}
    assert watch({"loss": FALLING[:3]}, Machine(None, None)) == {}


def test_two_standard_errors_above_the_largest_class_is_above_it() -> None:
    curves = {"val_accuracy": [0.61, 0.6, 0.6]}
    assert diagnoses.not_above_majority(curves, 0.5, 100) is None
    assert diagnoses.not_above_majority(curves, 0.5, 50) is not None
    assert diagnoses.not_above_majority(curves, None, 50) is None
