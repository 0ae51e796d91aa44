"""``trainyard logs``: what a trainer printed."""

from __future__ import annotations

import sys

import click

from trainyard.client.commands import monitoring, references, session


@click.command(epilog=session.examples("trainyard logs @", "trainyard logs 0jb4 -n 1000 | grep -i warning", "trainyard logs @ -f"))
@references.one_job()
@click.option("-n", "--lines", type=click.IntRange(1, 100_000), default=100, show_default=True, help="So many lines from the end.")
@click.option("-f", "--follow", is_flag=True, help="Go on as the log grows, until the job is over.")
@session.server_options
def logs(job: str, lines: int, follow: bool, where: session.Where) -> int:
    """Print the end of a trainer's log: what Keras, CUDA and the trainer itself said. Ctrl-C leaves the job running."""
    with session.session(where) as client:
        found = session.find(client, job)
        with monitoring.detaching(found.id):
            for text in client.log(found.id, lines=lines, follow=follow):
                sys.stdout.write(text)
                sys.stdout.flush()
    return 0
