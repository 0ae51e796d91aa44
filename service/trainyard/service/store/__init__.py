"""Where jobs and events are kept.

:func:`open_store` is the door: it brings the tables up to date and returns the store, whatever the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import OperationalError

from trainyard.service.core.ports import Observer
from trainyard.service.store import leases, postgresql, sqlite
from trainyard.service.store.migrations import NewerTablesError, upgrade
from trainyard.service.store.reader import readable_failure
from trainyard.service.store.sql_store import Dialect, SqlJobStore

__all__ = ["NewerTablesError", "OperationalError", "SqlJobStore", "open_postgresql", "open_sqlite", "open_store"]


def open_store(url: URL, observers: Sequence[Observer] = ()) -> SqlJobStore:
    """Open ``sqlite:///FILE`` or ``postgresql://…``.

    Raises:
        StoreUnavailableError: nobody answers there, or what answers can not be used.
        NewerTablesError: a later version of Trainyard has been there.
    """
    if url.get_backend_name() == "sqlite":
        return open_sqlite(Path(str(url.database)), observers)
    return open_postgresql(url, observers)


def open_sqlite(path: Path, observers: Sequence[Observer] = ()) -> SqlJobStore:
    """Open the database file ``path``, made or brought up to date as needed."""
    return _opened(Dialect(sqlite.writer(path), sqlite.reader(path), leases.given, sqlite.vacuum), observers)


def open_postgresql(url: URL, observers: Sequence[Observer] = ()) -> SqlJobStore:
    """Open a PostgreSQL database; the tables are made in the first schema of the search path."""
    # It tidies up by itself.
    return _opened(Dialect(postgresql.writer(url), postgresql.reader(url), leases.of_the_database, lambda _: None), observers)


def _opened(dialect: Dialect, observers: Sequence[Observer]) -> SqlJobStore:
    with readable_failure():
        upgrade(dialect.writer)
    return SqlJobStore(dialect, observers)
