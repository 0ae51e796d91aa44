# ruff: noqa: INP001 -- Alembic loads this file by its path; it is no module.
"""Leases and losses: several servers on one database, and jobs that survive a lost trainer.

Frozen: a later change is a later step.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; a slot that is held was held by the only server there was."""
    op.add_column("job", sa.Column("losses", sa.Integer, nullable=False, server_default="0"))
    op.add_column("job", sa.Column("node", sa.String(128)))
    op.add_column("job", sa.Column("lease_until", sa.BigInteger))
    op.create_index("ix_job_ended_at", "job", ["ended_at"])
