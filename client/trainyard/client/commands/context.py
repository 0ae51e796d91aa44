"""``trainyard context``: servers by name, so that nobody types an address, a token's file and an authority each time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainyard.client.commands import session
from trainyard.client.commands.tables import table

if TYPE_CHECKING:
    from trainyard.client.contexts import Contexts

_EXAMPLES = session.examples(
    "trainyard context add lab --server trainer.example.org:50051 --token-file ~/.lab-token --use",
    "trainyard jobs --context lab",
    "trainyard context list",
)


@click.group(epilog=_EXAMPLES)
def context() -> None:
    """Name servers, and say which one is meant when nobody says so.

    The file is named by TRAINYARD_CONFIG, or lies in the user's configuration folder. It holds the paths of tokens and
    keys, no secret. TRAINYARD_CONTEXT or --context chooses one; TRAINYARD_SERVER and --server win over the one in use.
    """


@context.command("list", epilog=session.examples("trainyard context list"))
@session.json_option
def list_(as_json: bool) -> int:
    """List what is known; the one in use has a star."""
    known, _ = _load()
    if as_json:
        from trainyard.client import documents

        entries = [{"name": name, "current": name == known.current, **entry._asdict()} for name, entry in known.known.items()]
        click.echo(documents.dump(entries))
    elif known.known:
        rows = [("*" if name == known.current else "", name, entry.server or "(this machine)") for name, entry in known.known.items()]
        click.echo(_safe(table([("", "NAME", "SERVER"), *rows])))
    else:
        click.echo("no contexts yet; add one with: trainyard context add NAME --server HOST:PORT", err=True)
    return 0


@context.command(epilog=_EXAMPLES)
@click.argument("name")
@click.option("--server", required=True, metavar="HOST:PORT", help="Where the server is.")
@click.option("--token-file", metavar="FILE", help="File with the token.")
@click.option("--tls-ca", metavar="FILE", help="Authority to trust instead of the system's (PEM).")
@click.option("--tls-cert", metavar="FILE", help="Client certificate to show (PEM).")
@click.option("--tls-key", metavar="FILE", help="Its key (PEM).")
@click.option("--use", is_flag=True, help="Use it from now on when nobody says otherwise.")
def add(name: str, use: bool, server: str, **files: str | None) -> int:
    """Add a server, or describe a known one anew."""
    from trainyard.client import address
    from trainyard.client.contexts import Context

    with session.refusing():
        address.parse(server)
    if bool(files["tls_cert"]) != bool(files["tls_key"]):
        raise click.UsageError("a client certificate needs its key and a key its certificate: give both --tls-cert and --tls-key")
    # A context is used from any folder.
    paths = {key: str(Path(path).expanduser().absolute()) for key, path in files.items() if path}
    known, path = _load()
    entry = Context(server=server, **paths)
    _save(known._replace(known={**known.known, name: entry}, current=name if use or not known.known else known.current), path)
    return 0


@context.command(epilog=session.examples("trainyard context use lab"))
@click.argument("name")
def use(name: str) -> int:
    """Use a server from now on when nobody says otherwise."""
    known, path = _load()
    with session.refusing():
        known.named(name, path)
    _save(known._replace(current=name), path)
    return 0


@context.command(epilog=session.examples("trainyard context show", "trainyard context show lab"))
@click.argument("name", required=False)
def show(name: str | None) -> int:
    """Show the one in use, or the one that is named."""
    known, path = _load()
    wanted = name or known.current
    if not wanted:
        click.echo("no context is in use: commands talk to this machine", err=True)
        return 0
    with session.refusing():
        entry = known.named(wanted, path)
    click.echo(_safe(wanted))
    for key, value in entry._asdict().items():
        if value:
            click.echo(f"  {key:<10} {session.shown(value)}")
    return 0


@context.command(epilog=session.examples("trainyard context remove lab"))
@click.argument("name")
def remove(name: str) -> int:
    """Forget a server; the files that it names stay."""
    known, path = _load()
    with session.refusing():
        known.named(name, path)
    left = {key: entry for key, entry in known.known.items() if key != name}
    _save(known._replace(known=left, current="" if known.current == name else known.current), path)
    return 0


def _safe(text: str) -> str:
    """Return lines without anything that could drive a terminal."""
    return "\n".join(session.shown(line) for line in text.splitlines())


def _load() -> tuple[Contexts, str]:
    from trainyard.client import contexts

    with session.refusing():
        path = contexts.config_path(session.environment())
        return contexts.load(path), path


def _save(known: Contexts, path: str) -> None:
    from trainyard.client import contexts

    with session.refusing():
        contexts.save(known, path)
