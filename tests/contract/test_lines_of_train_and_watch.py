"""``trainyard train`` and ``trainyard watch`` say an event in the same words, although neither room may import the other."""

from __future__ import annotations

import dataclasses
import math

import pytest

from trainyard.client.screen import phrases
from trainyard.client.values import event as told
from trainyard.client.values.event import Event, Happening
from trainyard.service import wire
from trainyard.service.trainer.following import line_for_people

METRICS = {"loss": 0.5, "val_loss": 2e-7, "accuracy": 1.0, "val_accuracy": math.nan, "unweighted_loss": 3.0, "mae": 12345.678}
EPOCH = {"epoch": 7, "epochs_planned": 120, "metrics": METRICS, "learning_rate": 0.00125, "samples_per_second": 900.0}
RATE = {"epoch": 3, "before": 0.002, "after": 0.001, "cause": "reduce_on_plateau"}
EARLY = {"epoch": 18, "best_epoch": 10, "monitor": "val_loss", "patience": 8}
SEEN = {"name": "overfitting", "epoch": 4, "message": "add dropout", "strength": 0.5}
PAIRS: list[tuple[wire.Body, Happening]] = [
    *(
        (
            wire.EpochFinished(**EPOCH, seconds=seconds),  # type: ignore[arg-type] # a table of mixed values
            told.EpochFinished(**EPOCH, seconds=seconds, device_memory_bytes=0, rollback=0),  # type: ignore[arg-type] # the same
        )
        for seconds in (0.04, 9.96, 59.6, 185.0, 7620.0)
    ),
    (wire.LearningRateChanged(**RATE), told.LearningRateChanged(**RATE)),  # type: ignore[arg-type] # the same
    (wire.EarlyStopped(**EARLY), told.EarlyStopped(**EARLY)),  # type: ignore[arg-type] # the same
    (wire.Diagnosis(**SEEN), told.Diagnosis(**SEEN)),  # type: ignore[arg-type] # the same
]


@pytest.mark.parametrize("body,happening", PAIRS, ids=lambda value: type(value).__name__ if dataclasses.is_dataclass(value) else "")
def test_train_and_watch_say_an_event_in_the_same_words(body: wire.Body, happening: Happening) -> None:
    line = phrases.happening(Event("j", 1, None, 1, happening))
    assert line
    assert line_for_people(body) == line
