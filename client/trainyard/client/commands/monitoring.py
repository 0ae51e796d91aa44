"""Following a job from the command line: the screen, the way out on Ctrl-C, the exit code at the end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import click

from trainyard.client.commands import session
from trainyard.linter.cli.exits import INTERRUPTED, OK, Refusal, Signalled

if TYPE_CHECKING:
    from trainyard.client.client import Client
    from trainyard.client.screen.choose import Behind
    from trainyard.client.values.job import Job

MODES = ("auto", "tty", "plain", "json", "none")
progress_option = click.option(
    "--progress",
    type=click.Choice(MODES),
    default="auto",
    help="tty: full-screen monitor with keys; plain: a line per epoch; json: an object a line on standard output; auto: what suits.",
)


def demand(mode: str) -> None:
    """Refuse a full-screen monitor where there is no screen: cursor codes in a log help nobody."""
    if mode == "tty" and not sys.stderr.isatty():
        raise click.UsageError("--progress tty needs a terminal on standard error; plain or json suit pipes and logs")


def monitor(client: Client, job: Job, mode: str) -> Job:
    """Show a job until it ends, and return how it ended; Ctrl-C, SIGTERM and the key q leave it running."""
    from trainyard.client.following import follow
    from trainyard.client.screen.choose import screen
    from trainyard.client.screen.port import DetachedError

    display = screen(mode, session.environment(), _behind(client, job.id))
    with detaching(job.id):
        try:
            display.begin(job)
            follow(client, job.id, display, tick_seconds=display.tick_seconds)
        except DetachedError:
            display.close()
            _say_goodbye(job.id)
            raise click.exceptions.Exit(OK) from None
        finally:
            display.close()
    return client.get_job(job.id)


def _behind(client: Client, job_id: str) -> Behind:
    """Return what a monitor may ask of the server; whatever goes wrong there is a sentence or nothing, never an end."""
    from trainyard.client.errors import ClientError
    from trainyard.client.screen.choose import Behind

    def said(act: Callable[[str], Job], verb: str) -> Callable[[], str]:
        def run() -> str:
            try:
                return f"asked to {verb}: {act(job_id).state.value}"
            except ClientError as error:
                return f"can't {verb}: {error}"

        return run

    def look() -> Job | None:
        try:
            return client.get_job(job_id)
        except ClientError:
            return None

    def memory_bytes() -> int:
        try:
            return max((device.memory_bytes for device in client.server_info().devices), default=0)
        except ClientError:
            return 0

    verbs = {"pause": client.pause_job, "resume": client.resume_job, "stop": client.stop_job}
    return Behind({verb: said(act, verb) for verb, act in verbs.items()}, look, memory_bytes)


def conclude(job: Job, mode: str) -> int:
    """Print how a job ended, unless a program reads along; returns the exit code."""
    if mode != "json":
        from trainyard.client.screen import folding, phrases

        cells = folding.cells_of(sys.stdout)
        for line in phrases.outcome(job):
            for piece in folding.folded(session.shown(line), cells):
                click.echo(piece)
    return session.outcome_code(job)


@contextmanager
def detaching(job_id: str) -> Iterator[None]:
    """Turn Ctrl-C (130), SIGTERM and a lost terminal (143) into leaving: the job goes on, and the way back is printed."""
    numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, _terminate) for number in numbers}
    try:
        yield
    except KeyboardInterrupt:
        _say_goodbye(job_id)
        raise click.exceptions.Exit(INTERRUPTED) from None
    except _Terminated:
        _say_goodbye(job_id)
        raise click.exceptions.Exit(session.TERMINATED) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Terminated(Signalled):
    """SIGTERM or SIGHUP arrived."""

    number = signal.SIGTERM


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


def _say_goodbye(job_id: str) -> None:
    # A second Ctrl-C ends the process at once, without a traceback and with the same exit code.
    signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(INTERRUPTED))
    try:
        sys.stderr.write(f"\nstill running; watch it: trainyard watch {job_id}; end it: trainyard cancel {job_id}\n")
        sys.stderr.flush()
    except OSError:
        raise Refusal("the terminal is gone", session.TERMINATED) from None
