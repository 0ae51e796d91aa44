"""What a server's lint gate said. The findings are the linter's own, so that its renderer shows them."""

from __future__ import annotations

from dataclasses import dataclass

from trainyard.client.values.job import Job
from trainyard.linter.engine.findings import Finding


@dataclass(frozen=True, slots=True)
class LintReport:
    """A verdict; ``more_findings`` counts those that are not listed, ``document_json`` is the whole report."""

    digest: str
    spec_digest: str
    ruleset: str
    passed: bool
    findings: tuple[Finding, ...]
    more_findings: int
    document_json: bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """A job that was accepted and the report that let it in; the job has no id when it was judged only."""

    job: Job
    report: LintReport
