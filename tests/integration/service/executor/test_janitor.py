"""What is too old goes, and what can not go keeps nobody: not the other jobs, not the rounds of the supervisor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trainyard.service.core.errors import StoreUnavailableError, UnknownJobError
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import Command, State
from trainyard.service.executor.janitor import EVERY_SECONDS, Cleaned, Janitor
from trainyard.service.executor.supervisor import Pace
from trainyard.service.store import SqlJobStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Clock:
    """Stands still until it is moved."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def janitor(store: SqlJobStore, tmp_path: Path, clock: Clock) -> Janitor:
    return Janitor(store, tmp_path / "runs", clock, timedelta(hours=1))


@pytest.fixture
def ended(store: SqlJobStore, submit: Any, tmp_path: Path) -> Callable[[], str]:
    """Make a job that is over, with a folder."""

    def make() -> str:
        job_id: str = submit(store)
        if store.move(job_id, Command.CANCEL, NOON).job.state is State.CANCELLING:
            store.move(job_id, Command.CLEAR, NOON, reason=Reason.USER)
        (tmp_path / "runs" / job_id).mkdir(parents=True)
        (tmp_path / "runs" / job_id / "trainer.log").write_text("x")
        return job_id

    return make


def there(store: SqlJobStore, job_id: str) -> bool:
    try:
        store.job(job_id)
    except UnknownJobError:
        return False
    return True


def test_what_ended_too_long_ago_goes_with_its_files(
    store: SqlJobStore, janitor: Janitor, clock: Clock, ended: Callable[[], str], tmp_path: Path
) -> None:
    job_id = ended()
    clock.seconds = 3599.0
    janitor.round()
    assert there(store, job_id)
    clock.seconds = 3601.0
    janitor.round()
    assert not there(store, job_id)
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_job_that_can_not_be_removed_does_not_keep_the_others(
    store: SqlJobStore, janitor: Janitor, clock: Clock, ended: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, other = ended(), ended()
    remove = store.remove

    def refuse(job_id: str) -> Any:
        if job_id == stuck:
            raise StoreUnavailableError
        return remove(job_id)

    monkeypatch.setattr(store, "remove", refuse)
    clock.seconds = 7200.0
    janitor.round()
    assert not there(store, other)
    assert (janitor._runs / stuck / "trainer.log").exists()  # a job is never seen without its files


def test_what_fails_is_tried_again_in_its_time_and_rounds_keep_their_pace(
    store: SqlJobStore, janitor: Janitor, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[float] = []

    def fail(*_: object) -> Any:
        tried.append(clock.seconds)
        raise StoreUnavailableError

    monkeypatch.setattr(store, "over_since", fail)
    rounds: Any = SimpleNamespace(tick=lambda: Pace.AT_ONCE, hear=lambda _: False, full=lambda: False)
    cleaned = Cleaned(rounds, janitor)
    for clock.seconds in (EVERY_SECONDS + 1, EVERY_SECONDS + 2, EVERY_SECONDS + 3, 2 * EVERY_SECONDS + 2):
        assert cleaned.tick() is Pace.AT_ONCE
    assert tried == [EVERY_SECONDS + 1, 2 * EVERY_SECONDS + 2]


def test_a_removal_that_was_cut_short_is_undone_or_finished(
    store: SqlJobStore, janitor: Janitor, ended: Callable[[], str], tmp_path: Path
) -> None:
    runs, kept = tmp_path / "runs", ended()
    (runs / kept).rename(runs / f"{kept}.deleted")
    (runs / "forgotten.deleted").mkdir()
    janitor.settle()
    assert [path.name for path in runs.iterdir()] == [kept]


def test_a_folder_that_can_not_be_put_back_keeps_no_server_from_starting(
    store: SqlJobStore, janitor: Janitor, ended: Callable[[], str], tmp_path: Path
) -> None:
    runs, torn, other = tmp_path / "runs", ended(), ended()
    for job_id in (torn, other):
        (runs / job_id).rename(runs / f"{job_id}.deleted")
    (runs / torn / "artifacts").mkdir(parents=True)  # somebody copied it back meanwhile
    janitor.settle()
    assert (runs / other / "trainer.log").exists()
    assert (runs / f"{torn}.deleted" / "trainer.log").exists()


def test_files_that_can_not_be_taken_away_keep_their_job(
    store: SqlJobStore, janitor: Janitor, ended: Callable[[], str], tmp_path: Path
) -> None:
    job_id = ended()
    (tmp_path / "runs" / f"{job_id}.deleted" / "in-the-way").mkdir(parents=True)
    with pytest.raises(StoreUnavailableError):
        janitor.remove(job_id)
    assert there(store, job_id)
    assert (tmp_path / "runs" / job_id / "trainer.log").exists()
