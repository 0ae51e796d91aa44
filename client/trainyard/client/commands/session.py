"""What every command that talks to a server shares: its options, the way in, the way out.

Imports click only; what the extra ``client`` brings is imported when a session opens.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from trainyard.linter.cli.exits import FINDINGS, OK, Refusal

if TYPE_CHECKING:
    from trainyard.client.client import Client
    from trainyard.client.values.job import Job

Command = TypeVar("Command", bound=Callable[..., Any])
LAST_JOB = "@"
# Exit codes beside those of trainlint, and which one wins where there are several.
REFUSED, CANCELLED, TIMED_OUT, TERMINATED = 5, 7, 124, 143
GRAVEST_FIRST = (REFUSED, FINDINGS, CANCELLED, OK)


class Where(NamedTuple):
    """What was said about the server on the command line; None where nothing was."""

    server: str | None = None
    token_file: str | None = None
    context: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None


_OPTIONS = (
    click.option("--server", metavar="HOST:PORT", help="Where the server is; default: TRAINYARD_SERVER, a context, or this machine."),
    click.option("--token-file", metavar="FILE", help="File with the token; default: TRAINYARD_TOKEN_FILE, or what a server here left."),
    click.option("--context", metavar="NAME", help="A server by name; see `trainyard context`."),
    click.option("--tls-ca", metavar="FILE", help="Trust this authority (PEM) instead of the system's."),
    click.option("--tls-cert", metavar="FILE", help="Show this client certificate (PEM) …"),
    click.option("--tls-key", metavar="FILE", help="… of this key (PEM)."),
)


def server_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options that say which server is meant; the command gets them as one value, ``where``."""

    @functools.wraps(command)
    def gathered(**given: Any) -> int:
        return command(where=Where(*(given.pop(name) for name in Where._fields)), **given)

    for option in reversed(_OPTIONS):
        option(gathered)
    return gathered


def json_option(command: Command) -> Command:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def examples(*lines: str) -> str:
    """Return the text below a command's help that shows how it is used."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


@contextmanager
def session(where: Where) -> Iterator[Client]:
    """Open a client; what goes wrong becomes one clear line and its exit code."""
    # The library reports every server that says goodbye, on standard error, for its developers.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from trainyard.client.client import Client
    from trainyard.client.settings import Tls

    tls = Tls(where.tls_ca, where.tls_cert, where.tls_key)
    with refusing(), Client.from_environment(where.server, where.token_file, context=where.context, tls=tls) as client:
        yield client


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what the client raises into one clear line and its exit code."""
    from trainyard.client.errors import ClientError

    try:
        yield
    except ClientError as error:
        raise Refusal(shown(str(error)), error.exit_code) from None


def find(client: Client, reference: str) -> Job:
    """Return the job that a person means: an id, the beginning of one, or ``@`` for the newest."""
    if reference != LAST_JOB:
        return client.get_job(reference)
    from trainyard.client.errors import NotFound

    newest = client.list_jobs(page_size=1).jobs
    if not newest:
        raise NotFound(f"there is no job at {client.server} yet, so {LAST_JOB} means none")
    return newest[0]


def outcome_code(job: Job) -> int:
    """Return the exit code that an ended job stands for: 0 succeeded, 1 failed, 7 cancelled."""
    return {"succeeded": OK, "cancelled": CANCELLED}.get(job.state.value, FINDINGS)


def gravest(codes: Iterable[int]) -> int:
    """Return the exit code for several jobs: refused before failed before cancelled before well."""
    return min(codes, key=GRAVEST_FIRST.index, default=OK)


def shown(text: str) -> str:
    """Return text of a server's without anything that could drive a terminal, on one line."""
    from trainyard.linter.report.terminal import harmless

    return harmless(text)


def environment() -> dict[str, str]:
    """Return the environment: the commands are where it is read."""
    return dict(os.environ)
