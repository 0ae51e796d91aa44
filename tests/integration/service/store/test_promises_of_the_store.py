"""A full disk and a lock that stays: the error has a name, and the store works again when there is room and peace.

Promise 6 as far as the store goes. That each test can fail is tried by ``python -m tests.crash.breaking --promise 6``.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, make_url

from trainyard.service.core.errors import StoreUnavailableError
from trainyard.service.core.events import EpochFinished
from trainyard.service.core.jobstore import Batch
from trainyard.service.store import SqlJobStore, open_sqlite, open_store


def submit_many(store: SqlJobStore, submit: Any) -> None:
    for _ in range(500):
        submit(store)


def test_a_full_disk_has_a_name_and_what_was_kept_stays(tmp_path: Path, submit: Any, noon: datetime) -> None:
    store = open_sqlite(tmp_path / "jobs.sqlite")
    kept = submit(store)
    limit = [8]

    def fill(connection: Any) -> None:
        (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages if limit[0] else pages + 10_000}")

    event.listen(store._writer, "begin", fill)
    with pytest.raises(StoreUnavailableError, match="its disk may be full"):
        submit_many(store, submit)
    limit[0] = 0
    assert store.job(kept).id == kept
    assert store.job(submit(store)).state.value == "queued"
    store.close()


def test_a_store_that_somebody_locks_is_unavailable_for_as_long_and_no_longer(
    tmp_path: Path, submit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainyard.service.store.sqlite._PRAGMAS", {"journal_mode": "WAL", "busy_timeout": 50, "foreign_keys": "ON"})
    store = open_sqlite(tmp_path / "jobs.sqlite")
    submit(store)
    other = sqlite3.connect(tmp_path / "jobs.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError):
        submit(store)
    assert store.queue(9)
    other.execute("ROLLBACK")
    other.close()
    submit(store)
    assert len(store.queue(9)) == 2
    store.close()


def test_a_clock_that_steps_back_loses_nothing(tmp_path: Path, submit: Any, words: Any, noon: datetime) -> None:
    store = open_sqlite(tmp_path / "jobs.sqlite")
    job_id = submit(store)
    store.claim(job_id, "cpu", noon)
    for number, entry in enumerate((words.started(), words.epoch(1), words.epoch(2), words.ended())):
        then = noon - timedelta(hours=number)
        store.ingest(job_id, Batch(1, number, number + 1, (replace(entry, at=then),)), then)
    assert [found.seq for found in store.events(job_id, 0, 99)] == list(range(1, 7))
    assert [found.epoch for event in store.events(job_id, 0, 99) if isinstance(found := event.body, EpochFinished)] == [1, 2]
    assert store.job(job_id).state.value == "succeeded"
    store.close()


@pytest.mark.parametrize("whole", [b"this is no database, whatever its name says" * 100, b""], ids=["none", "torn"])
def test_a_file_that_is_no_database_has_a_name(tmp_path: Path, submit: Any, whole: bytes) -> None:
    path = tmp_path / "jobs.sqlite"
    if not whole:
        store = open_sqlite(path)
        submit(store)
        store.close()
        raw = path.read_bytes()
        whole = raw[:100] + b"\xff" * (len(raw) - 100)
    path.write_bytes(whole)
    with pytest.raises(StoreUnavailableError):
        open_sqlite(path)


def test_a_postgresql_that_may_only_be_read_is_unavailable_and_answers_questions(postgresql_schema: str, submit: Any) -> None:
    store = open_store(make_url(postgresql_schema))
    kept = submit(store)

    def as_a_follower(connection: Any) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    event.listen(store._writer, "begin", as_a_follower)
    with pytest.raises(StoreUnavailableError):
        submit(store)
    assert store.job(kept).id == kept
    store.close()
