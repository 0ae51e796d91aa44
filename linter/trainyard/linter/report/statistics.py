"""``--statistics``: how often each rule spoke, and what its judgement cost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report


class StatisticsReporter:
    """Writes a table when the run is over: findings, suppressed ones, milliseconds, code, name."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._names: dict[str, str] = {}
        self._found: Counter[str] = Counter()
        self._suppressed: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()
        self._files = 0

    def file(self, path: str, report: Report) -> None:  # noqa: ARG002 - statistics are over all files
        """Count one file."""
        from trainyard.linter.engine import catalogue

        self._files += 1
        for code, seconds in report.seconds.items():
            self._seconds[code] += seconds  # type: ignore[assignment]  # Counter adds floats as well
            if code not in self._names and (entry := catalogue.find(code, report.configuration.plugins)) is not None:
                self._names[code] = entry.name
        for finding in report.findings:
            self._names[finding.code] = finding.name
            if finding.suppressed is not None:
                self._suppressed[finding.code] += 1
            elif not finding.fixed:
                self._found[finding.code] += 1

    def close(self) -> None:
        """Write the table, most frequent first."""
        codes = sorted({*self._names, *self._seconds}, key=lambda code: (-self._found[code], -self._seconds[code], code))
        self._stream.write(f"{'found':>7} {'suppressed':>11} {'ms':>9}  rule  (files: {self._files})\n")
        for code in codes:
            timing = f"{1000 * self._seconds[code]:9.3f}" if code in self._seconds else f"{'-':>9}"
            name = f" {self._names[code]}" if code in self._names else ""
            self._stream.write(f"{self._found[code]:7} {self._suppressed[code]:11} {timing}  {code}{name}\n")
