"""The curve: what each schedule means, and that its closed form agrees with walking every step."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard.linter.estimate.schedule import Band, Curve, lowest_plateau_factor, plateau_band
from trainyard.linter.spec.model.scheduler import (
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    Step,
)
from trainyard.linter.spec.model.units import Length


def epochs(count: float) -> Length:
    return Length(count, None)


def steps(count: int) -> Length:
    return Length(None, count)


def cosine(length: Length, eta_min: float = 0.0, *, restarts: bool = False, warmup: Length | None = None) -> Cosine:
    return Cosine("cosine", length, eta_min, restarts, warmup)


lengths = st.one_of(st.integers(1, 40).map(steps), st.integers(1, 12).map(lambda n: epochs(n / 2)))
warmups = st.one_of(st.none(), lengths)
rates = st.floats(0.3, 1.0)
schedules: st.SearchStrategy[Schedule] = st.one_of(
    st.builds(Constant, st.just("constant"), warmups),
    st.builds(Cosine, st.just("cosine"), lengths, st.sampled_from([0.0, 1e-4]), st.booleans(), warmups),
    st.builds(Step, st.just("step"), lengths, st.none(), rates, warmups),
    st.builds(Step, st.just("step"), st.none(), st.lists(lengths, max_size=3).map(tuple), rates, warmups),
    st.builds(Exponential, st.just("exponential"), rates, lengths, st.booleans(), warmups),
    st.builds(InverseTime, st.just("inverse_time"), st.floats(0.0, 3.0), lengths, st.booleans(), warmups),
    st.builds(Polynomial, st.just("polynomial"), lengths, st.sampled_from([0.0, 1e-4]), st.sampled_from([0.5, 1.0, 2.0]), warmups),
    st.builds(
        OneCycle,
        st.just("one_cycle"),
        st.one_of(st.none(), lengths),
        st.sampled_from([0.0, 0.3, 1.0]),
        st.just(25.0),
        st.just(1e4),
        warmups,
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(schedules, min_size=1, max_size=2), st.integers(1, 9), st.integers(0, 9), st.sampled_from([1e-2, 3e-3, 1e-3, 1e-5, 1e-7]))
def test_questions_about_the_run_agree_with_walking_every_step(
    chosen: list[Schedule], steps_per_epoch: int, run_epochs: int, bound: float
) -> None:
    curve = Curve(0.01, chosen, steps_per_epoch, run_epochs)
    walked = [curve.at(step) for step in range(curve.steps)]
    below = [step for step, rate in enumerate(walked) if rate < bound]
    assert curve.share_below(bound) == (len(below) / len(walked) if walked else 0.0)
    assert curve.first_below(bound) == (below[0] if below else None)
    assert curve.lowest() == min(walked, default=0.01)
    assert curve.highest() == max(walked, default=0.01)


def test_without_a_schedule_the_rate_is_constant() -> None:
    curve = Curve(0.001, (Constant("constant", None),), 205, 100)
    assert {curve.at(0), curve.at(20_499), curve.at_epoch_end(50)} == {0.001}


def test_cosine_is_half_way_at_half_its_length_and_holds_its_end() -> None:
    curve = Curve(0.001, (cosine(epochs(50), 1e-5),), 10, 100)
    assert curve.at(0) == 0.001
    assert curve.at(250) == pytest.approx((0.001 + 1e-5) / 2)
    assert curve.at(500) == pytest.approx(1e-5)
    assert curve.at(999) == pytest.approx(1e-5)


def test_cosine_with_restarts_starts_again_at_every_period() -> None:
    curve = Curve(0.001, (cosine(epochs(5), restarts=True),), 10, 20)
    assert [curve.at(step) for step in (0, 50, 100)] == [0.001, 0.001, 0.001]
    assert curve.at(49) < 2e-6


def test_a_warm_up_rises_from_one_nth_and_its_schedule_starts_after_it() -> None:
    curve = Curve(0.01, (cosine(epochs(9), warmup=epochs(1)),), 10, 10)
    assert [curve.at(step) for step in range(10)] == pytest.approx([0.001 * (step + 1) for step in range(10)])
    assert curve.at(10) == 0.01
    assert curve.at(55) == pytest.approx(0.005)
    assert curve.at_epoch_end(10) == pytest.approx(0.0, abs=1e-5)


def test_a_step_decay_takes_effect_with_the_first_step_of_the_next_epoch() -> None:
    curve = Curve(0.1, (Step("step", epochs(30), None, 0.1, None),), 7, 90)
    assert curve.at_epoch_end(30) == 0.1
    assert curve.at(30 * 7) == pytest.approx(0.01)
    assert curve.at_epoch_end(90) == pytest.approx(0.001)


def test_milestones_may_mix_units_and_need_no_order() -> None:
    curve = Curve(1.0, (Step("step", None, (steps(70), epochs(5)), 0.1, None),), 10, 10)
    assert [curve.at(step) for step in (49, 50, 69, 70)] == pytest.approx([1.0, 0.1, 0.1, 0.01])


def test_one_cycle_peaks_at_the_rate_and_ends_far_below_it() -> None:
    curve = Curve(0.1, (OneCycle("one_cycle", None, 0.3, 25.0, 1e4, None),), 10, 10)
    assert curve.at(0) == pytest.approx(0.004)
    assert curve.at(30) == pytest.approx(0.1)
    assert curve.highest() == pytest.approx(0.1)
    assert curve.at(100) == pytest.approx(0.004 / 1e4)


def test_a_length_in_steps_counts_updates_and_not_the_batches_that_they_add_up() -> None:
    curve = Curve(1.0, (Step("step", None, (steps(10),), 0.1, None),), 40, 2, accumulation=4)
    assert [curve.at(step) for step in (39, 40)] == [1.0, 0.1]


def test_schedules_multiply() -> None:
    halves = Exponential("exponential", 0.5, epochs(1), True, None)
    curve = Curve(1.0, (halves, Constant("constant", steps(4))), 4, 3)
    assert [curve.at(step) for step in (0, 3, 4, 8)] == [0.25, 1.0, 0.5, 0.25]


@pytest.mark.parametrize(
    "schedule",
    [
        cosine(steps(0)),
        cosine(steps(-3), restarts=True),
        Step("step", steps(0), None, 0.1, None),
        Step("step", steps(1), None, -0.5, None),
        Exponential("exponential", -0.5, steps(0), False, None),
        Exponential("exponential", 1e300, steps(1), False, None),
        Exponential("exponential", 0.0, steps(-1), False, steps(-4)),
        InverseTime("inverse_time", -1.0, steps(1), False, None),
        Polynomial("polynomial", steps(0), 0.1, -1.0, None),
        Polynomial("polynomial", steps(5), 0.1, -1.0, None),
        OneCycle("one_cycle", steps(0), 2.0, 0.0, 0.0, None),
        OneCycle("one_cycle", None, 0.3, 0.0, 0.0, epochs(99)),
    ],
)
@pytest.mark.parametrize("rate", [0.0, -1.0, 0.01, 1e300])
def test_values_that_a_rule_condemns_are_still_drawn(schedule: Schedule, rate: float) -> None:
    for run_epochs in (0, 1, 3):
        curve = Curve(rate, (schedule,), 5, run_epochs)
        assert isinstance(curve.at(3), float)
        assert 0.0 <= curve.share_below(1e-7) <= 1.0
        curve.lowest(), curve.highest(), curve.first_below(1e-7)


def test_the_share_below_a_bound_costs_the_same_for_a_million_steps(cost: Callable[[Callable[[], object]], float]) -> None:
    def share(run_epochs: int) -> float:
        return Curve(0.001, (cosine(epochs(run_epochs), warmup=epochs(5)),), 205, run_epochs).share_below(1e-7)

    assert 0 < share(5000) < 0.05
    assert cost(lambda: share(5000)) < 3 * cost(lambda: share(50))


def test_a_run_of_more_steps_than_a_machine_counts_has_a_share_too() -> None:
    curve = Curve(0.001, (Exponential("exponential", 0.95, epochs(1), False, None),), 2**53 - 1, 2**53 - 1)
    assert curve.share_below(1e-7) > 0.99


def test_a_plateau_can_first_reduce_after_patience_epochs_without_improvement() -> None:
    plateau = ReduceOnPlateau("reduce_on_plateau", "val_loss", "auto", 0.5, 5, 1e-4, 0, 1e-7, None)
    assert [lowest_plateau_factor(plateau, epoch) for epoch in (1, 5, 6, 10, 11, 16)] == [1.0, 1.0, 0.5, 0.5, 0.25, 0.125]


def test_the_band_of_a_plateau_lies_between_never_and_as_often_as_it_can() -> None:
    plateau = ReduceOnPlateau("reduce_on_plateau", "val_loss", "min", 0.5, 3, 0.0, 0, 1e-4, None)
    curve = Curve(0.001, (plateau,), 205, 100)
    assert plateau_band(curve, plateau, 3) == Band(0.001, 0.001)
    assert plateau_band(curve, plateau, 4) == Band(0.001, 0.0005)
    assert plateau_band(curve, plateau, 7) == Band(0.001, 0.00025)
    assert plateau_band(curve, plateau, 100) == Band(0.001, 1e-4)


def test_the_band_of_a_plateau_follows_the_other_schedules_and_the_smallest_rate_never_lifts_them() -> None:
    plateau = ReduceOnPlateau("reduce_on_plateau", "val_loss", "min", 0.1, 1, 0.0, 0, 1e-4, None)
    curve = Curve(0.001, (cosine(epochs(10)), plateau), 10, 10)
    last = plateau_band(curve, plateau, 10)
    assert last.high == last.low == curve.at_epoch_end(10) < 1e-4


def test_the_band_of_a_plateau_costs_the_same_for_a_billion_steps(cost: Callable[[Callable[[], object]], float]) -> None:
    plateau = ReduceOnPlateau("reduce_on_plateau", "val_loss", "min", 0.5, 3, 0.0, 1, 0.0, None)

    def draw(steps_per_epoch: int) -> None:
        curve = Curve(0.001, (plateau,), steps_per_epoch, 1000)
        for epoch in range(1, 1001):
            plateau_band(curve, plateau, epoch)

    assert cost(lambda: draw(1_000_000)) < 3 * cost(lambda: draw(10)) + 0.05
