"""The plan as a value: its numbers are the estimates' own, and what cannot be known is said."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from tests.corpora.malimg import COUNTS as MALIMG
from tests.corpora.malimg import SPEC as SEED
from tests.unit.linter.planning.conftest import GENERATED, plan_of

from trainyard.linter.estimate.hardware import profile
from trainyard.linter.estimate.memory import slot_count
from trainyard.linter.estimate.stopping import Rule, likelihood, stops_at
from trainyard.linter.planning import TrainingPlan
from trainyard.linter.planning.training_plan import Placement, Status
from trainyard.linter.rules.examples import merged
from trainyard.linter.rules.workload import samples_bytes

Planned = Callable[..., TrainingPlan]


def test_the_seed_pages_steps_are_the_ceiling_of_samples_over_batch_size(seed_plan: TrainingPlan) -> None:
    steps = seed_plan.steps
    assert steps is not None
    assert (steps.train_samples, steps.batch_size, steps.per_epoch, steps.total) == (6537, 32, math.ceil(6537 / 32), 20_500)
    assert steps.per_epoch == 205
    assert steps.train_samples + (steps.validation_samples or 0) + (steps.test_samples or 0) == 9339


def test_the_seed_pages_weights_are_samples_over_classes_times_count(seed_plan: TrainingPlan) -> None:
    assert seed_plan.classes is not None
    assert {row.name: row.weight for row in seed_plan.classes.rows} == pytest.approx({name: 9339 / (25 * n) for name, n in MALIMG.items()})
    assert seed_plan.classes.ratio == pytest.approx(2949 / 80)
    effects = {row.name: row.effect for row in seed_plan.classes.rows}
    assert (effects["Allaple.A"], effects["Fakerean"], effects["Skintrim.N"]) == ("Underweight", "As it is", "Overweight")


def test_classes_stand_in_the_order_of_their_size(seed_plan: TrainingPlan) -> None:
    assert seed_plan.classes is not None
    counts = [row.samples for row in seed_plan.classes.rows]
    assert counts == sorted(MALIMG.values(), reverse=True)


def test_memory_is_the_estimates_own_phase_by_phase(seed_plan: TrainingPlan) -> None:
    case, memory = seed_plan.report.case, seed_plan.memory
    assert case is not None
    assert memory is not None
    assert case.demand is not None
    card = profile("t4")
    expected = {phase.value: found for phase, found in case.demand.phases(32, card, data_bytes=samples_bytes(case)).items()}
    assert [each.total for each in memory.phases.values()] == [expected[name].total for name in ("start", "train", "evaluate", "save")]
    assert memory.peak == max((each.total for each in expected.values()), key=lambda total: total.high)
    assert memory.fits is True


def test_the_batch_table_holds_every_batch_size_of_the_page_and_the_specs_own(planned: Planned) -> None:
    table = planned({"training": {"batch_size": 48}}, card="t4").batches
    assert table is not None
    assert [row.choice.batch_size for row in table.rows] == [16, 32, 48, 64, 128, 256, 512]
    assert [row.choice.own for row in table.rows].index(True) == 2
    samples = 4200
    assert [row.choice.steps_per_epoch for row in table.rows] == [math.ceil(samples / row.choice.batch_size) for row in table.rows]
    assert [row.speed_low for row in table.rows] == [row.choice.speed for row in table.rows]


def test_without_a_card_time_and_speed_span_common_ones(planned: Planned) -> None:
    plan = planned({})
    assert plan.time is not None
    assert plan.batches is not None
    assert plan.time.times is None
    assert plan.time.total.low == min(total.low for _, total in plan.time.elsewhere)
    assert plan.time.total.high == max(total.high for _, total in plan.time.elsewhere)
    assert any(row.speed_low < row.speed_high for row in plan.batches.rows)
    assert [need.section for need in plan.needs] == ["hardware"]


@pytest.mark.parametrize(
    "optimizer, placement",
    [
        ({"type": "adam", "learning_rate": 1e-6}, Placement.TOO_LOW),
        ({"type": "adam", "learning_rate": 5e-5}, Placement.LOW),
        ({"type": "adam", "learning_rate": 1e-3}, Placement.USUAL),
        ({"type": "adam", "learning_rate": 8e-3}, Placement.HIGH),
        ({"type": "adam", "learning_rate": 2e-2}, Placement.TOO_HIGH),
        ({"type": "sgd", "learning_rate": 0.1, "momentum": 0.9}, Placement.USUAL),
        ({"type": "sgd", "learning_rate": 0.5, "momentum": 0.9}, Placement.TOO_HIGH),
        ({"type": "sgd", "learning_rate": 0.3, "momentum": 0.0, "nesterov": False}, Placement.USUAL),
    ],
)
def test_a_rate_lies_where_its_optimizer_puts_it(optimizer: dict[str, Any], placement: Placement, planned: Planned) -> None:
    rate = planned({"optimizer": optimizer}).rate
    assert rate is not None
    assert rate.placement is placement
    bounds = (rate.too_low_below, rate.usual_low, rate.usual_high, rate.too_high_above)
    assert list(bounds) == sorted(bounds)


def test_the_comparison_counts_the_slots_that_each_optimizer_really_has(planned: Planned) -> None:
    rows = {row.name: row for row in planned({}).optimizers}
    for name, row in rows.items():
        case = planned({"optimizer": {"type": name}}).report.case
        assert case is not None
        assert slot_count(case.spec.optimizer) == row.slots, name
    assert (rows["adam"].memory, rows["sgd"].memory) == ("High", "Low")
    assert [row.name for row in rows.values() if row.used] == ["adam"]


@pytest.mark.parametrize(
    "scheduler",
    [
        {"type": "constant"},
        {"type": "cosine", "t_max": {"epochs": 30}, "warmup": {"steps": 100}},
        {"type": "step", "size": {"epochs": 10}, "gamma": 0.1},
        {"type": "exponential", "rate": 0.9, "every": {"epochs": 1}},
        {"type": "one_cycle"},
    ],
)
def test_the_curve_is_the_schedules_own_at_every_point(scheduler: dict[str, Any], planned: Planned) -> None:
    plan = planned({"scheduler": scheduler})
    assert plan.report.case is not None
    schedule, curve = plan.report.case.curve, plan.curve
    assert schedule is not None
    assert curve is not None
    for point in curve.points:
        step = max(0, round(point.epoch * schedule.steps_per_epoch) - 1)
        assert point.low == point.high == schedule.at(step)
    assert {told.epoch: told.high for told in curve.at_epochs} == {
        10: schedule.at_epoch_end(10), 25: schedule.at_epoch_end(25), 30: schedule.at_epoch_end(30), 50: None, 100: None,
    }  # fmt: skip
    assert curve.points[-1].epoch == 30


def test_a_plateau_is_a_band_from_never_reducing_to_reducing_as_often_as_it_can(seed_plan: TrainingPlan) -> None:
    curve = seed_plan.curve
    assert curve is not None
    assert curve.plateau
    assert {point.high for point in curve.points} == {0.001}
    told = {each.epoch: each.low for each in curve.at_epochs}
    assert told[10] == pytest.approx(0.0005)
    assert told[100] == pytest.approx(1e-7)
    lows = [point.low for point in curve.points]
    assert lows == sorted(lows, reverse=True)


@pytest.mark.parametrize("patience, cooldown", [(1, 0), (3, 0), (5, 2)])
def test_the_band_falls_in_the_epoch_after_each_reduction_of_the_time_line(patience: int, cooldown: int, planned: Planned) -> None:
    plan = planned({"scheduler": {"type": "reduce_on_plateau", "patience": patience, "cooldown": cooldown, "min_lr": 0}})
    assert plan.curve is not None
    assert plan.callbacks is not None
    at_end = {point.epoch: point.low for point in plan.curve.points if point.epoch == int(point.epoch)}
    falls = [epoch for epoch in range(1, 30) if at_end[epoch + 1] < at_end[epoch]]
    assert tuple(falls) == plan.callbacks.reductions
    assert falls[0] == patience + 1


@pytest.mark.parametrize("epochs", [1, 10**3, 10**6, 10**15])
def test_a_curve_has_few_points_however_long_the_run(epochs: int, planned: Planned) -> None:
    curve = planned({"training": {"epochs": epochs}, "scheduler": {"type": "cosine", "t_max": {"epochs": epochs}}}).curve
    assert curve is not None
    assert len(curve.points) <= 500


@pytest.mark.parametrize("patience, start, min_delta", [(1, 0, 0.0), (10, 0, 1e-4), (5, 7, 0.0), (0, 0, 0.0), (0, 3, 0.0)])
def test_the_first_epoch_that_can_stop_is_the_one_that_keras_callback_stops_at(
    patience: int, start: int, min_delta: float, planned: Planned
) -> None:
    stopping = {"patience": patience, "start_from_epoch": start, "min_delta": min_delta}
    callbacks = planned({"callbacks": {"early_stopping": stopping}}).callbacks
    assert callbacks is not None
    assert callbacks.stopping is not None
    rule = Rule(patience, min_delta, "min", start)
    assert callbacks.stopping.first_epoch == stops_at([1.0] * 100, rule)
    assert callbacks.stopping.likelihood == likelihood(rule, "val_loss", 30)


def test_early_stopping_with_more_patience_than_epochs_cannot_fire(planned: Planned) -> None:
    callbacks = planned({"callbacks": {"early_stopping": {"patience": 200}}}).callbacks
    assert callbacks is not None
    assert callbacks.stopping is not None
    assert callbacks.stopping.first_epoch is None


def test_stages_follow_each_other_and_count_in_steps_memory_and_time(planned: Planned) -> None:
    stages = [{"trainable": {"last": 20}, "epochs": 3, "learning_rate": 1e-4}, {"trainable": "all", "epochs": 2}]
    alone, staged = planned({}, "transfer", "t4"), planned({"training": {"stages": stages}}, "transfer", "t4")
    assert staged.callbacks is not None
    assert [(stage.first_epoch, stage.last_epoch, stage.trainable) for stage in staged.callbacks.stages] == [
        (1, 3, "the last 20 layers"), (4, 5, "all layers"), (6, 15, "the head"),
    ]  # fmt: skip
    assert staged.steps is not None
    assert staged.memory is not None
    assert alone.time is not None
    assert staged.time is not None
    assert staged.steps.total == staged.steps.per_epoch * 15
    assert staged.memory.phases["train, stage 2"].gradients.high > 100 * staged.memory.phases["train"].gradients.high
    assert staged.time.total.high > alone.time.total.high


def test_oversampling_lengthens_an_epoch(planned: Planned) -> None:
    counts = {"facts": {"class_counts": {"benign": 1000, "malignant": 100}}}
    plain, more = (
        planned({"dataset": counts, "imbalance": imbalance}, "table") for imbalance in ({"type": "none"}, {"type": "oversample"})
    )
    assert plain.steps is not None
    assert more.steps is not None
    assert (plain.steps.samples_per_epoch, more.steps.samples_per_epoch) == (770, 1400)
    assert more.steps.per_epoch == math.ceil(1400 / 16)
    assert more.steps.train_samples == 770


def test_a_name_made_from_a_template_says_what_is_known_before_the_start() -> None:
    written = merged({}, "table")
    subject = plan_of(written).subject
    assert "experiment" not in written
    assert subject is not None
    assert subject.name == "relu_mlp_patients_…"


def test_what_is_unknown_is_said_and_never_guessed() -> None:
    plan = plan_of(GENERATED["no-shape"])
    assert (plan.steps, plan.memory, plan.time, plan.batches, plan.classes) == (None,) * 5
    told = {need.section: need.text for need in plan.needs}
    assert told["steps"] == "needs the number of samples: declare dataset.facts or pass --data-root"
    assert "dataset.input_shape" in told["memory"]
    assert {check.name: check.status for check in plan.checks}["batch-fits"] is Status.UNKNOWN


def test_a_model_that_cannot_be_built_is_planned_without_its_memory(planned: Planned) -> None:
    plan = planned({"model": {"blocks": [{"filters": 8}] * 8, "head": {"hidden": []}}})
    assert plan.memory is None
    assert plan.steps is not None
    assert any("cannot be built" in need.text for need in plan.needs)


def test_of_a_spec_that_fails_the_rest_is_planned_and_what_was_put_in_its_place_is_told() -> None:
    written = merged({"training": {"epochs": "many", "batch_size": 16}}, "images")
    plan = plan_of(written)
    assert not plan.report.passed
    assert plan.steps is not None
    assert plan.steps.batch_size == 16
    assert [(each.pointer, each.value) for each in plan.assumed] == [("/training/epochs", 100)]
    assert {check.name: check.status for check in plan.checks}["complete"] is Status.ERROR


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"version": "v9"}', b"{}" * 1000])
def test_a_text_that_is_no_spec_gives_a_plan_that_says_so(text: bytes) -> None:
    plan = plan_of(text)
    assert not plan.report.passed
    assert plan.checks[-1].status is Status.ERROR or plan.subject is not None


@pytest.mark.parametrize("name", GENERATED)
def test_the_verdict_of_a_plan_is_that_of_check(name: str) -> None:
    from trainyard.linter import lint

    plan = plan_of(GENERATED[name])
    assert plan.report.passed == lint(json.dumps(GENERATED[name])).passed


CHECKS: list[tuple[str, dict[str, Any], Status]] = [
    ("learning-rate-at-most", {"optimizer": {"learning_rate": 0.01}}, Status.OK),
    ("learning-rate-at-most", {"optimizer": {"type": "sgd", "learning_rate": 0.0101}}, Status.WARNING),
    ("learning-rate-at-least", {"optimizer": {"learning_rate": 0.00001}}, Status.OK),
    ("learning-rate-at-least", {"optimizer": {"learning_rate": 0.0000099}}, Status.WARNING),
    ("scheduled-rate", {"scheduler": {"type": "cosine", "t_max": {"epochs": 30}}}, Status.WARNING),
    ("scheduled-rate", {"scheduler": {"type": "cosine", "t_max": {"epochs": 30}, "eta_min": 1e-6}}, Status.OK),
    ("epochs", {"training": {"epochs": 10}}, Status.OK),
    ("epochs", {"training": {"epochs": 9}}, Status.WARNING),
    ("regularization", {"model": {"blocks": [{"filters": 8}], "head": {"hidden": [], "dropout": 0}}}, Status.WARNING),
    ("class-balance", {"dataset": {"facts": {"class_counts": [100, 1000] + [500] * 8}}}, Status.OK),
    ("class-balance", {"dataset": {"facts": {"class_counts": [100, 1001] + [500] * 8}}}, Status.WARNING),
    ("complete", {}, Status.OK),
    ("data-fits-model", {"dataset": {"input_shape": [2, 2, 1]}}, Status.ERROR),
    ("paths", {}, Status.UNKNOWN),
]


@pytest.mark.parametrize("name, fragment, status", CHECKS)
@pytest.mark.parametrize("ruleset", ["recommended", "strict"])
def test_the_pages_checks_are_literal_whatever_the_ruleset(name: str, fragment: dict[str, Any], status: Status, ruleset: str) -> None:
    from trainyard.linter import lint
    from trainyard.linter.engine.configuration import Configuration
    from trainyard.linter.planning import training_plan

    plan = training_plan(lint(json.dumps(merged(fragment, "images")), configuration=Configuration(ruleset=ruleset)))
    assert {check.name: check.status for check in plan.checks}[name] is status


@pytest.mark.parametrize(
    "card, batch, status", [("t4", 32, Status.OK), ("t4", 10**6, Status.ERROR), (None, 32, Status.UNKNOWN), (None, 10**8, Status.ERROR)]
)
def test_the_batch_fits_the_named_card_or_not(card: str | None, batch: int, status: Status, planned: Planned) -> None:
    plan = planned({"training": {"batch_size": batch}}, card=card)
    assert {check.name: check.status for check in plan.checks}["batch-fits"] is status


def test_the_seed_spec_is_not_changed_by_planning_it() -> None:
    before = json.dumps(SEED)
    plan_of(SEED)
    assert json.dumps(SEED) == before
