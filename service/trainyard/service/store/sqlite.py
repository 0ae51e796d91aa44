"""SQLite set up so that what was committed stays committed, and writers wait for each other instead of failing.

``BEGIN IMMEDIATE`` for every write: a transaction that reads first and writes later can not be upgraded
when somebody else wrote in between, and no busy timeout helps it. ``synchronous=FULL``: a job that was
acknowledged survives a power cut.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event

BUSY_TIMEOUT_MILLISECONDS = 5000
READERS = 4
VACUUM_PAGES = 2000
# Says something only while there is no table yet: what is removed later can be given back in pieces.
_OF_A_NEW_FILE = {"auto_vacuum": "INCREMENTAL"}
_PRAGMAS = {
    "journal_mode": "WAL",
    "busy_timeout": BUSY_TIMEOUT_MILLISECONDS,
    "foreign_keys": "ON",
    "synchronous": "FULL",
    "temp_store": "MEMORY",
}


def writer(path: Path) -> Engine:
    """Open ``path`` for writing: one connection, every transaction ``IMMEDIATE``."""
    return _engine(path, pool_size=1, begin="BEGIN IMMEDIATE", pragmas={**_OF_A_NEW_FILE, **_PRAGMAS})


def reader(path: Path) -> Engine:
    """Open ``path`` for reading: a few connections, each transaction one snapshot, no writing."""
    return _engine(path, pool_size=READERS, begin="BEGIN", pragmas={**_PRAGMAS, "query_only": "ON"})


def vacuum(engine: Engine) -> None:
    """Give some free pages back and fold the log in; short, so that writers hardly wait."""
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        for statement in (f"PRAGMA incremental_vacuum({VACUUM_PAGES})", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA optimize"):
            cursor.execute(statement).fetchall()
        cursor.close()
    finally:
        raw.close()


def library_version() -> str:
    """Name the version of the SQLite library."""
    return sqlite3.sqlite_version


def _engine(path: Path, *, pool_size: int, begin: str, pragmas: dict[str, object]) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )

    def prepare(connection: Any, _record: Any) -> None:
        for name, value in pragmas.items():
            connection.execute(f"PRAGMA {name}={value}")

    def open_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", open_transaction)
    return engine
