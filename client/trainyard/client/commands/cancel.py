"""``trainyard cancel``: end jobs at once."""

from __future__ import annotations

import click

from trainyard.client.commands import session


@click.command()
@click.argument("jobs", metavar="ID…", nargs=-1, required=True)
@session.json_option
@session.server_options
def cancel(jobs: tuple[str, ...], as_json: bool, server: str | None, token_file: str | None) -> int:
    """End jobs at once, without a model; what they have told so far is kept. Asking twice is asking once."""
    from trainyard.client import documents

    with session.session(server, token_file) as client:
        for job in [session.find(client, reference) for reference in jobs]:
            after = client.cancel_job(job.id)
            click.echo(documents.dump({"id": after.id, "state": after.state.value}) if as_json else f"{after.id}  {after.state.value}")
    return 0
