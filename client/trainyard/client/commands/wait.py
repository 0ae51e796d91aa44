"""``trainyard wait``: say nothing until jobs have ended."""

from __future__ import annotations

import time

import click

from trainyard.client.commands import monitoring, references, session
from trainyard.linter.cli.exits import Refusal


@click.command(epilog=session.examples("trainyard wait @ && trainyard download @", "trainyard wait 0jb4 7k2m --timeout 3600"))
@references.some_jobs()
@click.option("--timeout", "timeout_seconds", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop waiting after this long (124).")
@session.json_option
@session.server_options
def wait(jobs: tuple[str, ...], timeout_seconds: float | None, as_json: bool, where: session.Where) -> int:
    """Wait until jobs have ended, whichever way, and print how.

    The exit code is the outcome: 0 all succeeded, 1 one failed, 7 one was cancelled, 124 out of time.
    """
    from trainyard.client import documents
    from trainyard.client.following import follow
    from trainyard.client.screen.lines import Silent

    codes = []
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    with session.session(where) as client:
        for job in [session.find(client, reference) for reference in jobs]:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            with monitoring.detaching(job.id):
                if not job.state.terminal and not follow(client, job.id, Silent(), until_seconds=left):
                    raise Refusal(f"{job.id} has not ended within {timeout_seconds:g} s; it goes on", session.TIMED_OUT)
            ended = client.get_job(job.id)
            if as_json:
                click.echo(documents.dump(documents.job(ended)))
            codes.append(session.outcome_code(ended) if as_json else monitoring.conclude(ended, "plain"))
    return session.gravest(codes)
