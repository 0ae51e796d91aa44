"""The JSON that scripts read."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest

from trainyard.client import documents
from trainyard.client.values import event as kinds
from trainyard.client.values.event import EpochFinished, Event, Happening, Progress
from trainyard.client.values.job import Artifact, Job, JobState

MakeEvent = Callable[[Happening], Event]


def test_a_job_says_state_reason_metrics_and_artifacts(make_job: Callable[..., Job]) -> None:
    document = json.loads(documents.dump(documents.job(make_job())))
    assert (document["id"], document["state"], document["reason"]) == ("0jb4kq7t2m", "succeeded", "early_stopped")
    assert document["metrics"] == {"loss": 0.125, "val_loss": 0.25, "val_accuracy": 0.96875}
    assert (document["best_epoch"], document["best_metrics"]["val_accuracy"]) == (10, 0.984375)
    assert document["artifacts"][0]["path"] == "/runs/best.keras"
    assert (document["created"], document["ended"]) == ("2026-03-01T12:00:00.000Z", None)


def test_what_has_not_happened_is_null(make_job: Callable[..., Job]) -> None:
    document = documents.job(make_job(state=JobState.QUEUED, reason="", best_epoch=0, artifacts=()))
    assert (document["reason"], document["best_epoch"], document["artifacts"]) == (None, None, [])


def test_an_epoch_has_the_promised_shape(make_event: MakeEvent, make_epoch: Callable[..., EpochFinished]) -> None:
    document = documents.watched(make_event(make_epoch(metrics={"loss": 0.5, "val_loss": 0.25})))
    assert {name: document[name] for name in ("v", "seq", "type", "epoch", "metrics")} == {
        "v": 1,
        "seq": 7,
        "type": "epoch",
        "epoch": 3,
        "metrics": {"loss": 0.5, "val_loss": 0.25},
    }


def test_numbers_that_json_does_not_know_have_names(make_event: MakeEvent, make_epoch: Callable[..., EpochFinished]) -> None:
    metrics = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 0.0}
    line = documents.dump(documents.watched(make_event(make_epoch(metrics=metrics))))
    assert json.loads(line)["metrics"] == {"a": "NaN", "b": "Infinity", "c": "-Infinity", "d": 0.0}


ARTIFACT = Artifact("best.keras", "model", 12, "ab", None, "")
EPOCH = EpochFinished(3, 25, {"loss": 0.5}, 0.002, 1.4, 900.0, 0, 0)


@pytest.mark.parametrize(
    "what,expected",
    [
        (
            kinds.StateChanged(JobState.RUNNING, JobState.FAILED, "data", "no such folder"),
            {"type": "state", "to": "failed", "reason": "data"},
        ),
        (kinds.EpochRevised(EPOCH, 5), {"type": "epoch_revised", "epoch": 3, "revises_seq": 5}),
        (kinds.CheckpointSaved(3, "val_loss", math.nan, True, "best.keras"), {"type": "checkpoint", "best": True, "value": "NaN"}),
        (kinds.LearningRateChanged(3, 0.002, 0.001, "roll_back"), {"type": "learning_rate", "from": 0.002, "to": 0.001}),
        (kinds.EarlyStopped(18, 10, "val_loss", 8), {"type": "early_stop", "epoch": 18, "best_epoch": 10}),
        (kinds.Diagnosis("overfitting", 4, "text", 0.5), {"type": "diagnosis", "name": "overfitting", "strength": 0.5}),
        (kinds.ArtifactWritten(ARTIFACT), {"type": "artifact", "name": "best.keras", "path": None}),
        (kinds.Unknown(), {"type": "unknown", "seq": 7}),
    ],
)
def test_every_event_is_one_line_with_a_type(make_event: MakeEvent, what: Happening, expected: dict[str, object]) -> None:
    line = documents.dump(documents.watched(make_event(what)))
    assert "\n" not in line
    assert expected.items() <= json.loads(line).items()


def test_every_kind_of_event_is_covered_above() -> None:
    marks = [mark for mark in test_every_event_is_one_line_with_a_type.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    covered = {type(what) for what, _ in marks[0].args[1]} | {EpochFinished}
    assert covered == set(Happening.__args__)


def test_progress_and_reconnecting_are_lines_too() -> None:
    assert documents.watched(Progress("j", 2, 20, 40, {"loss": math.inf})) == {
        "v": 1,
        "type": "progress",
        "job": "j",
        "epoch": 2,
        "step": 20,
        "steps": 40,
        "metrics": {"loss": "Infinity"},
    }
    assert documents.reconnecting(2) == {"v": 1, "type": "reconnecting", "attempt": 2}
