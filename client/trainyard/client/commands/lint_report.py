"""``trainyard lint-report``: what the server's gate said about a spec, in full."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from trainyard.client.commands import references, session

if TYPE_CHECKING:
    from trainyard.client.client import Client
    from trainyard.client.values.report import LintReport

# An id is shorter; a digest is told whole.
_DIGEST = re.compile(r"[0-9a-f]{64}")


@click.command(
    "lint-report", epilog=session.examples("trainyard lint-report @", "trainyard lint-report 5e2f…  # the digest that a refusal told")
)
@references.one_job("reference", "ID|DIGEST")
@session.json_option
@session.server_options
def lint_report(reference: str, as_json: bool, where: session.Where) -> int:
    """Show the lint report that let a job in, or the one that kept a spec out.

    A refusal names the digest of its report; it is kept for 24 hours. The exit code is 1 for a report that refused.
    """
    with session.session(where) as client:
        report, name, raw = _fetch(client, reference)
    if as_json:
        click.echo(report.document_json.decode(errors="replace").rstrip("\n"))
    else:
        _show(report, name, raw)
    return 0 if report.passed else 1


def _fetch(client: Client, reference: str) -> tuple[LintReport, str, bytes | None]:
    if _DIGEST.fullmatch(reference):
        return client.lint_report(digest=reference), reference[:12], None
    found = client.get_job_spec(session.find(client, reference).id)
    return client.lint_report(job_id=found.job.id), f"{found.job.experiment}.trainspec.json", found.source


def _show(report: LintReport, name: str, raw: bytes | None) -> None:
    from trainyard.client import frames

    if raw is not None:
        frames.show(name, raw, report, sys.stdout)
    else:
        for finding in report.findings:
            place = f"{finding.start.line}:{finding.start.column} {finding.pointer}"
            click.echo(session.shown(f"{finding.severity.label}[{finding.code}]: {finding.message}"))
            click.echo(session.shown(f"  --> {name}:{place}  {finding.name}"))
    more = f", {report.more_findings} more" if report.more_findings else ""
    verdict = "it was let in" if report.passed else "it was refused"
    click.echo(f"{len(report.findings)} findings{more}; {verdict} ({session.shown(report.ruleset)}, report {report.digest[:12]})")
