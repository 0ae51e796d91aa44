"""Any number parses, so any number reaches the curve: none may crash it, hang it, or grow without bound."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from trainyard.linter.estimate.schedule import Curve, lowest_plateau_factor
from trainyard.linter.spec.model.scheduler import Cosine, Exponential, InverseTime, OneCycle, Polynomial, ReduceOnPlateau, Schedule, Step
from trainyard.linter.spec.model.units import Length

INTEGERS = (0, -1, 1, 2, 2**53 - 1, -(2**53 - 1), 10**9, 2**31)
NUMBERS = (*INTEGERS, 0.0, -1.0, 5e-324, 1e308, -1e308, 0.5, 3.7, 1e18)
DRAWS = 300


def length(draw: random.Random) -> Length:
    return Length(draw.choice(NUMBERS), None) if draw.random() < 0.5 else Length(None, draw.choice(INTEGERS))


def warmup(draw: random.Random) -> Length | None:
    return length(draw) if draw.random() < 0.4 else None


WRITERS: dict[str, Callable[[random.Random], Schedule]] = {
    "cosine": lambda draw: Cosine("cosine", length(draw), draw.choice(NUMBERS), draw.random() < 0.5, warmup(draw)),
    "size": lambda draw: Step("step", length(draw), None, draw.choice(NUMBERS), warmup(draw)),
    "milestones": lambda draw: Step("step", None, (length(draw), length(draw)), draw.choice(NUMBERS), warmup(draw)),
    "exponential": lambda draw: Exponential("exponential", draw.choice(NUMBERS), length(draw), draw.random() < 0.5, warmup(draw)),
    "inverse_time": lambda draw: InverseTime("inverse_time", draw.choice(NUMBERS), length(draw), draw.random() < 0.5, warmup(draw)),
    "polynomial": lambda draw: Polynomial("polynomial", length(draw), draw.choice(NUMBERS), draw.choice(NUMBERS), warmup(draw)),
    "one_cycle": lambda draw: OneCycle(
        "one_cycle",
        length(draw) if draw.random() < 0.7 else None,
        draw.choice(NUMBERS),
        draw.choice(NUMBERS),
        draw.choice(NUMBERS),
        warmup(draw),
    ),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", WRITERS)
def test_odd_numbers_give_a_curve_all_the_same(kind: str) -> None:
    draw = random.Random(kind)
    others = tuple(WRITERS.values())
    for _ in range(DRAWS):
        schedules = (WRITERS[kind](draw), *(draw.choice(others)(draw) for _ in range(draw.randint(0, 2))))
        curve = Curve(draw.choice(NUMBERS), schedules, draw.choice(INTEGERS), draw.choice(INTEGERS), draw.choice(INTEGERS))
        assert 0.0 <= curve.share_below(1e-7) <= 1.0
        curve.first_below(1e-7)
        for value in (curve.at(0), curve.at(2**60), curve.at_epoch_end(3), curve.lowest(), curve.highest()):
            assert isinstance(value, float | int)


@pytest.mark.timeout(10)
def test_a_plateau_of_whole_numbers_is_a_number_and_not_a_million_digits() -> None:
    plateau = ReduceOnPlateau("reduce_on_plateau", "val_loss", "min", 2**53 - 1, 1, 0.0, 0, 0.0, None)
    assert lowest_plateau_factor(plateau, 2**53 - 1) == float("inf")
