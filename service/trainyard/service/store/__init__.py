"""Where jobs and events are kept.

:func:`open_sqlite` is the door: it brings the tables up to date and returns the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trainyard.service.core.ports import Observer
from trainyard.service.store import sqlite
from trainyard.service.store.migrations import upgrade
from trainyard.service.store.sql_store import SqlJobStore

__all__ = ["SqlJobStore", "open_sqlite"]


def open_sqlite(path: Path, observers: Sequence[Observer] = ()) -> SqlJobStore:
    """Open the database file ``path``, made or brought up to date as needed."""
    writer = sqlite.writer(path)
    upgrade(writer)
    return SqlJobStore(writer, sqlite.reader(path), observers)
