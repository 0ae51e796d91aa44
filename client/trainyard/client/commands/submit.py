"""``trainyard submit``: hand specs to a server, and perhaps stay for what becomes of them."""

from __future__ import annotations

import sys
import uuid

import click

from trainyard.client.commands import monitoring, session
from trainyard.client.commands.ordering import Order, accompany
from trainyard.linter.cli.exits import Refusal

STDIN = "-"
_PRIORITY = click.IntRange(-(2**31), 2**31 - 1)


@click.command(
    epilog=session.examples(
        "trainyard submit digits.trainspec.json --watch",
        "trainyard submit a.trainspec.json --set optimizer.learning_rate=0.001 --set training.epochs=50",
        "trainyard submit *.trainspec.json --json | jq -r .id",
    )
)
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--watch", is_flag=True, help="Follow each job until it ends.")
@click.option("--wait", is_flag=True, help="Wait for each job to end, showing nothing.")
@click.option("--dry-run", is_flag=True, help="Only ask whether the server would take it.")
@click.option(
    "--set", "assignments", multiple=True, metavar="PATH=VALUE", help="Write a value into the spec that is sent; may be repeated."
)
@click.option("--priority", type=_PRIORITY, default=0, show_default=True, help="Larger runs first.")
@click.option("--request-id", type=click.UUID, metavar="UUID", help="Submitting again with the same one makes no second job.")
@monitoring.progress_option
@session.json_option
@session.server_options
def submit(
    *,
    files: tuple[str, ...],
    watch: bool,
    wait: bool,
    dry_run: bool,
    assignments: tuple[str, ...],
    priority: int,
    request_id: uuid.UUID | None,
    progress: str,
    as_json: bool,
    where: session.Where,
) -> int:
    """Submit specs as jobs. The server lints them again and refuses what can't finish well; - is standard input."""
    if request_id and len(files) > 1:
        raise click.UsageError("--request-id names one submission; give one FILE with it")
    if dry_run and (watch or wait):
        raise click.UsageError("--dry-run makes no job to watch or wait for")
    order = Order(dry_run, priority, str(request_id) if request_id else None, as_json, last_word=not (watch or wait))
    specs = [(name, _changed(_read(name), assignments)) for name in files]
    mode = "none" if not watch else "json" if as_json else progress
    monitoring.demand(mode)
    codes = []
    with session.session(where) as client:
        for name, raw in specs:
            job = order.place(client, name, raw)
            if job is None:
                codes.append(session.REFUSED)
            elif watch or wait:
                codes.append(accompany(client, job, mode, as_json=as_json))
    return session.gravest(codes)


def _read(name: str) -> bytes:
    from pathlib import Path

    try:
        return sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        raise Refusal(f"can't read {session.shown(name)}: {(error.strerror or str(error)).lower()}") from None


def _changed(raw: bytes, assignments: tuple[str, ...]) -> bytes:
    if not assignments:
        return raw
    from trainyard.client import overrides

    with session.refusing():
        return overrides.apply(raw, assignments)
