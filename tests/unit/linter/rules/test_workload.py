"""What there is to do in a run: stages of unfreezing before the main training, batches by their share, samples that fit or do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trainyard.linter import Severity, lint
from trainyard.linter.estimate.hardware import profile
from trainyard.linter.estimate.kinds import Kind
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.workload import kept_on_disk, samples_bytes, times, works

SPEC: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {
        "type": "image_directory",
        "path": "pictures",
        "input_shape": [96, 96, 3],
        "split": {"validation": 0.2, "test": 0.1},
        "facts": {"samples": 1000, "classes": 4},
    },
    "model": {"type": "transfer", "backbone": "mobilenet_v2", "weights": None, "trainable": "none"},
    "training": {"batch_size": 32, "epochs": 4},
}
STAGES = [{"trainable": "none", "epochs": 2}, {"trainable": "all", "epochs": 3, "learning_rate": 1e-5}]
FREE = {str(kind): 1e-12 for kind in Kind}


def box(memory_bytes: float = 8e9, **costs: float) -> Any:
    return profile({"device": "Some CPU", "kind": "cpu", "memory_bytes": memory_bytes, "speed": {"work_seconds": {**FREE, **costs}}})


def case(hardware: Any = None, **training: Any) -> Case:
    spec = {**SPEC, "training": {**SPEC["training"], **training}}
    found = lint(json.dumps(spec).encode(), hardware=hardware).case
    assert found is not None
    return found


def test_stages_come_first_and_each_is_what_learns_then() -> None:
    frozen, learning, main = works(case(stages=STAGES))
    assert [work.epochs for work in (frozen, learning, main)] == [2, 3, 4]
    assert frozen.shapes.trainable == main.shapes.trainable < learning.shapes.trainable
    assert (frozen.test_steps, learning.test_steps) == (0, 0)
    assert main.test_steps > 0


def test_a_last_batch_that_is_smaller_counts_by_its_share() -> None:
    (work,) = works(case())
    assert work.steps == pytest.approx(700 / 32)
    assert work.validation_steps == pytest.approx(200 / 32)
    (dropped,) = works(case(drop_remainder=True))
    assert dropped.steps == 21


def test_epochs_and_updates_of_stages_count() -> None:
    alone, staged = case(), case(stages=STAGES)
    assert (alone.all_epochs, staged.all_epochs) == (4, 9)
    assert staged.updates == 9 * 22


def test_memory_is_judged_for_the_stage_that_needs_most() -> None:
    alone = case(profile("t4")).memory
    assert alone is not None
    # What the head alone fits with a tenth to spare, all layers do not fit.
    card = profile({"device": "Small card", "memory_bytes": alone.total.high * 1.1, "usable_share": 1.0})
    codes = [{finding.code for finding in lint(json.dumps(spec).encode(), hardware=card).findings} for spec in (SPEC, _staged())]
    assert ["MEM001" in found for found in codes] == [False, True]


def _staged() -> dict[str, Any]:
    return {**SPEC, "training": {**SPEC["training"], "batch_size": 32, "stages": STAGES}}


def test_the_time_of_all_stages_is_held_to_the_hours_that_are_allowed() -> None:
    hardware = box(step=0.5)
    alone, staged = (times(case(hardware, stages=stages), hardware) for stages in ([], STAGES))
    assert alone is not None
    assert staged is not None
    assert staged.total.low > alone.total.low + 5 * 21 * 0.5
    hours = (alone.total.low + staged.total.low) / 2 / 3600
    told = [{finding.severity for finding in _linted(hardware, max_hours=hours, stages=stages)} for stages in ([], STAGES)]
    assert told == [{Severity.INFO}, {Severity.WARNING}], "the low end of the shorter run fits, its high end does not"


def _linted(hardware: Any, **training: Any) -> Any:
    report = lint(json.dumps({**SPEC, "training": {**SPEC["training"], **training}}).encode(), hardware=hardware)
    return [finding for finding in report.findings if finding.code == "TIM001"]


def test_samples_that_do_not_fit_beside_the_model_cost_a_launch_for_each_step() -> None:
    size = samples_bytes(case())
    assert size == 1000 * 96 * 96 * 3
    fits, does_not = (times(case(), box(memory, launch=0.01)) for memory in (size * 5, size * 3))
    assert fits is not None
    assert does_not is not None
    assert does_not.main.step.low > fits.main.step.low + 0.005


def test_nothing_is_counted_where_steps_or_layers_are_not_known() -> None:
    unknown = {**SPEC, "dataset": {**SPEC["dataset"], "facts": {"classes": 4}}}
    found = lint(json.dumps(unknown).encode()).case
    assert found is not None
    assert works(found) == ()
    assert times(found, box()) is None
    assert kept_on_disk(found) is not None
