"""What is noticed in the curves of a run, once, and what is not."""

from typing import Any

import numpy as np
import pytest
from sklearn import datasets  # type: ignore[import-untyped,unused-ignore] # scikit-learn ships no types
from tests.bench.write_loss_histories import settings

from trainyard.linter.estimate import stopping
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
        ({"loss": FALLING[:8], "val_loss": [1.0, 0.8, 0.7, 0.72, 0.78, 0.8, 0.9, 1.0]}, "overfitting", 7),
        ({"loss": FALLING[:8], "val_accuracy": [0.5, 0.52, 0.55, 0.56, 0.5, 0.5, 0.5, 0.5]}, "not-above-majority", 6),
    ],
)
def test_a_sick_run_is_told_once_what_was_seen(curves: dict[str, list[float]], name: str, epoch: int) -> None:
    assert watch(curves) == {name: epoch}


def test_noise_is_no_trend() -> None:
    noisy = [1.0 + (0.3 if epoch % 2 else -0.3) for epoch in range(9)]
    assert "divergence" not in watch({"loss": noisy})
    assert "overfitting" not in watch({"loss": FALLING[:6], "val_loss": [1.0, 0.8, 0.83, 0.8, 0.84, 0.85]})


def test_a_loss_near_its_end_doubles_for_nothing() -> None:
    """The last losses of a healthy run are a thousandth of its first."""
    fell = [2.3, 0.5, 0.1, 0.02, 0.01, 0.004]

    assert watch({"loss": [*fell, 0.005, 0.007, 0.009]}) == {}
    assert watch({"loss": FALLING[:12], "val_loss": [*fell, 0.02, 0.03, 0.02, 0.04, 0.03, 0.04]}) == {}


def test_one_good_epoch_among_bad_ones_is_no_overfitting_yet() -> None:
    assert watch({"loss": FALLING[:8], "val_loss": [2.0, 0.8, 0.5, 0.9, 0.9, 0.52, 0.9, 0.9]}) == {}


def test_a_model_that_learns_slowly_is_not_told_that_it_learns_nothing() -> None:
    slow = {"loss": FALLING[:9], "val_accuracy": [0.5] * 9}

    assert watch({**slow, "val_loss": [0.70 - 0.005 * epoch for epoch in range(9)]}) == {}
    assert watch({**slow, "val_loss": [0.70 - 0.0005 * epoch for epoch in range(9)]}) == {"not-above-majority": 6}


def test_waiting_for_samples_and_memory_near_its_limit_are_told() -> None:
    assert watch({"loss": FALLING[:3]}, Machine(0.4, 0.95)) == {"input-bound": 1, "memory-near-limit": 1}
    assert watch({"loss": FALLING[:3]}, Machine(None, None)) == {}


def test_two_standard_errors_above_the_largest_class_is_above_it() -> None:
    curves = {"val_accuracy": [0.61, *[0.6] * 5]}
    assert diagnoses.not_above_majority(curves, 0.5, 100) is None
    assert diagnoses.not_above_majority(curves, 0.5, 50) is not None
    assert diagnoses.not_above_majority(curves, None, 50) is None


# ---- how often the questions are right, on histories of real runs that the linter keeps ---------------------------------

LOSSES, ACCURACIES = (
    [[stopping.RESOLUTION * value for value in row] for row in stopping.unpack(stopping.CORPUS.read_bytes(), at)] for at in (0, 1)
)
RUNS = [settings(number) for number in range(len(LOSSES))]


def told(ask: Any, curves: dict[str, list[float]], epochs: int = 100) -> int | None:
    """Return the epoch at whose end a question is first answered with yes."""
    shown = ({name: curve[:epoch] for name, curve in curves.items()} for epoch in range(1, epochs + 1))
    return next((epoch for epoch, seen in enumerate(shown, 1) if ask(seen) is not None), None)


def test_nine_of_ten_runs_that_are_told_of_overfitting_end_overfitted_and_none_is_missed() -> None:
    """Their training loss is not kept; that of a model that overfits falls."""
    right = wrong = missed = 0
    for judged in LOSSES:
        low, end = min(judged), sum(judged[-10:]) / 10
        sick = end >= 1.1 * low and end - low >= 0.1 * (judged[0] - low)
        said = told(diagnoses.overfitting, {"loss": [2.0 - epoch / 100 for epoch in range(100)], "val_loss": judged}) is not None
        right, wrong, missed = right + (sick and said), wrong + (said and not sick), missed + (sick and not said)
    assert (right + wrong, missed) == (47, 0)
    assert right >= 9 * wrong


def test_who_is_told_that_nothing_was_learnt_has_learnt_nothing_at_the_end() -> None:
    classes = {name: getattr(datasets, f"load_{name}")().target for name in {run["data"] for run in RUNS} - {"diabetes"}}
    largest = {name: float(np.bincount(targets).max() / len(targets)) for name, targets in classes.items()}
    said, learnt_later, idle, named = 0, 0, 0, 0
    judged = [(run["data"], loss) for run, loss in zip(RUNS, LOSSES, strict=True) if run["data"] != "diabetes"]
    for (data, loss), accuracy in zip(judged, ACCURACIES, strict=True):
        samples, majority = len(classes[data]) // 5, largest[data]
        noise = float(np.sqrt(majority * (1 - majority) / samples))
        epoch = told(lambda seen: diagnoses.not_above_majority(seen, majority, samples), {"val_loss": loss, "val_accuracy": accuracy})  # noqa: B023 - asked at once
        said += epoch is not None
        learnt_later += epoch is not None and max(accuracy[epoch:], default=0.0) > majority + 4 * noise
        idle += max(accuracy) <= majority + 2 * noise
        named += epoch is not None and max(accuracy) <= majority + 2 * noise
    assert named == idle > 0
    assert learnt_later <= said / 10
