# ruff: noqa: INP001 -- Alembic loads this file by its path; it is no module.
"""Whose spec was refused: a report of no job is shown to those who sent its spec, and to operators.

Frozen: a later change is a later step.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table; reports of earlier refusals, a day's at most, are operators' from now on."""
    op.create_table(
        "refusal",
        sa.Column("digest", sa.String(64), sa.ForeignKey("report.digest", ondelete="CASCADE"), primary_key=True),
        sa.Column("owner", sa.String(128), primary_key=True),
    )
