"""Steps are launched in bundles of half a second: whoever asks a run to pause is heard within about one, however fast a step is.

On a clock of its own, so that no busy machine has a say in it.
"""

from __future__ import annotations

import random

import pytest

from trainyard.linter.estimate.launching import LAUNCH_SECONDS
from trainyard.service.trainer.speed.pace import Pace

HEARD_SECONDS = 1.0
# The control file is looked at no more often than this (``callbacks/pulse.py``).
INTERVAL_SECONDS = 0.25


def launches(step_seconds: list[float], epochs: int = 3) -> list[float]:
    """Return how long each launch after the first took; step ``n`` of every epoch takes ``step_seconds[n]``."""
    pace, took = Pace(), []
    for _ in range(epochs):
        done = 0
        while done < len(step_seconds):
            count = pace.count(len(step_seconds) - done)
            seconds = sum(step_seconds[done : done + count])
            pace.took(count, seconds)
            took.append(seconds)
            done += count
    return took[1:]


@pytest.mark.parametrize("step", [1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.3, 0.45])
def test_no_launch_of_steady_steps_takes_longer_than_it_may(step: float) -> None:
    took = launches([step] * min(40_000, int(20 / step)))

    assert max(took) <= LAUNCH_SECONDS * 1.001
    assert max(took) + INTERVAL_SECONDS <= HEARD_SECONDS


def test_steps_of_unequal_length_are_heard_as_soon() -> None:
    draw = random.Random(7)

    took = launches([draw.uniform(0.005, 0.015) for _ in range(3000)])

    assert max(took) <= HEARD_SECONDS - INTERVAL_SECONDS


def test_a_step_longer_than_a_second_is_launched_alone() -> None:
    assert set(launches([2.0] * 20)) == {2.0}


def test_a_machine_that_slows_down_is_followed_after_two_launches() -> None:
    took = launches([0.01] * 400 + [0.05] * 400, epochs=1)

    slow = [seconds for seconds in took if seconds > LAUNCH_SECONDS * 1.001]
    assert len(slow) <= 2
    assert max(took) <= 5 * LAUNCH_SECONDS
