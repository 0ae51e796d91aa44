"""Where jobs are kept, from what an operator writes. A password stands in a file or in the environment, never where others look."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from trainyard.linter.cli.exits import Refusal

OPTION = "--store"
PASSWORD = "TRAINYARD_STORE_PASSWORD"  # noqa: S105 - the name of a variable
_FORMS = "sqlite:///FILE or postgresql://USER@HOST/DATABASE"
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")


def database(written: str, password_file: Path | None) -> URL:
    """Read the option; raises Refusal for anything that is no such place."""
    try:
        url = make_url(written)
    except ArgumentError as error:
        raise Refusal(f"{OPTION} wants {_FORMS}") from error
    if url.drivername == "sqlite":
        if not url.database or url.host:
            raise Refusal(f"{OPTION} wants {_FORMS}; a file's whole path follows three slashes")
        return url.set(database=str(Path(url.database).absolute()))
    if url.drivername not in _POSTGRESQL:
        raise Refusal(f"{OPTION} wants {_FORMS}, not {url.drivername}")
    if url.password is not None:
        raise Refusal(
            f"{OPTION}: a password here is seen by everybody who lists processes; write it to a file for "
            f"--store-password-file, or into {PASSWORD}"
        )
    _ensure_driver()
    password = _password(password_file)
    return url.set(drivername="postgresql", password=password) if password else url.set(drivername="postgresql")


def shown(url: URL) -> str:
    """Return a place as logs may show it."""
    return url.difference_update_query(["options"]).render_as_string(hide_password=True)


def _password(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(PASSWORD)
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"--store-password-file {file} can not be read") from error


def _ensure_driver() -> None:
    try:
        import psycopg
    except ImportError as error:
        raise Refusal(f"{OPTION} postgresql://… needs the extra 'postgres': pip install 'trainyard[service,postgres]'") from error
    del psycopg
