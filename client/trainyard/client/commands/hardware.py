"""``trainyard hardware``: the server's devices as a profile that the linter predicts with."""

from __future__ import annotations

import json
from pathlib import Path

import click

from trainyard.client.commands import session
from trainyard.linter.cli.exits import Refusal


@click.command(
    epilog=session.examples("trainyard hardware --save lab.hardware.json", "trainlint check a.trainspec.json --hardware lab.hardware.json")
)
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it to a file, for `trainlint --hardware`."
)
@session.server_options
def hardware(save: Path | None, where: session.Where) -> int:
    """Print the server's hardware profile as JSON, so that your linter judges memory and time as the server does."""
    with session.session(where) as client:
        raw, address = client.server_info().hardware_profile_json, client.server
    try:
        text = json.dumps(json.loads(raw), indent=2) + "\n"
    except ValueError:
        raise Refusal(f"the server at {address} told no hardware profile", session.REFUSED) from None
    if save is None:
        click.echo(text, nl=False)
        return 0
    save.write_text(text, encoding="utf-8")
    click.echo(f"{session.shown(str(save))} written; use it with: trainlint check --hardware {session.shown(str(save))}", err=True)
    return 0
