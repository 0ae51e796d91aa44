"""How the tables came to be, one numbered step at a time."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, select, table
from sqlalchemy.sql import column

HEAD = "0001"


def upgrade(engine: Engine) -> None:
    """Bring the tables to :data:`HEAD`; costs one query when they are there already."""
    if _revision(engine) == HEAD:
        return
    # Alembic and what it brings take a tenth of a second to import; most starts do not need them.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)


def _revision(engine: Engine) -> str | None:
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()
