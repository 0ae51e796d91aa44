"""Findings as an editor underlines them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lsprotocol import types

from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Finding
    from trainyard.linter.lsp.text import ClientText

SOURCE = "trainlint"
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}
# What these find does nothing: editors show it faded.
_WITHOUT_EFFECT = frozenset({"key-without-effect", "unused-suppression"})


def diagnostics(findings: Iterable[Finding], text: ClientText) -> list[types.Diagnostic]:
    """Return what there is to show; what the author or a baseline accepts is not."""
    return [_diagnostic(finding, text) for finding in findings if finding.suppressed is None]


def _diagnostic(finding: Finding, text: ClientText) -> types.Diagnostic:
    return types.Diagnostic(
        range=text.byte_range(finding.start.offset, finding.end.offset),
        message=finding.message,
        severity=_SEVERITIES[finding.severity],
        code=finding.code,
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if finding.name in _WITHOUT_EFFECT else None,
        data={"name": finding.name, "pointer": finding.pointer},
    )
