"""How a job and its events change together, without any store."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
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
    return journal.record(started, [entry(STARTED, f"started/{started.attempt}", at, started.attempt)], {}, at).job


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
        (ended(State.RUNNING), State.FAILED, Reason.SERVER),
    ],
)
def test_the_last_word_ends_a_running_job(make_job: MakeJob, noon: datetime, word: TrainerEnded, state: State, reason: Reason) -> None:
    change = journal.record(running(make_job(), noon), [entry(word, "ended/1", noon)], {}, noon)
    assert (change.job.state, change.job.reason, change.job.ended_at) == (state, reason, noon)
    assert isinstance(change.events[-1].body, StateChanged)


def test_a_trainer_that_saw_no_server_and_saved_its_place_is_queued_again_and_costs_no_attempt(make_job: MakeJob, noon: datetime) -> None:
    change = journal.record(running(make_job(), noon), [entry(ended(State.PAUSED), "ended/1", noon)], {}, noon)
    assert (change.job.state, change.job.losses, change.job.message) == (State.QUEUED, 0, "because")


def test_a_trainer_that_says_it_was_ended_from_outside_is_lost(make_job: MakeJob, noon: datetime) -> None:
    job = replace(running(make_job(), noon), max_attempts=2)
    word = ended(State.FAILED, Reason.TRAINER_LOST)
    again = journal.record(job, [entry(word, "ended/1", noon)], {}, noon).job
    assert (again.state, again.losses) == (State.QUEUED, 1)
    last = journal.record(running(again, noon), [entry(word, "ended/2", noon, 2)], {}, noon).job
    assert (last.state, last.reason) == (State.FAILED, Reason.TRAINER_LOST)


@pytest.mark.parametrize("command,state", [(Command.PAUSE, State.PAUSED), (Command.CANCEL, State.CANCELLING)])
def test_a_trainer_lost_on_the_way_to_somewhere_gets_there(make_job: MakeJob, noon: datetime, command: Command, state: State) -> None:
    job = journal.move(running(make_job(), noon), command, noon).job
    assert journal.lose(job, noon, "gone").job.state is state


@pytest.mark.parametrize("epochs,state,reason", [(0, State.FAILED, Reason.TRAINER_LOST), (3, State.SUCCEEDED, Reason.STOPPED)])
def test_a_trainer_lost_while_stopping_leaves_the_model_it_has(
    make_job: MakeJob, noon: datetime, epochs: int, state: State, reason: Reason
) -> None:
    job = journal.move(replace(running(make_job(), noon), epoch=epochs, max_attempts=3), Command.STOP, noon).job
    after = journal.lose(job, noon, "gone").job
    assert (after.state, after.reason) == (state, reason)


def test_what_would_happen_again_is_not_tried_again(make_job: MakeJob, noon: datetime) -> None:
    job = replace(running(make_job(), noon), max_attempts=9)
    for reason in (Reason.OOM_HOST, Reason.TIMEOUT, Reason.DISK_FULL):
        assert journal.lose(job, noon, "gone", reason=reason).job.reason is reason


def test_lost_trainers_are_counted_and_pauses_are_not(make_job: MakeJob, noon: datetime) -> None:
    job = replace(make_job(), max_attempts=2)
    for _ in range(5):
        job = journal.move(running(job, noon), Command.PAUSE, noon).job
        job = journal.move(journal.move(job, Command.HOLD, noon).job, Command.RESUME, noon).job
        job = replace(job, held=False)
    lost = journal.lose(running(job, noon), noon, "gone").job
    assert (lost.state, lost.losses) == (State.QUEUED, 1)
    assert journal.lose(running(lost, noon), noon, "gone").job.state is State.FAILED


def test_a_paused_job_is_stopped_with_the_model_it_has_or_not_at_all(make_job: MakeJob, noon: datetime) -> None:
    paused = journal.move(journal.move(running(make_job(), noon), Command.PAUSE, noon).job, Command.HOLD, noon).job
    with pytest.raises(IllegalCommandError, match="paused before its first epoch ended"):
        journal.move(paused, Command.STOP, noon)
    kept = journal.move(replace(paused, epoch=2), Command.STOP, noon).job
    assert (kept.state, kept.reason) == (State.SUCCEEDED, Reason.STOPPED)
    assert "2 epochs and was not evaluated" in kept.message


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
