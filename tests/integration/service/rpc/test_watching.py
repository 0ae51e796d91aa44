"""Streams: replay, follow, come back, be slow, leave, and a server that goes. On both databases."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from trainyard.service.core.events import Diagnosis, Entry
from trainyard.service.core.jobstore import Batch
from trainyard.service.rpc.translation import events as translation
from trainyard.v1 import job_pb2
from trainyard.v1 import training_service_pb2 as pb

Live = Any


@pytest.fixture(params=["sqlite", "postgresql"])
def live_store(request: pytest.FixtureRequest) -> str | None:
    """Every test here runs on both databases."""
    return None if request.param == "sqlite" else str(request.getfixturevalue("postgresql_schema"))


def series(text: str, name: str) -> float:
    """Read the value of a metric without labels."""
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))


def test_a_watch_replays_and_follows_to_the_end(live: Live) -> None:
    job_id = live.submit("hold")
    stream = live.watch(job_id)
    kinds = []
    for item in stream:
        kinds.append(item.event.WhichOneof("kind"))
        if kinds[-1] == "epoch_finished":
            live.go(job_id)
    assert kinds == ["state_changed"] * 3 + ["epoch_finished"] * 3 + ["checkpoint_saved", "artifact_written", "state_changed"]


def test_events_say_everything_that_the_trainer_said(live: Live) -> None:
    events = live.events(live.submit())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    created, first, saved, written, ended = events[0], events[3], events[-3], events[-2], events[-1]
    assert (getattr(created.state_changed, "from"), created.state_changed.to) == (0, job_pb2.JOB_STATE_QUEUED)
    epoch = first.epoch_finished
    assert (epoch.epoch, epoch.epochs_planned, epoch.learning_rate, epoch.seconds) == (1, 3, 0.001, 0.1)
    assert {metric.name: metric.value for metric in epoch.metrics} == {"loss": 1.0, "val_loss": 2.0}
    assert (saved.checkpoint_saved.best, saved.checkpoint_saved.artifact) == (True, "best.keras")
    assert (written.artifact_written.artifact.name, written.artifact_written.artifact.size_bytes) == ("best.keras", 7)
    assert ended.state_changed.reason == job_pb2.JOB_REASON_COMPLETED
    assert ended.attempt == 1
    assert ended.time.ToSeconds() > 0


@pytest.mark.parametrize("after", [0, 1, 4, 8])
def test_a_client_that_comes_back_sees_what_it_has_not_seen(live: Live, after: int) -> None:
    job_id = live.submit()
    whole = live.events(job_id)
    assert live.events(job_id, after) == whole[after:]


def test_a_watch_from_the_last_event_of_a_finished_job_ends_at_once(live: Live) -> None:
    job_id = live.submit()
    last = live.events(job_id)[-1].seq
    assert live.events(job_id, last) == []
    assert live.events(job_id, last + 100) == []


def test_however_often_a_client_reconnects_it_sees_the_same_list(live: Live) -> None:
    job_id = live.submit("hold")
    seen: list[Any] = []
    for take in (1, 2, 1):
        stream = live.watch(job_id, len(seen))
        seen += [next(stream).event for _ in range(take)]
        stream.cancel()
    live.go(job_id)
    seen += live.events(job_id, len(seen))
    assert seen == live.events(job_id)


def test_a_job_does_not_notice_that_all_who_watched_it_are_gone(live: Live) -> None:
    job_id = live.submit("hold")
    assert live.until_epoch(job_id).attempt == 1
    streams = [live.watch(job_id) for _ in range(5)]
    for stream in streams:
        next(stream)
    for stream in streams:
        stream.cancel()
    live.go(job_id)
    live.until(lambda: live.call("GetJob", pb.GetJobRequest(id=job_id)).job.state == job_pb2.JOB_STATE_SUCCEEDED)
    job = live.call("GetJob", pb.GetJobRequest(id=job_id)).job
    assert (job.epoch, job.attempt) == (3, 1)


def test_many_watchers_of_one_job_all_see_everything(live: Live) -> None:
    job_id = live.submit("hold")
    lists: list[list[Any]] = [[] for _ in range(30)]

    def follow(mine: list[Any]) -> None:
        mine.extend(live.events(job_id))

    threads = [threading.Thread(target=follow, args=(mine,)) for mine in lists]
    for thread in threads:
        thread.start()
    live.go(job_id)
    for thread in threads:
        thread.join(30)
    whole = live.events(job_id)
    assert all(mine == whole for mine in lists)


def test_a_long_history_comes_in_pages_without_gaps(live: Live) -> None:
    events = live.events(live.submit("flood"))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert len(events) > 2000


def test_a_client_that_leaves_is_forgotten(live: Live, scrape: Callable[[], str]) -> None:
    job_id = live.submit("hold")
    streams = [live.watch(job_id) for _ in range(3)]
    for stream in streams:
        next(stream)
    assert series(scrape(), "trainyard_stream_subscribers") == 3
    for stream in streams:
        stream.cancel()
    live.until(lambda: series(scrape(), "trainyard_stream_subscribers") == 0)
    assert 'grpc_code="CANCELLED",grpc_method="WatchJob"' in scrape()


def test_a_client_that_does_not_read_holds_up_nobody(live: Live) -> None:
    job_id = live.submit("flood")
    lazy = live.watch(job_id)
    next(lazy)
    whole = live.events(job_id)
    begun = time.monotonic()
    live.call("ListJobs", pb.ListJobsRequest())
    assert time.monotonic() - begun < 2
    lazy.cancel()
    assert len(whole) > 2000


def test_a_client_that_reads_late_gets_everything_without_gaps(live: Live) -> None:
    """It falls behind what the server holds of the newest events, and finds its way through the store."""
    job_id = live.submit("flood")
    late = live.watch(job_id, timeout=60)
    seen = [next(late).event.seq]
    live.until(lambda: live.call("GetJob", pb.GetJobRequest(id=job_id)).job.state == job_pb2.JOB_STATE_SUCCEEDED)
    seen += [item.event.seq for item in late]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 2000


def test_a_job_that_is_deleted_before_its_watcher_has_read_it_ends_the_stream_in_words(live: Live) -> None:
    job_id = live.submit("flood")
    late = live.watch(job_id, timeout=60)
    next(late)
    live.until(lambda: not live.parts.store.job(job_id).held and live.parts.store.job(job_id).state.terminal)
    live.call("DeleteJob", pb.DeleteJobRequest(id=job_id))
    try:
        seen = [item.event.seq for item in late]
    except grpc.RpcError as error:
        failed: Any = error
        assert failed.code() is grpc.StatusCode.NOT_FOUND
    else:  # all of it was under way already
        assert len(seen) > 2000


def test_watchers_of_one_job_share_what_is_read_and_what_is_encoded(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id, asked, encoded = live.submit("hold"), list[int](), list[int]()
    live.until_epoch(job_id)
    really, translate = live.parts.store.events, translation.event_message

    def events(asked_for: str, after_seq: int, limit: int) -> Any:
        asked.append(after_seq)
        return really(asked_for, after_seq, limit)

    def message(event: Any) -> Any:
        encoded.append(event.seq)
        return translate(event)

    monkeypatch.setattr(live.parts.store, "events", events)
    monkeypatch.setattr("trainyard.service.rpc.bell.event_message", message)
    streams = [live.watch(job_id) for _ in range(20)]
    for stream in streams:
        assert [next(stream).event.seq for _ in range(4)] == [1, 2, 3, 4]
    already = len(encoded)
    live.go(job_id)
    rest = [[item.event.seq for item in stream] for stream in streams]
    assert all(mine == rest[0] for mine in rest)
    # Everything that came while they watched was encoded once, and nobody asked the store for it.
    assert len(encoded) - already == len(rest[0])
    assert len(asked) <= 4


def test_who_says_to_have_seen_what_has_not_happened_yet_is_told_what_comes_after_it(live: Live) -> None:
    job_id = live.submit("hold")
    last = live.until_epoch(job_id).last_seq
    ahead, beyond = live.watch(job_id, last + 2), live.watch(job_id, last + 100)
    live.go(job_id)
    whole = live.events(job_id)
    assert [item.event.seq for item in ahead] == [event.seq for event in whole[last + 2 :]]
    assert list(beyond) == []


def test_an_event_reaches_its_watchers_without_waiting_for_the_next_look_at_the_store(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainyard.service.rpc.lookout.POLL_SECONDS", 3600.0)
    job_id = live.submit("hold")
    last = live.until_epoch(job_id).last_seq
    stream = live.watch(job_id, last, timeout=20)
    live.go(job_id)
    assert next(stream).event.seq == last + 1
    stream.cancel()


def test_progress_comes_only_when_asked_for_and_is_never_replayed(live: Live) -> None:
    job_id = live.submit("hold")
    live.until_epoch(job_id)
    (live.runs / job_id / "progress.json").write_text(json.dumps({"epoch": 2, "step": 3, "steps": 9, "metrics": {"loss": 0.5}}))
    seen = []
    for item in live.watch(job_id, include_progress=True):
        if item.WhichOneof("item") == "progress":
            seen.append(item.progress)
            live.go(job_id)
    assert [(one.job_id, one.epoch, one.step, one.steps) for one in seen] == [(job_id, 2, 3, 9)]
    assert all(item.WhichOneof("item") == "event" for item in live.watch(job_id))


def test_a_change_by_somebody_else_is_seen_too(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another server on the same store rings no bell here: the stream finds out by itself."""
    job_id = live.submit("hold")
    stream = live.watch(job_id, live.until_epoch(job_id).last_seq)
    monkeypatch.setattr(live.parts.store, "_observers", ())
    job = live.parts.store.job(job_id)
    word = Entry(1, "silent", job.created_at, Diagnosis("x", 1, "m", 0.5))
    live.parts.store.ingest(job_id, Batch(1, job.spool_offset, job.spool_offset, (word,)), job.created_at)
    assert next(stream).event.diagnosis.name == "x"
    stream.cancel()


def test_a_server_that_goes_tells_its_watchers_to_come_back(live: Live) -> None:
    job_id = live.submit("hold")
    stream = live.watch(job_id)
    next(stream)
    begun = time.monotonic()
    live.stop()
    with pytest.raises(grpc.RpcError) as caught:
        list(stream)
    assert time.monotonic() - begun < 5
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    trailers = b"".join(value for _, value in error.trailing_metadata() if isinstance(value, bytes))
    assert b"SHUTTING_DOWN" in trailers
    assert error_details_pb2.RetryInfo.DESCRIPTOR.full_name.encode() in trailers
