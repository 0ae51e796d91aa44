"""``trainyard token``: give callers of a server their tokens, and take them back. Imports click only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from trainyard.service.main import numbers

ROLES = ("viewer", "submitter", "operator")
_HOME = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="TRAINYARD_HOME",
    help="The server's home. [default: the user data folder]",
)
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def token() -> None:
    """Give callers their tokens, and take them back. The server notices at once."""


@token.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="submitter", show_default=True, help="What the caller may do.")
@click.option("--days", type=numbers.days(), default=90.0, show_default=True, help="How long it is valid.")
@click.option("--forever", is_flag=True, help="It never expires.")
@_HOME
@_AS_JSON
def create(name: str, role: str, days: float, *, forever: bool, home: Path | None, as_json: bool) -> int:
    """Make a token for NAME and print it, this one time. Jobs belong to names: two tokens of one name share them."""
    from datetime import timedelta

    from trainyard.service.core.identity import Role

    entry, secret = _book(home).create(name, Role[role.upper()], None if forever else timedelta(days=days), _now())
    if as_json:
        print(json.dumps({**_public(entry), "token": secret}))
    else:
        print(secret)
        until = f"until {entry.expires_at}" if entry.expires_at else "for ever"
        click.echo(f"token {entry.id}: {name}, {role}, {until}. It is shown this once: write it to a file with mode 0600.", err=True)
    return 0


@token.command("list")
@_HOME
@_AS_JSON
def list_(home: Path | None, *, as_json: bool) -> int:
    """List the tokens, without what they are."""
    entries, now = _book(home).entries(), _now()
    if as_json:
        print(json.dumps([{**_public(entry), "state": entry.state(now)} for entry in entries]))
        return 0
    for entry in entries:
        print(f"{entry.id}  {entry.state(now):8} {entry.role:10} {entry.name:20} {entry.expires_at or 'never expires'}")
    if not entries:
        click.echo("no token was given out yet: `trainyard token create NAME` makes one", err=True)
    return 0


@token.command()
@click.argument("which", metavar="ID|NAME")
@_HOME
def revoke(which: str, home: Path | None) -> int:
    """End a token by its id, or all of a name."""
    for entry in _book(home).revoke(which, _now()):
        print(f"revoked {entry.id} ({entry.name}, {entry.role})")
    return 0


def _book(home: Path | None) -> Any:
    import platformdirs

    from trainyard.service.main.token_book import TokenBook

    return TokenBook((home or Path(platformdirs.user_data_dir("trainyard"))).absolute())


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _public(entry: Any) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "role": entry.role,
        "created_at": entry.created_at,
        "expires_at": entry.expires_at,
    }
