"""``trainyard watch``: follow a job."""

from __future__ import annotations

import sys

import click

from trainyard.client.commands import monitoring, references, session


@click.command(epilog=session.examples("trainyard watch @", "trainyard watch 0jb4 --progress json | jq -c .metrics"))
@references.one_job()
@monitoring.progress_option
@click.option("--exit-status", is_flag=True, help="End with the job's outcome on a terminal too, as elsewhere.")
@session.server_options
def watch(job: str, progress: str, exit_status: bool, where: session.Where) -> int:
    """Follow a job: what has happened so far, then what happens, until it ends.

    ID may be abbreviated; @ is the newest job. A connection that breaks is mended without a gap. Ctrl-C leaves
    the job running.

    Off a terminal the exit code is the job's outcome: 0 succeeded, 1 failed, 7 cancelled.
    """
    monitoring.demand(progress)
    with session.session(where) as client:
        found = session.find(client, job)
        ended = monitoring.monitor(client, found, progress)
        code = monitoring.conclude(ended, progress)
    on_terminal = sys.stdout.isatty() and sys.stderr.isatty()
    return code if exit_status or not on_terminal else 0
