"""The tables. The migrations make them; this module lets the code speak of them, and a test holds the two together.

Nothing here belongs to one database: times are whole microseconds since 1970 in UTC, so that no dialect
can lose a time zone, and what only we read (metrics, tags, bodies of events) is JSON text.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# SQLite numbers rows by itself only when the key is an INTEGER.
_Number = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, kept as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Count microseconds."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        """Make a moment of them."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

JOB = Table(
    "job",
    METADATA,
    Column("number", _Number, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("request_id", String(64)),
    Column("request_digest", String(64), nullable=False),
    Column("owner", String(128), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32)),
    Column("message", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("experiment", String(256), nullable=False),
    Column("tags", Text, nullable=False),
    Column("model", String(64), nullable=False),
    Column("dataset", Text, nullable=False),
    Column("optimizer", String(64), nullable=False),
    Column("spec_epochs", Integer, nullable=False),
    Column("source_digest", String(64), nullable=False),
    Column("spec_digest", String(64), nullable=False),
    Column("report_digest", String(64), nullable=False),
    Column("ruleset", String(64), nullable=False),
    Column("predicted_memory_low_bytes", BigInteger),
    Column("predicted_memory_high_bytes", BigInteger),
    Column("predicted_microseconds", BigInteger),
    Column("epoch", Integer, nullable=False),
    Column("epochs_planned", Integer, nullable=False),
    Column("last_metrics", Text, nullable=False),
    Column("best_epoch", Integer, nullable=False),
    Column("best_metrics", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("spool_offset", BigInteger, nullable=False),
    Column("device", String(128), nullable=False),
    Column("held", Boolean, nullable=False),
    Column("host", String(256)),
    Column("boot_id", String(64)),
    Column("pid", BigInteger),
    Column("start_ticks", BigInteger),
    Column("trainer", Text),
    Column("losses", Integer, nullable=False, server_default="0"),
    Column("node", String(128)),
    # By the clock of the database where it has one, so that hosts need not agree on the time.
    Column("lease_until", BigInteger),
    Column("gpus", Integer, nullable=False, server_default="0"),
    # What a job holds beside ``device``, with commas between.
    Column("more_devices", Text, nullable=False, server_default=""),
    UniqueConstraint("owner", "request_id"),
    Index(None, "state", "priority", "number"),
    Index(None, "held"),
    # Lists are found in these, without a look at a job that is not shown.
    Index(None, "number", "state", "experiment"),
    Index(None, "state", "number", "experiment"),
    Index(None, "owner", "number", "state", "experiment"),
    Index(None, "ended_at"),
    # A number that was given once is never given again, also when the newest job is deleted.
    sqlite_autoincrement=True,
)

TAG = Table(
    "job_tag",
    METADATA,
    Column("tag", Text, primary_key=True),
    Column("number", _Number, ForeignKey("job.number", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True),
    Column("owner", String(128), nullable=False),
    sqlite_with_rowid=False,
)

SPEC = Table(
    "spec",
    METADATA,
    Column("job_id", String(32), ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("source", LargeBinary, nullable=False),
    Column("resolved", Text, nullable=False),
)

EVENT = Table(
    "event",
    METADATA,
    Column("job_id", String(32), ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("key", String(512), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("job_id", "key"),
)

ARTIFACT = Table(
    "artifact",
    METADATA,
    Column("job_id", String(32), ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
)

REPORT = Table(
    "report",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, index=True),
)

# Who sent a spec that was refused: the report of no job is theirs.
REFUSAL = Table(
    "refusal",
    METADATA,
    Column("digest", String(64), ForeignKey("report.digest", ondelete="CASCADE"), primary_key=True),
    Column("owner", String(128), primary_key=True),
)
