"""Following a job from the command line: the screen, the way out on Ctrl-C, the exit code at the end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import click

from trainyard.client.commands import session
from trainyard.linter.cli.exits import INTERRUPTED

if TYPE_CHECKING:
    from trainyard.client.client import Client
    from trainyard.client.values.job import Job

MODES = ("auto", "tty", "plain", "json", "none")
progress_option = click.option(
    "--progress",
    type=click.Choice(MODES),
    default="auto",
    help="tty: live line; plain: one line per epoch; json: one object a line on standard output; auto: what suits the terminal.",
)


def monitor(client: Client, job: Job, mode: str) -> Job:
    """Show a job until it ends, and return how it ended; Ctrl-C and SIGTERM leave it running."""
    from trainyard.client.following import follow
    from trainyard.client.screen.choose import screen

    display = screen(mode, session.environment())
    with detaching(job.id):
        try:
            display.begin(job)
            follow(client, job.id, display)
        finally:
            display.close()
    return client.get_job(job.id)


def conclude(job: Job, mode: str) -> int:
    """Print how a job ended, unless a program reads along; returns the exit code."""
    if mode != "json":
        from trainyard.client.screen import phrases

        for line in phrases.outcome(job):
            click.echo(session.shown(line))
    return session.outcome_code(job)


@contextmanager
def detaching(job_id: str) -> Iterator[None]:
    """Turn Ctrl-C (130) and SIGTERM (143) into leaving: the job goes on, and the way back is printed."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except KeyboardInterrupt:
        _say_goodbye(job_id)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except _Terminated:
        _say_goodbye(job_id)
        raise click.exceptions.Exit(session.TERMINATED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


class _Terminated(BaseException):
    """SIGTERM arrived."""


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


def _say_goodbye(job_id: str) -> None:
    # A second Ctrl-C ends the process at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stderr.write(f"\nstill running; watch it: trainyard watch {job_id}; end it: trainyard cancel {job_id}\n")
    sys.stderr.flush()
