"""A server's findings, shown on the author's own text exactly as ``trainlint`` shows them.

The server sends places; the text they are places in is here. What a foreign server sends is checked
against it first, because a place outside the text must not become a traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from trainyard.linter.cli.outputs import palette
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.report import Report
from trainyard.linter.report.full import FullReporter
from trainyard.linter.source import Document

if TYPE_CHECKING:
    from trainyard.client import documents
    from trainyard.client.values.report import LintReport
    from trainyard.linter.engine.findings import Finding


def show(path: str, raw: bytes, verdict: LintReport, stream: TextIO) -> None:
    """Write the findings with code frames, and the line that sums them up; nothing when there are none."""
    if not verdict.findings and not verdict.more_findings:
        return
    # What is safe to mend does not travel with a finding, and it is trainlint that mends.
    reporter = FullReporter(stream, palette(stream, "auto"), offer_fixes=False)
    reporter.file(path, _report(raw, verdict))
    reporter.close()


def entry(path: str, raw: bytes, verdict: LintReport) -> documents.Document:
    """Return the verdict in the shape of a file's entry in ``trainlint check --format json``."""
    return {**_report(raw, verdict).entry(path), "digest": verdict.spec_digest or None}


def _report(raw: bytes, verdict: LintReport) -> Report:
    document = Document.parse(raw)
    return Report(
        document,
        Configuration(),
        findings=tuple(_placed(finding, document) for finding in verdict.findings),
        more_findings=verdict.more_findings,
        rules_waiting=_waiting(verdict),
        passed=verdict.passed,
    )


def _waiting(verdict: LintReport) -> int:
    """Return how many rules could not judge, where the server sent its whole report."""
    import json

    try:
        waiting = json.loads(verdict.document_json)["files"][0]["rules_waiting"]
    except (ValueError, LookupError, TypeError):
        return 0
    return waiting if isinstance(waiting, int) else 0


def _placed(finding: Finding, document: Document) -> Finding:
    """Return the finding at a place that the text has."""
    if finding.start.line <= finding.end.line <= len(document.lines) and min(finding.start) >= 0 < finding.start.line:
        return finding
    start, end = document.span(finding.pointer, finding.target)
    return finding._replace(start=start, end=end)
