"""Who looks after which job: leases on the job's own row, counted on one clock.

A lease that ran out does not prove a death: the host may be cut off while its trainer goes on. So a job changes hands only
when the lease is past by the orphan limit too, after which a trainer that heard nothing has ended itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, cast, func, literal, select, update
from sqlalchemy.types import BigInteger

from trainyard.service.core.jobs import Job, Lease
from trainyard.service.store import codec
from trainyard.service.store.schema import JOB, Instant

_MICROSECONDS = 1_000_000
Now = ColumnElement[int]


def given(at: datetime) -> Now:
    """Take the time from the caller: right for a database that one host alone uses."""
    return literal(Instant().process_bind_param(at, None), BigInteger)  # type: ignore[arg-type]  # the dialect is not looked at


def of_the_database(_at: datetime) -> Now:
    """Take the time from PostgreSQL, whatever the hosts believe."""
    return cast(func.extract("epoch", func.clock_timestamp()) * _MICROSECONDS, BigInteger)


def terms(lease: Lease, now: Now) -> dict[str, Any]:
    """Return the columns that say who holds a slot until when."""
    return {"node": lease.node, "lease_until": now + literal(round(lease.seconds * _MICROSECONDS), BigInteger)}


def renew(connection: Connection, lease: Lease, now: Now) -> list[str]:
    """Hold on to the slots of a node; return the ids of their jobs."""
    held = update(JOB).where(JOB.c.held, JOB.c.node == lease.node).values(terms(lease, now)).returning(JOB.c.id)
    return list(connection.execute(held).scalars())


def adopt(connection: Connection, lease: Lease, patience_seconds: float, now: Now) -> list[Job]:
    """Take over the slots of nodes whose lease has been past for so long; what another server is just taking is left to it."""
    patience = literal(round(patience_seconds * _MICROSECONDS), BigInteger)
    left = select(JOB.c.number).where(JOB.c.held, JOB.c.node != lease.node, JOB.c.lease_until + patience < now)
    numbers = list(connection.execute(left.with_for_update(skip_locked=True)).scalars())
    if not numbers:
        return []
    taken = update(JOB).where(JOB.c.number.in_(numbers), JOB.c.held).values(terms(lease, now)).returning(*JOB.c)
    return [codec.job_of(row) for row in connection.execute(taken).mappings()]
