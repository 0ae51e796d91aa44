"""``trainyard submit``: hand specs to a server, and perhaps stay for what becomes of them."""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from trainyard.client.commands import monitoring, session
from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.client.client import Client
    from trainyard.client.errors import SpecRefused
    from trainyard.client.values.job import Job
    from trainyard.client.values.report import LintReport

STDIN = "-"
EXAMPLES = """\b
Examples:
  trainyard submit digits.trainspec.json --watch
  trainyard submit *.trainspec.json --json | jq -r .id
"""


@click.command(epilog=EXAMPLES)
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option("--watch", is_flag=True, help="Follow each job until it ends.")
@click.option("--wait", is_flag=True, help="Wait for each job to end, showing nothing.")
@click.option("--dry-run", is_flag=True, help="Only ask whether the server would take it.")
@click.option("--priority", type=click.IntRange(-(2**31), 2**31 - 1), default=0, show_default=True, help="Larger runs first.")
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
    priority: int,
    request_id: uuid.UUID | None,
    progress: str,
    as_json: bool,
    server: str | None,
    token_file: str | None,
) -> int:
    """Submit specs as jobs. The server lints them again and refuses what can't finish well; - is standard input."""
    if request_id and len(files) > 1:
        raise click.UsageError("--request-id names one submission; give one FILE with it")
    if dry_run and (watch or wait):
        raise click.UsageError("--dry-run makes no job to watch or wait for")
    order = Order(dry_run, priority, str(request_id) if request_id else None, as_json, last_word=not (watch or wait))
    specs = [(name, _read(name)) for name in files]
    mode = "none" if not watch else "json" if as_json else progress
    codes = []
    with session.session(server, token_file) as client:
        for name, raw in specs:
            job = order.place(client, name, raw)
            if job is None:
                codes.append(session.REFUSED)
            elif watch or wait:
                codes.append(_accompany(client, job, mode, as_json=as_json))
    return session.gravest(codes)


@dataclass(frozen=True, slots=True)
class Order:
    """How specs are to be submitted, and how the answer is printed; ``last_word`` when nothing follows it."""

    dry_run: bool
    priority: int
    request_id: str | None
    as_json: bool
    last_word: bool

    def place(self, client: Client, name: str, raw: bytes) -> Job | None:
        """Submit one spec and print the answer; None when it was refused."""
        from trainyard.client.errors import SpecRefused

        try:
            accepted = client.create_job(raw, request_id=self.request_id, validate_only=self.dry_run, priority=self.priority)
        except SpecRefused as refusal:
            self._refused(name, raw, refusal)
            return None
        self._accepted(name, raw, accepted.job, accepted.report)
        return accepted.job

    def _refused(self, name: str, raw: bytes, refusal: SpecRefused) -> None:
        from trainyard.client import documents, frames

        if self.as_json:
            verdict = {"report_digest": refusal.report.digest or None, **frames.entry(name, raw, refusal.report)}
            click.echo(documents.dump({"id": None, "state": "refused", "message": str(refusal), **verdict}))
        else:
            frames.show(name, raw, refusal.report, sys.stdout)
            sys.stdout.flush()
        click.echo(f"error: {session.shown(name)} was refused: {session.shown(str(refusal))}", err=True)

    def _accepted(self, name: str, raw: bytes, job: Job, report: LintReport) -> None:
        from trainyard.client import frames

        if not self.as_json:
            frames.show(name, raw, report, sys.stderr)
        if not self.last_word:
            return
        if self.as_json:
            self._accepted_json(name, raw, job, report)
        elif self.dry_run:
            click.echo(f"{session.shown(name)} would be accepted")
        else:
            click.echo(f"{job.id}  {session.shown(job.experiment)}  {job.state.value}")
            click.echo(f"follow it: trainyard watch {job.id}", err=True)

    def _accepted_json(self, name: str, raw: bytes, job: Job, report: LintReport) -> None:
        from trainyard.client import documents, frames

        state = "valid" if self.dry_run else job.state.value
        verdict = {"findings": frames.entry(name, raw, report)["findings"]} if self.dry_run else {}
        click.echo(documents.dump({"id": job.id or None, "state": state, "experiment": job.experiment, "path": name, **verdict}))


def _accompany(client: Client, job: Job, mode: str, *, as_json: bool) -> int:
    from trainyard.client import documents

    ended = monitoring.monitor(client, job, mode)
    if as_json and mode == "none":
        click.echo(documents.dump(documents.job(ended)))
        return session.outcome_code(ended)
    return monitoring.conclude(ended, mode)


def _read(name: str) -> bytes:
    from pathlib import Path

    try:
        return sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        raise Refusal(f"can't read {session.shown(name)}: {(error.strerror or str(error)).lower()}") from None
