"""Jobs and moments for tests that need no store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from trainyard.service.core import journal
from trainyard.service.core.jobs import Digests, Job, NewJob, Prediction, Summary

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture
def make_job() -> Callable[[], Job]:
    def make() -> Job:
        new = NewJob(
            id="abcdefgh2345",
            request_id=None,
            request_digest="",
            owner="ann",
            priority=0,
            summary=Summary("first", ("a",), "mlp", "digits", "adam", 5),
            digests=Digests("1", "2", "3"),
            ruleset="recommended",
            prediction=Prediction(),
            source=b"{}",
            resolved="{}",
            max_attempts=1,
            at=NOON,
        )
        return journal.accept(new, number=1).job

    return make
