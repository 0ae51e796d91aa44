"""Stores, jobs and words of trainers for tests of the service's parts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url

from trainyard.service.core.events import Entry, EpochFinished, TrainerEnded, TrainerStarted, TrainerWord
from trainyard.service.core.jobs import Digests, NewJob, Prediction, Summary
from trainyard.service.core.jobstore import JobStore, StoredReport
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State
from trainyard.service.store import SqlJobStore
from trainyard.service.store import open_store as open_store_at

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OpenStore = Callable[[], SqlJobStore]

DIALECTS = ("postgresql", "sqlite")


@pytest.fixture(params=DIALECTS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database of each dialect is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    url: str = request.getfixturevalue("postgresql_schema")
    return url


@pytest.fixture
def open_store(store_url: str) -> Iterator[OpenStore]:
    """Opens the same database as often as a test asks."""
    opened: list[SqlJobStore] = []

    def open_again() -> SqlJobStore:
        opened.append(open_store_at(make_url(store_url)))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: OpenStore) -> SqlJobStore:
    return open_store()


@pytest.fixture
def noon() -> datetime:
    return NOON


class Words:
    """What trainers say."""

    at = NOON

    def started(self, attempt: int = 1) -> Entry:
        facts = TrainerStarted("tensorflow", "3.15", "cpu", 10, 8, 2, 5)
        return self.entry(facts, f"started/{attempt}", attempt)

    def epoch(self, number: int, loss: float = 0.5, attempt: int = 1) -> Entry:
        return self.entry(EpochFinished(number, 5, {"loss": loss}, 0.001, 1.0, 100.0), f"epoch/0/{number}", attempt)

    def ended(self, outcome: State = State.SUCCEEDED, reason: Reason | None = None, attempt: int = 1) -> Entry:
        return self.entry(TrainerEnded(outcome, reason, "done"), f"ended/{attempt}", attempt)

    def entry(self, word: TrainerWord, key: str, attempt: int = 1) -> Entry:
        return Entry(attempt=attempt, key=key, at=NOON, word=word)


@pytest.fixture
def words() -> Words:
    return Words()


class Submit:
    """Puts jobs into a store."""

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def new(self, *, owner: str = "ann", request_id: str | None = None, request_digest: str = "d", **of: object) -> NewJob:
        number = next(self._count)
        tags = of.get("tags", ())
        assert isinstance(tags, tuple)
        return NewJob(
            id=str(of.get("id", f"job{number:05d}")),
            request_id=request_id,
            request_digest=request_digest,
            owner=owner,
            priority=int(str(of.get("priority", 0))),
            summary=Summary(str(of.get("experiment", "first")), tags, "mlp", "digits", "adam", 5, int(str(of.get("gpus", 0)))),
            digests=Digests("1", "2", "3"),
            ruleset="recommended",
            prediction=Prediction(memory_low_bytes=1, memory_high_bytes=2, seconds=3.5),
            source=b'{"version": "v1"}',
            resolved='{"version":"v1","training":{"epochs":5}}',
            max_attempts=int(str(of.get("max_attempts", 1))),
            at=NOON,
        )

    def report(self, digest: str = "3") -> StoredReport:
        return StoredReport(digest, '{"findings":[]}', NOON, None)

    def __call__(self, store: JobStore, **of: object) -> str:
        new = self.new(**of)  # type: ignore[arg-type]  # what of holds is named at each call
        return store.create(new, self.report()).job.id


@pytest.fixture
def submit() -> Submit:
    return Submit()
