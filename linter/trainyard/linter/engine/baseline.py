"""Findings that were there before the linter came: known by rule and pointer, so that they survive edits elsewhere.

A baseline never hides faults of text or schema: nothing behind them was judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trainyard.linter.engine.findings import Finding, Severity
from trainyard.linter.engine.plan import plan

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report

REASON = "baseline"
_NEVER = ("JSON", "SPEC", "LINT")


def mark(findings: Iterable[Finding], known: frozenset[tuple[str, str]]) -> list[Finding]:
    """Return the findings, those in the baseline marked as suppressed."""
    return [finding._replace(suppressed=REASON) if _counts(finding) and key(finding) in known else finding for finding in findings]


def candidates(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return what a new baseline has to know, sorted, each once: findings already in the old one included."""
    return sorted({key(finding) for finding in findings if _counts(finding) or finding.suppressed == REASON})


def unacceptable(findings: Iterable[Finding]) -> int:
    """Return how many errors of text and schema there are, which no baseline can hold."""
    return sum(
        finding.code.startswith(_NEVER) and finding.severity >= Severity.ERROR and finding.suppressed is None for finding in findings
    )


def stale(report: Report) -> int:
    """Return how many entries of the baseline this file has no finding for any more, though their rules ran."""
    if not report.configuration.baseline:
        return 0
    ran = {planned.rule.code for planned in plan(report.configuration).rules}
    found = {key(finding) for finding in report.findings}
    return sum(entry not in found and entry[0] in ran for entry in report.configuration.baseline)


def key(finding: Finding) -> tuple[str, str]:
    """Return what identifies a finding within its file."""
    return finding.code, finding.pointer


def _counts(finding: Finding) -> bool:
    return finding.suppressed is None and not finding.code.startswith(_NEVER)
