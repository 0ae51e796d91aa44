"""One line a finding, as editors and grep read it: ``path:line:column: CODE[name] severity message``."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from trainyard.linter.report.terminal import PLAIN, Palette, harmless, named

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report


class ConciseReporter:
    """Writes one line a finding and nothing else."""

    def __init__(self, stream: TextIO, palette: Palette = PLAIN) -> None:
        self._stream = stream
        self._palette = palette

    def file(self, path: str, report: Report) -> None:
        """Write the findings of one file."""
        paint, palette = self._palette.paint, self._palette
        shown = named(path)
        for finding in report.findings:
            if finding.suppressed is not None or finding.fixed:
                continue
            severity = paint(getattr(palette, finding.severity.label), finding.severity.label)
            place = f"{shown}:{finding.start.line}:{finding.start.column}:"
            self._stream.write(f"{place} {paint(palette.bold, finding.code)}[{finding.name}] {severity} {harmless(finding.message)}\n")
        if report.more_findings:
            self._stream.write(f"{shown}: at least {report.more_findings} more not shown\n")

    def close(self) -> None:
        """Nothing closes this format."""
