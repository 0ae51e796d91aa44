# ruff: noqa: INP001 -- Alembic loads this file by its path; it is no module.
"""Jobs on several GPUs: how many a job asks for, and which it holds beside the first.

Frozen: a later change is a later step.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; every job there is has one slot."""
    op.add_column("job", sa.Column("gpus", sa.Integer, nullable=False, server_default="0"))
    op.add_column("job", sa.Column("more_devices", sa.Text, nullable=False, server_default=""))
