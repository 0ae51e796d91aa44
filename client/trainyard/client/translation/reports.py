"""Lint reports: messages in, the linter's own findings out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from trainyard.client.translation import jobs
from trainyard.client.values.report import LintReport, Submission
from trainyard.linter.engine.findings import Finding, Position, Severity, Suggestion

if TYPE_CHECKING:
    from trainyard.v1 import lint_pb2
    from trainyard.v1 import training_service_pb2 as pb


def report(message: lint_pb2.LintReport) -> LintReport:
    """Read a report."""
    return LintReport(
        digest=message.digest,
        spec_digest=message.spec_digest,
        ruleset=message.ruleset,
        passed=message.passed,
        findings=tuple(finding(item) for item in message.findings),
        more_findings=message.more_findings,
        document_json=message.report_json,
    )


def submission(response: pb.CreateJobResponse) -> Submission:
    """Read what became of a submitted spec."""
    return Submission(jobs.job(response.job), report(response.report))


def finding(message: lint_pb2.Finding) -> Finding:
    """Read a finding; one of a severity that only a newer client knows is an error."""
    return Finding(
        code=message.code,
        name=message.name,
        severity=Severity(message.severity) if message.severity in _SEVERITIES else Severity.ERROR,
        message=message.message,
        pointer=message.pointer,
        start=_position(message.start),
        end=_position(message.end),
        suggestion=_suggestion(message.suggestion) if message.HasField("suggestion") else None,
        suppressed=message.suppressed_reason if message.HasField("suppressed_reason") else None,
    )


_SEVERITIES = frozenset(int(severity) for severity in Severity)


def _position(message: lint_pb2.Position) -> Position:
    # A finding without a place is about the whole text.
    return Position(message.line or 1, message.column or 1, message.offset)


def _suggestion(message: lint_pb2.Suggestion) -> Suggestion | None:
    try:
        value = json.loads(message.value_json)
    except ValueError:
        return None
    return Suggestion(message.pointer, value)
