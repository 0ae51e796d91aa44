"""A run reads the same in ``trainyard train`` and in ``trainyard watch``: neither may import the other."""

from typing import Any

import pytest

from trainyard.client.screen import phrases
from trainyard.client.values import event as kinds
from trainyard.service import wire
from trainyard.service.trainer.following import line_for_people

METRICS = {"val_loss": 0.5, "loss": 12345.6, "accuracy": 0.25, "val_accuracy": 0.0, "unweighted_loss": 3.0, "f1": 1e-5}
PAIRS: list[tuple[wire.Body, Any]] = [
    (wire.EpochFinished(3, 120, METRICS, 2e-3, 0.031, 800.0), kinds.EpochFinished(3, 120, METRICS, 2e-3, 0.031, 800.0, 0, 0)),
    (wire.EpochFinished(3, 9, {"loss": 0.5}, 1e-7, 65.2, 8.0), kinds.EpochFinished(3, 9, {"loss": 0.5}, 1e-7, 65.2, 8.0, 0, 0)),
    (wire.EpochFinished(9, 9, {"loss": 2.0}, 0.1, 7500.0, 8.0), kinds.EpochFinished(9, 9, {"loss": 2.0}, 0.1, 7500.0, 8.0, 0, 0)),
    (wire.LearningRateChanged(3, 0.1, 0.05, "reduce_on_plateau"), kinds.LearningRateChanged(3, 0.1, 0.05, "reduce_on_plateau")),
    (wire.EarlyStopped(5, 3, "val_loss", 2), kinds.EarlyStopped(5, 3, "val_loss", 2)),
    (wire.Diagnosis("overfitting", 4, "The gap grows.", 0.5), kinds.Diagnosis("overfitting", 4, "The gap grows.", 0.5)),
]


@pytest.mark.parametrize("ours, theirs", PAIRS, ids=lambda one: type(one).__name__)
def test_an_event_has_one_line_wherever_it_is_read(ours: wire.Body, theirs: Any) -> None:
    event = kinds.Event(job_id="j", seq=1, time=None, attempt=1, what=theirs)
    assert line_for_people(ours) == phrases.happening(event)
