"""Jobs and events that are made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from trainyard.client.values.event import EpochFinished, Event, Happening
from trainyard.client.values.job import Artifact, Job, JobState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
JOB = Job(
    id="0jb4kq7t2m",
    experiment="digits-small-cnn",
    state=JobState.SUCCEEDED,
    reason="early_stopped",
    message="",
    owner="ann",
    tags=("digits",),
    priority=0,
    attempt=1,
    epoch=18,
    epochs_planned=25,
    metrics={"loss": 0.125, "val_loss": 0.25, "val_accuracy": 0.96875},
    best_epoch=10,
    best_metrics={"loss": 0.25, "val_loss": 0.125, "val_accuracy": 0.984375},
    last_seq=30,
    source_digest="a",
    spec_digest="b",
    report_digest="c",
    ruleset="recommended@2026.1",
    model="cnn",
    dataset="digits/images",
    optimizer="adam",
    created=NOON,
    updated=NOON,
    started=NOON,
    ended=None,
    queue_position=0,
    artifacts=(Artifact("best.keras", "model", 1_468_006, "ab", NOON, "/runs/best.keras"),),
    predicted_seconds=None,
    predicted_memory_bytes=None,
)


@pytest.fixture
def make_job() -> Callable[..., Job]:
    def make(**changes: Any) -> Job:
        return JOB._replace(**changes)

    return make


@pytest.fixture
def make_event() -> Callable[..., Event]:
    def make(what: Happening, seq: int = 7) -> Event:
        return Event(JOB.id, seq, NOON, 1, what)

    return make


@pytest.fixture
def make_epoch() -> Callable[..., EpochFinished]:
    def make(**changes: Any) -> EpochFinished:
        epoch = EpochFinished(
            epoch=3,
            epochs_planned=25,
            metrics={"loss": 0.5},
            learning_rate=0.002,
            seconds=1.4,
            samples_per_second=900.0,
            device_memory_bytes=0,
            rollback=0,
        )
        return replace(epoch, **changes)

    return make
