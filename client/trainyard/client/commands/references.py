"""Job ids in a shell: completed when Tab is pressed, within a time that nobody notices, and silently when that fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from trainyard.client.commands import session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

#: What the server gets; a shell that hangs is worse than one that offers nothing.
BUDGET_SECONDS = 0.3
_MOST = 50


def job_ids(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the newest jobs whose id begins with what was typed; nothing, when the server does not answer in time."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        import trainyard.client.calls
        import trainyard.client.connection  # noqa: F401 - what an import takes is not the server's fault, so it does not count
    except ImportError:
        return []
    import queue
    import threading

    answers: queue.Queue[list[CompletionItem]] = queue.Queue()
    # A thread, because reading a slow disk or a name server has no deadline of its own.
    threading.Thread(target=lambda: answers.put(_ask(context.params, incomplete)), daemon=True).start()
    try:
        return answers.get(timeout=BUDGET_SECONDS)
    except queue.Empty:
        return []


def _ask(given: dict[str, Any], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from trainyard.client import calls
    from trainyard.client.connection import Connection
    from trainyard.client.settings import Tls, settle

    try:
        tls = Tls(given.get("tls_ca"), given.get("tls_cert"), given.get("tls_key"))
        settings = settle(given.get("server"), given.get("token_file"), os.environ, context=given.get("context"), tls=tls)
        asked = calls.list_jobs(states=(), tags=(), owner="", experiment="", page_size=_MOST, page_token="")
        with Connection(settings) as connection:
            page = connection.unary(asked._replace(deadline_seconds=BUDGET_SECONDS))
    except Exception:  # noqa: BLE001 - whatever it is, a completion is silent about it
        return []
    return [
        CompletionItem(job.id, help=f"{job.experiment}, {job.state.value}".translate(_HARMLESS))
        for job in page.jobs
        if job.id.startswith(incomplete)
    ]


# What a shell's script reads as the end of an answer, or shows as something else than text.
_HARMLESS = {**dict.fromkeys(range(32), " "), 127: " "}


def one_job(name: str = "job", metavar: str = "ID") -> Callable[[session.Command], session.Command]:
    """Add an argument that is one job."""
    return click.argument(name, metavar=metavar, shell_complete=job_ids)


def some_jobs(name: str = "jobs", metavar: str = "ID…") -> Callable[[session.Command], session.Command]:
    """Add an argument that is one job or several."""
    return click.argument(name, metavar=metavar, nargs=-1, required=True, shell_complete=job_ids)
