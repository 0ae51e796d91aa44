"""The report for people: every finding with its line, and a caret under the very key or value.

error[LR001]: learning rate 0.5 is far above what Adam can use here; write 0.001
  --> digits.trainspec.json:31:51 /optimizer/learning_rate
   |
31 |   "optimizer": { "type": "adam", "learning_rate": 0.5 },
   |                                                   ^^^ learning-rate-too-high
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from trainyard.linter.engine.findings import Finding
from trainyard.linter.report.terminal import PLAIN, Palette, harmless, named, window
from trainyard.linter.report.totals import Totals

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report

_CELLS = 120


class FullReporter:
    """Writes findings with code frames, and a closing line."""

    def __init__(self, stream: TextIO, palette: Palette = PLAIN, cells: int = _CELLS, *, offer_fixes: bool = True) -> None:
        self._stream = stream
        self._palette = palette
        self._cells = cells
        self._offer_fixes = offer_fixes
        self._totals = Totals()

    def file(self, path: str, report: Report) -> None:
        """Write the findings of one file."""
        self._totals.add(report)
        for finding in report.findings:
            if finding.suppressed is None and not finding.fixed:
                self._stream.write(self._frame(path, report, finding))
        if report.more_findings:
            self._stream.write(f"{named(path)}: at least {report.more_findings} more not shown\n\n")

    def close(self) -> None:
        """Write the closing line."""
        style = self._palette.good if self._totals.is_clean else self._palette.bold
        self._stream.write(self._palette.paint(style, self._totals.sentence()) + "\n")
        advice = self._totals.advice() if self._offer_fixes else ""
        if advice:
            self._stream.write(f"{advice}.\n")
        if self._totals.example:
            hint = f"`trainlint explain {self._totals.example}` tells why it matters and when to ignore it."
            self._stream.write(self._palette.paint(self._palette.dim, hint) + "\n")

    def _frame(self, path: str, report: Report, finding: Finding) -> str:
        paint, palette = self._palette.paint, self._palette
        style = getattr(palette, finding.severity.label)
        lines = report.document.lines
        line = lines.line(finding.start.line)
        cut = window(line, *_marked(report, finding, len(line)), self._cells)
        number = str(finding.start.line)
        gutter = " " * len(number)
        bar = paint(palette.frame, "|")
        caret = " " * cut.before + paint(style, f"{'^' * cut.marked} {finding.name}")
        place = f"{harmless(path)}:{number}:{finding.start.column}"
        rows = [
            f"{paint(style, f'{finding.severity.label}[{finding.code}]')}{paint(palette.bold, f': {harmless(finding.message)}')}",
            f"{gutter}{paint(palette.frame, '-->')} {place} {paint(palette.dim, harmless(finding.pointer))}".rstrip(),
            f"{gutter} {bar}",
            f"{paint(palette.frame, number)} {bar} {cut.text}".rstrip(),
            f"{gutter} {bar} {caret}",
        ]
        return "\n".join(rows) + "\n\n"


def _marked(report: Report, finding: Finding, length: int) -> tuple[int, int]:
    """Return which part of the first line to mark; of a value over several lines, its key stands for it."""
    start, end = finding.start, finding.end
    if end.line == start.line:
        return start.column - 1, max(end.column, start.column) - 1
    key_start, key_end = report.document.span(finding.pointer, "key")
    if key_start.line == key_end.line == start.line:
        return key_start.column - 1, key_end.column - 1
    return start.column - 1, length
