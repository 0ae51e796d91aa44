"""PostgreSQL set up for several servers on one database: short transactions, bounded waits, one clock.

Row locks keep changes apart (READ COMMITTED, and every change begins with ``FOR UPDATE`` of its job). A server that hangs in
the middle of a change must not hold up the others, so the database itself ends what takes too long.
"""

from __future__ import annotations

from sqlalchemy import URL, Engine, QueuePool, create_engine

WRITERS = 1
READERS = 8
CONNECT_SECONDS = 5
_BOUNDS = {
    "statement_timeout": "20s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
    "client_encoding": "utf8",
    "timezone": "UTC",
}


def writer(url: URL) -> Engine:
    """Connect for writing."""
    return _engine(url, pool_size=WRITERS, read_only=False)


def reader(url: URL) -> Engine:
    """Connect for reading: a few connections that can not write."""
    return _engine(url, pool_size=READERS, read_only=True)


def _engine(url: URL, *, pool_size: int, read_only: bool) -> Engine:
    bounds = {**_BOUNDS, "default_transaction_read_only": "on" if read_only else "off"}
    asked = url.query.get("options", "")
    options = " ".join([str(asked), *(f"-c {name}={value}" for name, value in bounds.items())]).strip()
    return create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        # A database that was restarted is noticed before a change begins, not in the middle of it.
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": CONNECT_SECONDS, "application_name": "trainyard"},
    )
