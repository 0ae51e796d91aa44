"""Pause, resume, stop, delete: what is asked over the wire and what becomes of the job and its trainer. On both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from trainyard.service.core.states import State
from trainyard.v1 import job_pb2
from trainyard.v1 import training_service_pb2 as pb

Live = Any
Spec = Callable[..., bytes]
REQUESTS = {
    "PauseJob": pb.PauseJobRequest,
    "ResumeJob": pb.ResumeJobRequest,
    "StopJob": pb.StopJobRequest,
    "CancelJob": pb.CancelJobRequest,
}


@pytest.fixture(params=["sqlite", "postgresql"])
def live_store(request: pytest.FixtureRequest) -> str | None:
    """Every test here runs on both databases."""
    return None if request.param == "sqlite" else str(request.getfixturevalue("postgresql_schema"))


def ask(live: Live, method: str, job_id: str) -> Any:
    return live.call(method, REQUESTS[method](id=job_id)).job


def stands(live: Live, job_id: str) -> State:
    state: State = live.parts.store.job(job_id).state
    return state


def until(live: Live, job_id: str, state: State) -> None:
    live.until(lambda: stands(live, job_id) is state and not (state is State.PAUSED and live.parts.store.job(job_id).held))


def moves(live: Live, job_id: str) -> list[str]:
    return [job_pb2.JobState.Name(event.state_changed.to)[10:].lower() for event in live.events(job_id) if event.HasField("state_changed")]


def test_a_paused_job_frees_its_slot_and_goes_on_from_its_bundle(live: Live) -> None:
    paused, other = live.submit("obedient"), live.submit("obedient")
    live.until_epoch(paused)
    assert ask(live, "PauseJob", paused).state == job_pb2.JOB_STATE_PAUSING
    until(live, paused, State.PAUSED)
    live.until_epoch(other)  # the only slot is the other's now
    assert ask(live, "ResumeJob", paused).state == job_pb2.JOB_STATE_QUEUED
    for job_id in (other, paused):
        live.go(job_id)
    assert moves(live, paused) == ["queued", "starting", "running", "pausing", "paused", "queued", "starting", "running", "succeeded"]
    epochs = [event.epoch_finished.epoch for event in live.events(paused) if event.HasField("epoch_finished")]
    assert epochs == [1, 2, 3]
    job = live.parts.store.job(paused)
    assert (job.attempt, job.losses) == (2, 0)


def test_a_stopped_job_keeps_what_it_has(live: Live) -> None:
    job_id = live.submit("obedient")
    live.until_epoch(job_id)
    ask(live, "StopJob", job_id)
    assert moves(live, job_id)[-2:] == ["stopping", "succeeded"]
    job = live.call("GetJob", pb.GetJobRequest(id=job_id)).job
    assert (job.reason, [artifact.name for artifact in job.artifacts]) == (job_pb2.JOB_REASON_STOPPED, ["best.keras"])


def test_a_job_stopped_while_it_is_paused_keeps_its_best_model(live: Live) -> None:
    job_id = live.submit("obedient")
    live.until_epoch(job_id)
    ask(live, "PauseJob", job_id)
    until(live, job_id, State.PAUSED)
    job = ask(live, "StopJob", job_id)
    assert (job.state, job.reason) == (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_REASON_STOPPED)
    assert "not evaluated" in job.message


def test_a_cancelled_job_keeps_its_history_and_loses_its_bundle(live: Live) -> None:
    job_id = live.submit("obedient")
    live.until_epoch(job_id)
    bundle = live.runs / job_id / "bundle"
    live.until(bundle.exists)
    ask(live, "CancelJob", job_id)
    until(live, job_id, State.CANCELLED)
    assert not bundle.exists()
    assert live.call("GetHistory", pb.GetHistoryRequest(id=job_id)).epochs[0].epoch == 1


@pytest.mark.parametrize("method", ["PauseJob", "StopJob", "CancelJob"])
def test_asking_twice_is_asking_once(live: Live, method: str) -> None:
    job_id = live.submit("stubborn")
    live.until_epoch(job_id)
    first, second = ask(live, method, job_id), ask(live, method, job_id)
    assert (first.state, first.last_seq) == (second.state, second.last_seq)
    ask(live, "CancelJob", job_id)


@pytest.mark.parametrize("method", ["PauseJob", "ResumeJob", "StopJob", "CancelJob"])
def test_a_job_that_is_over_takes_no_command_and_says_so_in_words(live: Live, method: str) -> None:
    job_id = live.submit("good")
    live.events(job_id)
    with pytest.raises(grpc.RpcError) as refused:
        ask(live, method, job_id)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert str(refused.value.details()).startswith("The job has succeeded and can not be ")


def test_a_deleted_job_is_gone_with_its_files(live: Live) -> None:
    job_id = live.submit("good")
    with pytest.raises(grpc.RpcError, match="FAILED_PRECONDITION"):
        live.call("DeleteJob", pb.DeleteJobRequest(id=job_id))
    assert (live.runs / job_id).name == job_id
    live.events(job_id)
    live.until(lambda: not live.parts.store.job(job_id).held)
    live.call("DeleteJob", pb.DeleteJobRequest(id=job_id))
    with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
        live.call("GetJob", pb.GetJobRequest(id=job_id))
    assert list(live.runs.iterdir()) == []


def test_the_curve_holds_each_epoch_once(live: Live) -> None:
    job_id = live.submit("good")
    live.events(job_id)
    epochs = live.call("GetHistory", pb.GetHistoryRequest(id=job_id)).epochs
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    assert [metric.name for metric in epochs[0].metrics] == ["loss", "val_loss"]
