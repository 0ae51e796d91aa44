"""Findings that were there before the linter came: known by rule and pointer, so that they survive edits elsewhere.

A baseline never hides faults of text or schema: nothing behind them was judged.
"""

from __future__ import annotations

from collections.abc import Iterable

from trainyard.linter.engine.findings import Finding

REASON = "baseline"
_NEVER = ("JSON", "SPEC", "LINT")


def mark(findings: Iterable[Finding], known: frozenset[tuple[str, str]]) -> list[Finding]:
    """Return the findings, those in the baseline marked as suppressed."""
    return [finding._replace(suppressed=REASON) if _counts(finding) and key(finding) in known else finding for finding in findings]


def candidates(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return what a new baseline has to know, sorted, each once: findings already in the old one included."""
    return sorted({key(finding) for finding in findings if _counts(finding) or finding.suppressed == REASON})


def key(finding: Finding) -> tuple[str, str]:
    """Return what identifies a finding within its file."""
    return finding.code, finding.pointer


def _counts(finding: Finding) -> bool:
    return finding.suppressed is None and not finding.code.startswith(_NEVER)
