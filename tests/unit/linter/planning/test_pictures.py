"""Every number of every picture is the plan's own, and so an estimate's."""

from __future__ import annotations

import pytest
from tests.unit.linter.planning.conftest import GENERATED, generated_plan

from trainyard.linter.charts.models import Tone
from trainyard.linter.planning import TrainingPlan, pictures, wording
from trainyard.linter.planning.configuration import leaves


def with_known(section: str) -> list[str]:
    """Return the specs of which a section of the plan is known."""
    return [name for name in GENERATED if getattr(generated_plan(name), section) is not None]


@pytest.mark.parametrize("name", with_known("curve"))
def test_the_curve_is_drawn_through_the_plans_points(name: str) -> None:
    curve = generated_plan(name).curve
    assert curve is not None
    chart = pictures.rate_chart(curve)
    assert chart.y.log
    assert chart.series[0].points == tuple((point.epoch, point.high) for point in curve.points)
    assert [band.points for band in chart.bands] == (
        [tuple((point.epoch, point.low, point.high) for point in curve.points)] * curve.plateau
    )
    assert {(mark.x, mark.y) for mark in chart.marks} == {(told.epoch, told.high) for told in curve.at_epochs if told.high is not None}


@pytest.mark.parametrize("name", GENERATED)
def test_the_strip_points_at_the_written_and_the_suggested_rate(name: str) -> None:
    rate = generated_plan(name).rate
    assert rate is not None
    chart = pictures.rate_strip(rate)
    own, start = chart.pointers
    assert own.main
    assert own.value == max(rate.learning_rate, chart.zones[0].low)
    assert start.value == rate.suggested
    assert all(first.high == second.low for first, second in zip(chart.zones, chart.zones[1:], strict=False))
    (usual,) = [zone for zone in chart.zones if zone.tone is Tone.GOOD]
    assert (usual.low, usual.high) == (rate.usual_low, rate.usual_high)
    assert chart.zones[0].low <= start.value <= chart.zones[-1].high


@pytest.mark.parametrize("name", with_known("classes"))
def test_the_bars_are_the_counts_and_their_markers_counts_times_weights(name: str) -> None:
    classes = generated_plan(name).classes
    assert classes is not None
    chart = pictures.class_bars(classes)
    weighted = any(row.weight != 1.0 for row in classes.rows)
    assert [(bar.name, bar.value) for bar in chart.bars] == [(row.name, row.samples) for row in classes.rows]
    assert [bar.other for bar in chart.bars] == [row.samples * row.weight if weighted else None for row in classes.rows]


@pytest.mark.parametrize("name", with_known("memory"))
def test_the_stack_adds_up_to_the_memory_of_every_phase(name: str) -> None:
    memory = generated_plan(name).memory
    assert memory is not None
    chart = pictures.memory_stack(memory)
    assert {row.name: (row.low, row.high) for row in chart.rows} == {name: tuple(phase.total) for name, phase in memory.phases.items()}
    assert [limit.value for limit in chart.limits] == ([] if memory.hardware is None else [memory.hardware.usable_bytes])


@pytest.mark.parametrize("name", GENERATED)
def test_the_bars_of_regularization_add_up_to_its_strength(name: str) -> None:
    found = generated_plan(name).regularization
    assert found is not None
    chart = pictures.regularization_bars(found, wording.regularization_rows(found))
    assert sum(bar.value for bar in chart.bars) == pytest.approx(found.strength)


@pytest.mark.parametrize("name", GENERATED)
def test_the_time_line_ends_with_the_last_epoch_and_holds_every_stage(name: str) -> None:
    plan = generated_plan(name)
    assert plan.callbacks is not None
    chart = pictures.time_line(plan.callbacks, plan.curve, plan.steps)
    training = chart.lanes[0]
    assert chart.length == plan.callbacks.stages[-1].last_epoch
    assert [(span.start, span.end) for span in training.spans] == [
        (stage.first_epoch - 1, stage.last_epoch) for stage in plan.callbacks.stages
    ]
    lanes = {lane.name for lane in chart.lanes}
    assert ("early stop" in lanes) == (plan.callbacks.stopping is not None)
    assert ("checkpoint" in lanes) == (plan.callbacks.checkpoints is not None)


def test_a_severe_imbalance_marks_its_largest_and_smallest_class(seed_plan: TrainingPlan) -> None:
    assert seed_plan.classes is not None
    tones = [bar.tone for bar in pictures.class_bars(seed_plan.classes).bars]
    assert (tones[0], tones[-1], set(tones[1:-1])) == (Tone.CARE, Tone.CARE, {Tone.PLAIN})


@pytest.mark.parametrize("name", GENERATED)
def test_every_leaf_of_the_configuration_is_shown_once_and_defaults_are_told_apart(name: str) -> None:
    plan = generated_plan(name)
    assert plan.configuration is not None
    for section in plan.configuration:
        found = leaves(section, plan.configuration, plan.written or {})
        assert len({leaf.path for leaf in found}) == len(found)
        assert any(leaf.written for leaf in found) == (section in (plan.written or {}))
