"""``trainyard info``: who the server is and what it allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from trainyard.client.commands import session

if TYPE_CHECKING:
    from trainyard.client.values.server import ServerInfo


@click.command(epilog=session.examples("trainyard info", "trainyard info --server trainer.example.org:50051 --token-file token"))
@session.json_option
@session.server_options
def info(as_json: bool, where: session.Where) -> int:
    """Show the server's version, devices, slots and limits."""
    with session.session(where) as client:
        about = client.server_info()
        if as_json:
            from trainyard.client import documents

            click.echo(documents.dump(documents.server(about)))
        else:
            for line in describe(client.server, about):
                click.echo(session.shown(line))
    return 0


def describe(address: str, about: ServerInfo) -> list[str]:
    """Say it on a few lines."""
    from trainyard.client.screen import phrases

    keras = f"Keras {about.keras_version} on {about.backend}" if about.keras_version else f"Keras on {about.backend}"
    devices = [f"  {device.kind}  {device.name}  {phrases.size(device.memory_bytes)}" for device in about.devices]
    return [
        f"Trainyard {about.version} at {address}, instance {about.instance_id}",
        f"  runs {keras}; {about.free_slots} of {about.slots} {'slot' if about.slots == 1 else 'slots'} free",
        f"  refuses specs with findings of severity {about.refuse_on} and above ({about.ruleset})",
        *devices,
        *_limits(about),
    ]


def _limits(about: ServerInfo) -> list[str]:
    from dataclasses import asdict

    set_limits = [f"{name.removeprefix('max_').replace('_', ' ')} {value:g}" for name, value in asdict(about.limits).items() if value]
    return [f"  limits: {', '.join(set_limits)}"] if set_limits else []
