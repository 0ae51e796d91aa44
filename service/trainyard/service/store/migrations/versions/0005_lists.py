# ruff: noqa: INP001 -- Alembic loads this file by its path; it is no module.
"""Lists that look at no job in vain: tags in a table of their own, and indexes that hold all that jobs are listed by.

Frozen: a later change is a later step.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_FENCE = "\x1f"
_AT_ONCE = 5000
_LONGEST = 128


def upgrade() -> None:
    """Make the table of tags from what jobs say, and the indexes."""
    op.create_table(
        "job_tag",
        sa.Column("tag", sa.Text, nullable=False),
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("tag", "number", name="pk_job_tag"),
        sa.ForeignKeyConstraint(["number"], ["job.number"], name="fk_job_tag_number", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    _fill()
    op.create_index("ix_job_tag_number", "job_tag", ["number"])
    op.create_index("ix_job_number_state_experiment", "job", ["number", "state", "experiment"])
    op.create_index("ix_job_owner_number_state_experiment", "job", ["owner", "number", "state", "experiment"])
    op.create_index("ix_job_state_number_experiment", "job", ["state", "number", "experiment"])
    op.drop_index("ix_job_owner_number", "job")
    op.drop_index("ix_job_state_number", "job")


def _key(tag: str) -> str:
    """Return a long tag's digest: an index takes no text of any length."""
    return tag if len(tag) <= _LONGEST else hashlib.sha256(tag.encode("utf-8", "replace")).hexdigest()


def _fill() -> None:
    job = sa.table("job", sa.column("number"), sa.column("owner"), sa.column("tags"))
    tag = sa.table("job_tag", sa.column("tag"), sa.column("number"), sa.column("owner"))
    connection, after = op.get_bind(), -1
    while True:
        page = sa.select(job).where(job.c.number > after, job.c.tags != "").order_by(job.c.number).limit(_AT_ONCE)
        rows = connection.execute(page).all()
        if not rows:
            return
        after = rows[-1].number
        told = [(row.number, row.owner, name) for row in rows for name in dict.fromkeys(map(_key, row.tags.split(_FENCE))) if name]
        connection.execute(sa.insert(tag), [{"tag": name, "number": number, "owner": owner} for number, owner, name in told])
