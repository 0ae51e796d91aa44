"""The demonstration must be able to fail: each promise is tried with something that breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from trainyard.client.demo import promises
from trainyard.client.demo.house import until
from trainyard.client.demo.promises import BrokenPromiseError

HIGH_RATE = {"code": "LR001", "pointer": "/optimizer/learning_rate"}
BIG_BATCH = {"code": "MEM001", "pointer": "/training/batch_size"}
MODEL = {"name": "best.keras", "kind": "model", "path": "/runs/best.keras"}
METRICS = """\
# HELP trainyard_job_epoch Last finished epoch of job_id="abc"
trainyard_jobs{state="running"} 1.0
trainyard_job_info{job_id="abc",model="cnn"} 1.0
trainyard_job_state{job_id="abc",state="running"} 1.0
trainyard_job_state{job_id="abc",state="paused"} 0.0
trainyard_job_epoch{job_id="abc"} 2.0
trainyard_job_epoch{job_id="xyz"} 9.0
"""


def job(**changes: Any) -> dict[str, Any]:
    ended = {"state": "succeeded", "reason": "completed", "message": "", "best_metrics": {"val_accuracy": 0.97}, "artifacts": [MODEL]}
    return {**ended, **changes}


def test_the_server_may_find_more_and_never_less() -> None:
    assert promises.same_findings([HIGH_RATE], {"findings": [HIGH_RATE, BIG_BATCH]}) == 1
    with pytest.raises(BrokenPromiseError, match="did not find MEM001 at /training/batch_size"):
        promises.same_findings([HIGH_RATE, BIG_BATCH], {"findings": [HIGH_RATE], "more_findings": 0})


def test_findings_that_had_no_room_are_no_findings_that_are_missing() -> None:
    assert promises.same_findings([HIGH_RATE, BIG_BATCH], {"findings": [HIGH_RATE], "more_findings": 1}) == 1


@pytest.mark.parametrize("here,there", [([], [HIGH_RATE]), ([], [])])
def test_a_bad_spec_without_findings_is_no_bad_spec(here: list[dict[str, str]], there: list[dict[str, str]]) -> None:
    with pytest.raises(BrokenPromiseError, match="nothing to refuse"):
        promises.same_findings(here, {"findings": there})


def test_the_accuracy_is_that_of_the_best_epoch() -> None:
    assert promises.accuracy(job()) == 0.97


@pytest.mark.parametrize(
    "changes,complaint",
    [
        ({"best_metrics": {"val_accuracy": 0.9499}}, "0.9499, and at least 0.95"),
        ({"best_metrics": {"val_accuracy": "NaN"}}, "tells no val_accuracy"),
        ({"best_metrics": {}}, "tells no val_accuracy"),
        ({"state": "failed", "message": "out of memory"}, "the job failed: out of memory"),
        ({"state": "cancelled", "reason": "user"}, "the job cancelled: user"),
    ],
)
def test_too_little_accuracy_or_a_job_that_failed_is_not_as_promised(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BrokenPromiseError, match=complaint):
        promises.accuracy(job(**changes))


def test_the_metrics_of_a_job_are_its_own_and_leave_out_what_is_not_so() -> None:
    series = promises.series_of(METRICS, "abc")
    assert series == ['trainyard_job_state{job_id="abc",state="running"} 1.0', 'trainyard_job_epoch{job_id="abc"} 2.0']
    assert promises.epoch_in(series) == 2


def test_metrics_that_do_not_know_the_job_are_not_as_promised() -> None:
    with pytest.raises(BrokenPromiseError, match="say nothing about the job"):
        promises.series_of(METRICS, "other")


@pytest.mark.parametrize("artifacts", [[], [{**MODEL, "path": None}], [{**MODEL, "kind": "history"}]])
def test_a_job_without_a_model_here_is_not_as_promised(artifacts: list[dict[str, Any]]) -> None:
    assert promises.best_model(job()) == MODEL
    with pytest.raises(BrokenPromiseError, match="no model"):
        promises.best_model(job(artifacts=artifacts))


def test_waiting_ends_in_time() -> None:
    assert until(lambda: True, 0.0)
    assert not until(lambda: False, 0.01)
