# ruff: noqa: INP001 -- Alembic loads this file by its path; it is no module.
"""The first tables: job, spec, event, artifact, report.

Frozen: a later change is a later step.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _job()
    _of_a_job()
    op.create_table(
        "report",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("digest", name="pk_report"),
    )
    op.create_index("ix_report_expires_at", "report", ["expires_at"])


def _job() -> None:
    op.create_table(
        "job",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("request_id", sa.String(64)),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("experiment", sa.String(256), nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("optimizer", sa.String(64), nullable=False),
        sa.Column("spec_epochs", sa.Integer, nullable=False),
        sa.Column("source_digest", sa.String(64), nullable=False),
        sa.Column("spec_digest", sa.String(64), nullable=False),
        sa.Column("report_digest", sa.String(64), nullable=False),
        sa.Column("ruleset", sa.String(64), nullable=False),
        sa.Column("predicted_memory_low_bytes", sa.BigInteger),
        sa.Column("predicted_memory_high_bytes", sa.BigInteger),
        sa.Column("predicted_microseconds", sa.BigInteger),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("epochs_planned", sa.Integer, nullable=False),
        sa.Column("last_metrics", sa.Text, nullable=False),
        sa.Column("best_epoch", sa.Integer, nullable=False),
        sa.Column("best_metrics", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("spool_offset", sa.BigInteger, nullable=False),
        sa.Column("device", sa.String(128), nullable=False),
        sa.Column("held", sa.Boolean, nullable=False),
        sa.Column("host", sa.String(256)),
        sa.Column("boot_id", sa.String(64)),
        sa.Column("pid", sa.BigInteger),
        sa.Column("start_ticks", sa.BigInteger),
        sa.Column("trainer", sa.Text),
        sa.PrimaryKeyConstraint("number", name="pk_job"),
        sa.UniqueConstraint("id", name="uq_job_id"),
        sa.UniqueConstraint("owner", "request_id", name="uq_job_owner_request_id"),
        # A number that was given once is never given again, also when the newest job is deleted.
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_state_priority_number", "job", ["state", "priority", "number"])
    op.create_index("ix_job_state_number", "job", ["state", "number"])
    op.create_index("ix_job_held", "job", ["held"])
    op.create_index("ix_job_owner_number", "job", ["owner", "number"])


def _of_a_job() -> None:
    op.create_table(
        "spec",
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("source", sa.LargeBinary, nullable=False),
        sa.Column("resolved", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_spec"),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_spec_job_id", ondelete="CASCADE"),
    )
    op.create_table(
        "event",
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "seq", name="pk_event"),
        sa.UniqueConstraint("job_id", "key", name="uq_event_job_id_key"),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_event_job_id", ondelete="CASCADE"),
    )
    op.create_table(
        "artifact",
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(512), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "name", name="pk_artifact"),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_artifact_job_id", ondelete="CASCADE"),
    )
