"""From values to places: ends are round, ticks lie inside, and no value breaks a scale."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.linter.charts.models import Axis
from trainyard.linter.charts.scales import MOST_DECADES, scale, ticks

FINITE = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)
ANY = st.floats(allow_nan=False)
POSITIVE = st.floats(min_value=1e-290, max_value=1e290)


@given(st.lists(FINITE, min_size=1, max_size=30))
def test_every_value_of_a_linear_axis_lies_between_its_ends(values: list[float]) -> None:
    made = scale(Axis("x"), values, 0, 100)
    assert all(-1e-9 <= made.place(value) <= 100 + 1e-9 for value in values)
    assert all(made.low - abs(made.low) * 1e-9 - 1e-9 <= tick <= made.high + abs(made.high) * 1e-9 + 1e-9 for tick in ticks(made, 6))


@given(st.lists(POSITIVE, min_size=1, max_size=30))
def test_a_logarithmic_axis_spans_its_values_and_no_more_decades_than_can_be_read(values: list[float]) -> None:
    made = scale(Axis("x", log=True), values, 0, 100)
    assert made.low < made.high
    assert math.log10(made.high / made.low) <= MOST_DECADES + 2
    assert 1 <= len(ticks(made, 6)) <= 12


@pytest.mark.parametrize(
    "values, marked",
    [
        ((1e-7, 1e-3), (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)),
        ((1e-4, 1e-3), (1e-4, 2e-4, 5e-4, 1e-3)),
        ((0.001,), (5e-4, 1e-3, 2e-3)),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_decades_and_2_and_5_between_few_of_them(
    values: tuple[float, ...], marked: tuple[float, ...]
) -> None:
    found = ticks(scale(Axis("rate", log=True), values, 0, 100), 6)
    assert set(marked) <= {float(f"{tick:.3g}") for tick in found}


def test_a_value_ten_times_another_is_a_decade_further_on() -> None:
    made = scale(Axis("rate", log=True, low=1e-4, high=1e-1), (), 0, 300)
    assert [round(made.place(value)) for value in (1e-4, 1e-3, 1e-2, 1e-1)] == [0, 100, 200, 300]


def test_what_falls_to_zero_is_drawn_at_the_lower_edge() -> None:
    made = scale(Axis("rate", log=True), (0.0, 1e-3), 100, 0)
    assert made.place(0.0) == 100


@pytest.mark.parametrize("log", [False, True])
def test_an_axis_without_values_is_still_an_axis(log: bool) -> None:
    made = scale(Axis("x", log=log), (), 0, 10)
    assert made.low < made.high
    assert ticks(made, 4)


@pytest.mark.parametrize("log", [False, True])
def test_an_endless_value_is_drawn_at_the_edge_and_moves_no_end(log: bool) -> None:
    made = scale(Axis("x", log=log, low=math.inf), (1.0, math.inf, 100.0), 0, 10)
    assert made.high < 1000
    assert made.place(math.inf) == 10
    assert made.place(-math.inf) == 0


@given(st.lists(ANY, max_size=10), st.booleans())
def test_no_number_breaks_a_scale(values: list[float], log: bool) -> None:
    made = scale(Axis("x", log=log), values, 0, 100)
    assert made.low < made.high
    assert all(0 <= made.place(value) <= 100 for value in values)
    assert all(math.isfinite(tick) for tick in ticks(made, 6))
