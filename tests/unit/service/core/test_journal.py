"""How a job and its events change together, without any store."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from trainyard.service.core import journal
from trainyard.service.core.errors import IllegalCommandError
from trainyard.service.core.events import (
    CheckpointSaved,
    Entry,
    EpochFinished,
    EpochRevised,
    Event,
    StateChanged,
    TrainerEnded,
    TrainerStarted,
    TrainerWord,
)
from trainyard.service.core.jobs import Change, Job
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import Command, State

MakeJob = Callable[[], Job]


def epoch(number: int, loss: float = 0.5, seconds: float = 1.0) -> EpochFinished:
    return EpochFinished(number, 5, {"loss": loss}, 0.001, seconds, 100.0)


def entry(word: TrainerWord, key: str, at: datetime, attempt: int = 1) -> Entry:
    return Entry(attempt=attempt, key=key, at=at, word=word)


STARTED = TrainerStarted("tensorflow", "3.15", "cpu", 10, 8, 2, 7)


def running(job: Job, at: datetime) -> Job:
    started = journal.move(job, Command.START, at).job
    return journal.record(started, [entry(STARTED, "started/1", at)], {}, at).job


def told(change: Change) -> list[Event]:
    return list(change.events)


def test_a_new_job_is_queued_and_says_so_in_its_first_event(make_job: MakeJob) -> None:
    job = make_job()
    assert (job.state, job.last_seq, job.attempt, job.epochs_planned) == (State.QUEUED, 1, 0, 5)


def test_a_start_counts_the_attempt_takes_the_slot_and_keeps_the_first_start_time(make_job: MakeJob, noon: datetime) -> None:
    first = journal.move(make_job(), Command.START, noon).job
    assert (first.attempt, first.held, first.started_at) == (1, True, noon)
    queued = journal.move(first, Command.RETRY, noon, message="lost").job
    second = journal.move(queued, Command.START, noon + timedelta(hours=1)).job
    assert (second.attempt, second.started_at) == (2, noon)


def test_a_command_that_changes_nothing_appends_nothing(make_job: MakeJob, noon: datetime) -> None:
    cancelling = journal.move(make_job(), Command.CANCEL, noon).job
    again = journal.move(cancelling, Command.CANCEL, noon + timedelta(seconds=1))
    assert again == Change(cancelling)


def test_an_end_wants_a_reason_that_fits(make_job: MakeJob, noon: datetime) -> None:
    job = running(make_job(), noon)
    for reason in (None, Reason.USER, Reason.SERVER):
        with pytest.raises(ValueError, match="does not explain"):
            journal.move(job, Command.SUCCEED, noon, reason=reason)


def test_an_illegal_command_is_refused(make_job: MakeJob, noon: datetime) -> None:
    with pytest.raises(IllegalCommandError):
        journal.move(make_job(), Command.PAUSE, noon)


def test_the_trainer_starting_moves_the_job_and_leaves_its_facts(make_job: MakeJob, noon: datetime) -> None:
    job = running(make_job(), noon)
    assert (job.state, job.trainer, job.epochs_planned) == (State.RUNNING, STARTED, 7)


def test_words_of_another_attempt_leave_no_trace(make_job: MakeJob, noon: datetime) -> None:
    job = running(make_job(), noon)
    assert journal.record(job, [entry(epoch(1), "epoch/0/1", noon, attempt=2)], {}, noon) == Change(job)


def test_a_word_that_comes_twice_counts_once(make_job: MakeJob, noon: datetime) -> None:
    job = running(make_job(), noon)
    line = entry(epoch(1), "epoch/0/1", noon)
    once = journal.record(job, [line, line], {}, noon)
    assert [event.seq for event in once.events] == [job.last_seq + 1]
    known = {event.key: event for event in once.events}
    assert journal.record(once.job, [line], known, noon).events == ()


def test_numbers_have_no_gaps_whatever_is_dropped(make_job: MakeJob, noon: datetime) -> None:
    job = running(make_job(), noon)
    lines = [entry(epoch(n), f"epoch/0/{n}", noon, attempt=1 + n % 2) for n in range(1, 9)]
    change = journal.record(job, lines, {}, noon)
    assert [event.seq for event in change.events] == list(range(job.last_seq + 1, job.last_seq + 5))
    assert change.job.last_seq == job.last_seq + 4


def second_attempt(job: Job, noon: datetime) -> Job:
    queued = journal.move(job, Command.RETRY, noon).job
    return journal.move(queued, Command.START, noon).job


def test_an_epoch_run_again_with_the_same_result_is_dropped(make_job: MakeJob, noon: datetime) -> None:
    first = journal.record(running(make_job(), noon), [entry(epoch(1, math.nan), "epoch/0/1", noon)], {}, noon)
    again = entry(epoch(1, math.nan, seconds=9.0), "epoch/0/1", noon, attempt=2)
    known = {event.key: event for event in first.events}
    assert journal.record(second_attempt(first.job, noon), [again], known, noon).events == ()


def test_an_epoch_run_again_with_another_result_is_revised_once(make_job: MakeJob, noon: datetime) -> None:
    first = journal.record(running(make_job(), noon), [entry(epoch(1), "epoch/0/1", noon)], {}, noon)
    job = second_attempt(first.job, noon)
    again = entry(epoch(1, 0.25), "epoch/0/1", noon, attempt=2)
    known = {event.key: event for event in first.events}
    change = journal.record(job, [again], known, noon)
    (event,) = change.events
    assert event.body == EpochRevised(epoch(1, 0.25), revises_seq=first.events[0].seq)
    assert change.job.last_metrics == {"loss": 0.25}
    known[event.key] = event
    assert event.key in journal.keys_to_look_up(change.job, [again])
    assert journal.record(change.job, [again], known, noon).events == ()


@pytest.mark.parametrize("checkpoint_first", [True, False])
def test_the_best_metrics_are_those_of_the_best_epoch_in_either_order(make_job: MakeJob, noon: datetime, checkpoint_first: bool) -> None:
    lines = [
        entry(epoch(2, 0.3), "epoch/0/2", noon),
        entry(CheckpointSaved(2, "val_loss", 0.3, best=True, artifact="best.keras"), "c", noon),
    ]
    job = journal.record(running(make_job(), noon), lines[:: -1 if checkpoint_first else 1], {}, noon).job
    later = journal.record(job, [entry(epoch(3, 0.9), "epoch/0/3", noon)], {}, noon).job
    assert (later.epoch, later.best_epoch, later.best_metrics, later.last_metrics) == (3, 2, {"loss": 0.3}, {"loss": 0.9})


def ended(outcome: State, reason: Reason | None = None) -> TrainerEnded:
    return TrainerEnded(outcome, reason, "because")


@pytest.mark.parametrize(
    "word,state,reason",
    [
        (ended(State.SUCCEEDED, Reason.EARLY_STOPPED), State.SUCCEEDED, Reason.EARLY_STOPPED),
        (ended(State.SUCCEEDED), State.SUCCEEDED, Reason.COMPLETED),
        (ended(State.SUCCEEDED, Reason.DATA), State.SUCCEEDED, Reason.COMPLETED),
        (ended(State.FAILED, Reason.OOM_DEVICE), State.FAILED, Reason.OOM_DEVICE),
        (ended(State.FAILED), State.FAILED, Reason.SERVER),
        (ended(State.PAUSED), State.FAILED, Reason.SERVER),
        (ended(State.RUNNING), State.FAILED, Reason.SERVER),
    ],
)
def test_the_last_word_ends_a_running_job(make_job: MakeJob, noon: datetime, word: TrainerEnded, state: State, reason: Reason) -> None:
    change = journal.record(running(make_job(), noon), [entry(word, "ended/1", noon)], {}, noon)
    assert (change.job.state, change.job.reason, change.job.ended_at) == (state, reason, noon)
    assert isinstance(change.events[-1].body, StateChanged)


def test_nothing_comes_after_the_last_word(make_job: MakeJob, noon: datetime) -> None:
    lines = [entry(ended(State.SUCCEEDED), "ended/1", noon), entry(epoch(9), "epoch/0/9", noon)]
    change = journal.record(running(make_job(), noon), lines, {}, noon)
    assert [event.key for event in change.events] == ["ended/1"]


def test_a_cancelled_job_stays_cancelling_whatever_its_trainer_says(make_job: MakeJob, noon: datetime) -> None:
    job = journal.move(running(make_job(), noon), Command.CANCEL, noon).job
    for outcome in (State.SUCCEEDED, State.FAILED, State.PAUSED):
        assert journal.record(job, [entry(ended(outcome), "ended/1", noon)], {}, noon).job.state is State.CANCELLING


def test_success_without_a_start_is_a_fault(make_job: MakeJob, noon: datetime) -> None:
    job = journal.move(make_job(), Command.START, noon).job
    change = journal.record(job, [entry(ended(State.SUCCEEDED), "ended/1", noon)], {}, noon)
    assert (change.job.state, change.job.reason) == (State.FAILED, Reason.SERVER)
    assert "succeeded while the job was starting" in change.job.message
