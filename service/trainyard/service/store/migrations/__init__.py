"""How the tables came to be, one numbered step at a time."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, select, table, text
from sqlalchemy.sql import column

HEAD = "0005"
# Any number will do, as long as it is always the same: servers that start together bring the tables up one after the other.
_LOCK = 0x7472_6169_6E79


class NewerTablesError(Exception):
    """The tables were made by a later version."""


def upgrade(engine: Engine) -> None:
    """Bring the tables to :data:`HEAD`; costs one query when they are there already. Raises NewerTablesError."""
    with engine.connect() as connection:
        if _is_up_to_date(connection):
            return
    # Alembic and what it brings take a tenth of a second to import; most starts do not need them.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if not _is_up_to_date(connection):
            config.attributes["connection"] = connection
            command.upgrade(config, HEAD)


def _is_up_to_date(connection: Connection) -> bool:
    found = _revision(connection)
    if found is not None and found > HEAD:
        raise NewerTablesError
    return found == HEAD


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()
