"""``trainyard datasets``: what lies under the server's data root."""

from __future__ import annotations

import click

from trainyard.client.commands import session
from trainyard.client.commands.tables import table

HEADINGS = ("PATH", "TYPE", "CLASSES", "SIZE")


@click.command(epilog=session.examples("trainyard datasets", "trainyard datasets --json | jq -r '.[].path'"))
@session.json_option
@session.server_options
def datasets(as_json: bool, where: session.Where) -> int:
    """List the datasets that a spec can name here; PATH is what to write into "dataset": {"path": …}."""
    from dataclasses import asdict

    with session.session(where) as client:
        found = list(client.datasets())
        if as_json:
            from trainyard.client import documents

            click.echo(documents.dump([{name: value or None for name, value in asdict(one).items()} for one in found]))
        elif found:
            from trainyard.client.screen.phrases import size

            rows = [
                (session.shown(one.path), one.type, str(one.classes or "-"), size(one.size_bytes) if one.size_bytes else "-")
                for one in found
            ]
            click.echo(table([HEADINGS, *rows]))
        else:
            click.echo(f"no datasets at {client.server}", err=True)
    return 0
