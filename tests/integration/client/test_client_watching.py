"""A watcher sees each event exactly once and in order, whatever happens to the connection."""

from __future__ import annotations

import random
import threading
from collections import deque

import grpc
import pytest
from tests.integration.client.conftest import JOB_ID, WAIT_SECONDS, Failure, FakeServer, epoch_event, moved, whole_run

from trainyard.client import Client, errors
from trainyard.client.backoff import Patience
from trainyard.client.values.event import EpochFinished, Event, Progress, StateChanged
from trainyard.client.values.job import JobState
from trainyard.v1 import event_pb2

HASTY = Patience(first_ceiling_seconds=0.001, last_ceiling_seconds=0.001, introduction_seconds=0.2)


def sequence(items: list[Event | Progress]) -> list[int]:
    return [item.seq for item in items if isinstance(item, Event)]


def test_a_finished_job_is_replayed_to_its_end(fake: FakeServer, client: Client) -> None:
    fake.add_job(epochs=3)
    items = list(client.watch(JOB_ID))
    assert sequence(items) == list(range(1, 8))
    epochs = [item.what for item in items if isinstance(item, Event) and isinstance(item.what, EpochFinished)]
    assert [(epoch.epoch, epoch.epochs_planned, epoch.metrics["loss"]) for epoch in epochs] == [(1, 3, 1.0), (2, 3, 0.5), (3, 3, 1 / 3)]
    last = items[-1]
    assert isinstance(last, Event)
    assert last.what == StateChanged(JobState.RUNNING, JobState.SUCCEEDED, "completed", "")


def test_a_hundred_cuts_at_random_lose_and_double_nothing(fake: FakeServer, client: Client) -> None:
    fake.add_job(epochs=100)
    chance = random.Random(7)
    fake.cuts = deque(chance.choice((0, 0, 1, 1, 2)) for _ in range(100))
    fake.cut_code = grpc.StatusCode.UNAVAILABLE
    items = list(client.watch(JOB_ID, patience=HASTY))
    assert sequence(items) == list(range(1, 105))
    assert fake.count("WatchJob") > 50


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED, None])
def test_every_kind_of_break_is_mended(fake: FakeServer, client: Client, code: grpc.StatusCode | None) -> None:
    fake.add_job(epochs=2)
    fake.cuts, fake.cut_code = deque([2, 1]), code
    assert sequence(list(client.watch(JOB_ID, patience=HASTY))) == list(range(1, 7))
    assert [call.request.after_seq for call in fake.calls if call.method == "WatchJob"] == [0, 2, 3]


def test_a_server_that_repeats_itself_is_heard_once(fake: FakeServer, client: Client) -> None:
    fake.add_job(epochs=4)
    fake.distort = lambda events: [event for event in events for _ in range(2)]
    assert sequence(list(client.watch(JOB_ID, patience=HASTY))) == list(range(1, 9))


def test_a_gap_is_never_shown(fake: FakeServer, client: Client) -> None:
    fake.add_job(epochs=4)
    fake.distort = lambda events: [event for event in events if event.seq != 3]
    seen: list[Event | Progress] = []
    with pytest.raises(errors.ServerFault, match="event 3 is missing"):
        seen.extend(client.watch(JOB_ID, patience=HASTY))
    assert fake.count("WatchJob") > 1
    assert sequence(list(client.watch(JOB_ID, after_seq=3, patience=HASTY))) == [4, 5, 6, 7, 8]


def test_a_restart_of_the_server_is_survived_and_shown(fake: FakeServer, client: Client) -> None:
    fake.add_job(epochs=0)
    fake.tell(JOB_ID, *whole_run(3)[:4])
    attempts: list[int] = []
    seen: list[Event | Progress] = []
    restarted = threading.Event()

    def restart() -> None:
        fake.stop()
        fake.start()
        fake.tell(JOB_ID, *whole_run(3)[4:])
        restarted.set()

    for item in client.watch(JOB_ID, on_reconnect=attempts.append, patience=Patience(last_ceiling_seconds=0.05)):
        seen.append(item)
        if len(seen) == 4:
            threading.Thread(target=restart).start()
    assert restarted.wait(WAIT_SECONDS)
    assert sequence(seen) == list(range(1, 8))
    assert attempts[0] == 1


def test_watching_a_job_that_ended_before_the_given_event_ends_at_once(fake: FakeServer, client: Client) -> None:
    fake.add_job(epochs=2)
    fake.cuts, fake.cut_code = deque([0]), None
    fake.tell(JOB_ID)
    fake.distort = lambda events: [*events, event_pb2.Event(seq=99, state_changed=moved("RUNNING", "SUCCEEDED").state_changed)]
    assert list(client.watch(JOB_ID, after_seq=6, patience=HASTY)) == []


def test_a_server_that_never_answers_is_given_up_early(fake: FakeServer, client: Client) -> None:
    fake.stop()
    with pytest.raises(errors.Unreachable):
        list(client.watch(JOB_ID, patience=HASTY))


def test_a_server_that_stumbles_for_ever_is_given_up(fake: FakeServer, client: Client) -> None:
    fake.add_job(epochs=2)
    fake.failures["WatchJob"] = deque([Failure(grpc.StatusCode.INTERNAL, "oh dear")] * 50)
    with pytest.raises(errors.ServerFault, match="oh dear"):
        list(client.watch(JOB_ID, patience=HASTY))
    assert fake.count("WatchJob") == HASTY.faults + 1


@pytest.mark.parametrize("code", [grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL])
def test_a_question_between_two_streams_may_fail_too(fake: FakeServer, client: Client, code: grpc.StatusCode) -> None:
    fake.add_job(epochs=2)
    fake.cuts, fake.cut_code = deque([2]), None
    fake.failures["GetJob"] = deque([Failure(code)])
    assert sequence(list(client.watch(JOB_ID, patience=HASTY))) == list(range(1, 7))


@pytest.mark.parametrize(
    "code,error", [(grpc.StatusCode.NOT_FOUND, errors.NotFound), (grpc.StatusCode.UNAUTHENTICATED, errors.Unauthenticated)]
)
def test_a_no_is_no_reason_to_try_again(fake: FakeServer, client: Client, code: grpc.StatusCode, error: type[Exception]) -> None:
    fake.failures["WatchJob"] = deque([Failure(code)] * 9)
    with pytest.raises(error):
        list(client.watch(JOB_ID, patience=HASTY))
    assert fake.count("WatchJob") == 1


def test_closing_from_another_thread_ends_a_silent_watch(fake: FakeServer, client: Client) -> None:
    fake.add_job()
    fake.tell(JOB_ID, moved("UNSPECIFIED", "QUEUED"))
    watch = client.watch(JOB_ID)
    seen: list[Event | Progress] = []
    first = threading.Event()

    def read() -> None:
        for item in watch:
            seen.append(item)
            first.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert first.wait(WAIT_SECONDS)
    watch.close()
    reader.join(WAIT_SECONDS)
    assert not reader.is_alive()
    assert (sequence(seen), watch.last_seq) == ([1], 1)


def test_progress_passes_without_a_number(fake: FakeServer, client: Client) -> None:
    fake.add_job(epochs=1)
    fake.progress.append(event_pb2.Progress(job_id=JOB_ID, epoch=1, step=20, steps=40))
    with_progress = list(client.watch(JOB_ID, include_progress=True))
    assert with_progress[0] == Progress(JOB_ID, 1, 20, 40, {})
    assert sequence(with_progress) == list(range(1, 6))
    assert all(isinstance(item, Event) for item in client.watch(JOB_ID))


def test_an_event_of_a_newer_server_keeps_its_number(fake: FakeServer, client: Client) -> None:
    fake.add_job()
    fake.tell(JOB_ID, event_pb2.Event(), epoch_event(1, 1), moved("RUNNING", "FAILED", "DATA"))
    assert sequence(list(client.watch(JOB_ID))) == [1, 2, 3]
