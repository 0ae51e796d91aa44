"""SQLite in particular: a writer killed at any moment loses nothing that it had acknowledged."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from trainyard.service.core.errors import StoreUnavailableError
from trainyard.service.core.jobstore import Batch
from trainyard.service.core.states import Command
from trainyard.service.store import open_sqlite, sqlite
from trainyard.service.store.schema import METADATA

WRITER = """
import itertools, sys
from datetime import UTC, datetime
from pathlib import Path
from trainyard.service.core.events import Diagnosis, Entry
from trainyard.service.core.jobstore import Batch
from trainyard.service.store import open_sqlite
store, at = open_sqlite(Path(sys.argv[1])), datetime.now(UTC)
for n in itertools.count():
    offset = store.job(sys.argv[2]).spool_offset
    entries = tuple(Entry(1, f"d/{n}/{i}", at, Diagnosis("x", n, "m", 0.5)) for i in range(3))
    print(store.ingest(sys.argv[2], Batch(1, offset, offset + 3, entries), at).job.last_seq, flush=True)
"""


def test_what_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path, submit: Any, words: Any, noon: datetime) -> None:
    path = tmp_path / "jobs.sqlite"
    store = open_sqlite(path)
    job_id = submit(store)
    store.claim(job_id, "cpu", noon)
    store.ingest(job_id, Batch(1, 0, 0, (words.started(),)), noon)
    store.close()
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path), job_id], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(next(writer.stdout)) for _ in range(40)][-1]
        writer.kill()
    store = open_sqlite(path)
    job = store.job(job_id)
    assert job.last_seq >= acknowledged
    assert [event.seq for event in store.events(job_id, 0, 10**6)] == list(range(1, job.last_seq + 1))
    assert job.spool_offset == job.last_seq - 3
    store.close()


def test_the_migrations_make_exactly_the_tables_that_the_code_speaks_of(tmp_path: Path) -> None:
    open_sqlite(tmp_path / "jobs.sqlite").close()
    engine = sqlite.writer(tmp_path / "jobs.sqlite")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA) == []
        indexes = {index["name"] for index in inspect(connection).get_indexes("job")}
        (made,) = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'job'")).one()
    engine.dispose()
    assert indexes >= {
        "ix_job_state_priority_number",
        "ix_job_state_number_experiment",
        "ix_job_held",
        "ix_job_owner_number_state_experiment",
    }
    assert "AUTOINCREMENT" in made


def test_the_pragmas_that_keep_jobs_safe_are_on(tmp_path: Path) -> None:
    open_sqlite(tmp_path / "jobs.sqlite").close()
    for engine, query_only in ((sqlite.writer(tmp_path / "jobs.sqlite"), 0), (sqlite.reader(tmp_path / "jobs.sqlite"), 1)):
        with engine.connect() as connection:
            asked = ("journal_mode", "synchronous", "foreign_keys", "query_only")
            values = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in asked]
        engine.dispose()
        assert values == ["wal", 2, 1, query_only]


def test_a_store_locked_by_somebody_else_is_an_error_that_can_be_shown(
    tmp_path: Path, submit: Any, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_PRAGMAS", {**sqlite._PRAGMAS, "busy_timeout": 50})
    store = open_sqlite(tmp_path / "jobs.sqlite")
    job_id = submit(store)
    holder = sqlite.writer(tmp_path / "jobs.sqlite")
    with holder.begin():
        begun = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            store.move(job_id, Command.CANCEL, noon)
        assert store.job(job_id).state.value == "queued"
        assert time.monotonic() - begun < 5
    assert store.move(job_id, Command.CANCEL, noon).events
    holder.dispose()
    store.close()
