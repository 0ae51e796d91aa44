"""The curve from the events, whatever was run again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from trainyard.service.core.events import Diagnosis, EpochFinished, EpochRevised, Event
from trainyard.service.core.history import curve
from trainyard.service.core.jobs import Job


def epoch(number: int, loss: float = 0.5, rollback: int = 0) -> EpochFinished:
    return EpochFinished(number, 9, {"loss": loss}, 0.001, 1.0, 100.0, rollback=rollback)


def events(*bodies: EpochFinished | EpochRevised | Diagnosis) -> list[Event]:
    noon = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
    return [Event("j", seq, 1, f"{seq}", noon, body) for seq, body in enumerate(bodies, start=1)]


def test_a_revised_epoch_stands_once_and_as_it_was_last() -> None:
    told = events(epoch(1), epoch(2), Diagnosis("x", 2, "m", 0.1), EpochRevised(epoch(2, 0.1), 2), epoch(3))
    assert [(one.epoch, one.metrics["loss"]) for one in curve(told)] == [(1, 0.5), (2, 0.1), (3, 0.5)]


def test_epochs_that_a_roll_back_threw_away_do_not_stand() -> None:
    told = events(epoch(1), epoch(2), epoch(3), epoch(4), epoch(3, 0.2, rollback=1))
    assert [(one.epoch, one.rollback) for one in curve(told)] == [(1, 0), (2, 0), (3, 1)]


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 2)), max_size=20))
def test_every_epoch_stands_at_most_once_and_in_order(told: list[tuple[int, int]]) -> None:
    numbers = [one.epoch for one in curve(events(*(epoch(number, rollback=rollback) for number, rollback in told)))]
    assert numbers == sorted(set(numbers))


def test_a_job_that_said_nothing_has_no_curve(make_job: Callable[[], Job]) -> None:
    assert make_job().epoch == 0
    assert curve([]) == ()
