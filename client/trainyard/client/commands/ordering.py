"""Handing specs to a server and saying what became of them: what ``submit`` and ``retry`` share."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from trainyard.client.commands import monitoring, session

if TYPE_CHECKING:
    from trainyard.client.client import Client
    from trainyard.client.errors import SpecRefused
    from trainyard.client.values.job import Job
    from trainyard.client.values.report import LintReport


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
        if refusal.report.digest and (refusal.report.more_findings or not refusal.report.findings):
            click.echo(f"the whole report: trainyard lint-report {session.shown(refusal.report.digest)}", err=True)
        _compare(refusal.report.ruleset)

    def _accepted(self, name: str, raw: bytes, job: Job, report: LintReport) -> None:
        from trainyard.client import frames

        if not self.as_json:
            frames.show(name, raw, report, sys.stderr)
        _compare(report.ruleset)
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


def accompany(client: Client, job: Job, mode: str, *, as_json: bool) -> int:
    """Stay with a job until it ends, and return the exit code."""
    from trainyard.client import documents

    ended = monitoring.monitor(client, job, mode)
    if as_json and mode == "none":
        click.echo(documents.dump(documents.job(ended)))
        return session.outcome_code(ended)
    return monitoring.conclude(ended, mode)


def _compare(theirs: str) -> None:
    """Warn when the server judges by other rules than the linter that is installed here: the verdicts may differ."""
    from trainyard.linter.engine.configuration import NEWEST_RULESET

    date = theirs.rpartition("@")[2]
    if theirs and date != NEWEST_RULESET:
        click.echo(
            f"warning: the server judges by {session.shown(theirs)}, trainlint here by {NEWEST_RULESET}; verdicts may differ", err=True
        )
