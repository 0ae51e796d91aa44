"""Lint reports: from the JSON that the store keeps to the contract's message."""

from __future__ import annotations

import json
from typing import Any

from trainyard.service.core.jobstore import StoredReport
from trainyard.v1 import lint_pb2

_SEVERITIES = {
    "info": lint_pb2.SEVERITY_INFO,
    "warning": lint_pb2.SEVERITY_WARNING,
    "error": lint_pb2.SEVERITY_ERROR,
}


def report_message(report: StoredReport) -> lint_pb2.LintReport:
    """Translate a report; ``report_json`` carries the whole of it."""
    whole = json.loads(report.body)
    judged = whole["files"][0]
    return lint_pb2.LintReport(
        digest=report.digest,
        spec_digest=judged["digest"] or "",
        ruleset=whole["ruleset"],
        passed=judged["verdict"] == "pass",
        findings=[_finding(finding) for finding in judged["findings"]],
        more_findings=judged.get("more_findings", 0),
        report_json=report.body.encode(),
    )


def _finding(finding: dict[str, Any]) -> lint_pb2.Finding:
    return lint_pb2.Finding(
        code=finding["code"],
        name=finding["name"],
        severity=_SEVERITIES[finding["severity"]],
        message=finding["message"],
        pointer=finding["pointer"],
        start=_position(finding["start"]),
        end=_position(finding["end"]),
        suggestion=_suggestion(finding["suggestion"]),
        suppressed_reason=finding["suppressed"],
    )


def _position(position: dict[str, int]) -> lint_pb2.Position:
    return lint_pb2.Position(line=position["line"], column=position["column"], offset=position["offset"])


def _suggestion(suggestion: dict[str, Any] | None) -> lint_pb2.Suggestion | None:
    if suggestion is None:
        return None
    return lint_pb2.Suggestion(pointer=suggestion["pointer"], value_json=json.dumps(suggestion["value"]))
