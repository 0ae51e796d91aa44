"""How pictures and tables write numbers."""

from __future__ import annotations

import pytest

from trainyard.linter.charts.models import Unit
from trainyard.linter.charts.numbers import duration, interval, scientific, written


@pytest.mark.parametrize(
    "seconds, told",
    [
        (0, "0 us"), (3e-5, "30 us"), (0.00062, "620 us"), (0.0085, "8.5 ms"), (0.42, "420 ms"), (1, "1 s"), (5.4, "5.4 s"), (46, "46 s"),
        (121, "2 min"), (12_600, "3 h 30 min"), (7_200, "2 h"), (200_000, "2 d 8 h"), (1e9, "11,574 d"),
    ],
)  # fmt: skip
def test_a_time_is_said_as_a_person_says_it(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize("rate, told", [(0.001, "1e-3"), (0.000125, "1.25e-4"), (1e-7, "1e-7"), (0.5, "5e-1"), (1.0, "1e0"), (0, "0")])
def test_a_rate_stands_in_scientific_notation_with_the_digits_it_needs(rate: float, told: str) -> None:
    assert scientific(rate) == told


@pytest.mark.parametrize(
    "low, high, unit, told",
    [
        (1, 1, Unit.SECONDS, "1 s"),
        (0.03, 0.42, Unit.SECONDS, "30 to 420 ms"),
        (61, 900, Unit.SECONDS, "61 s to 15 min"),
        (2**30, 3 * 2**30, Unit.BYTES, "1 to 3 GiB"),
        (400 * 2**20, 2**30, Unit.BYTES, "0.39 to 1 GiB"),
        (10, 2**40, Unit.BYTES, "10 bytes to 1 TiB"),
        (0, 2**20, Unit.BYTES, "up to 1 MiB"),
        (1200, 3400, Unit.COUNT, "1,200 to 3,400"),
    ],
)
def test_an_interval_names_its_unit_once_where_both_ends_share_it(low: float, high: float, unit: Unit, told: str) -> None:
    assert interval(low, high, unit) == told


@pytest.mark.parametrize("value, told", [(None, "-"), (float("inf"), "endless"), (float("-inf"), "none")])
def test_what_is_no_number_is_said_in_a_word(value: float | None, told: str) -> None:
    assert written(value, Unit.SECONDS) == told


@pytest.mark.parametrize("unit", list(Unit))
@pytest.mark.parametrize("value", [0, 1e-320, 0.5, 1, 1e17, 1e300])
def test_every_unit_writes_every_number_on_one_short_line(unit: Unit, value: float) -> None:
    assert written(value, unit)
    assert len(written(value, unit)) < 420
