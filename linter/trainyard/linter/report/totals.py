"""Counts over all files, and the sentence that closes a report for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report


class Totals:
    """How many files and findings there were. ``example`` is the code of the worst finding, to explain it."""

    def __init__(self) -> None:
        self.files = 0
        self.failed = 0
        self.suppressed = 0
        self.fixed = 0
        self.more = 0
        self.waiting = 0
        self.fixable = 0
        self.suggested = 0
        self.counts = dict.fromkeys(Severity, 0)
        self.example = ""
        self._worst = 0

    def add(self, report: Report) -> None:
        """Count one file."""
        self.files += 1
        self.failed += not report.passed
        self.more += report.more_findings
        self.waiting = max(self.waiting, report.rules_waiting)
        if any(finding.suggestion is not None or finding.edits for finding in report.findings):
            from trainyard.linter.engine.fixes import fixable

            safe, unsafe = fixable(report)
            self.fixable += safe
            self.suggested += unsafe
        for finding in report.findings:
            if finding.fixed:
                self.fixed += 1
            elif finding.suppressed is not None:
                self.suppressed += 1
            else:
                self.counts[finding.severity] += 1
                if finding.severity > self._worst:
                    self._worst, self.example = finding.severity, finding.code

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to say."""
        return not any(self.counts.values()) and not self.more

    def advice(self) -> str:
        """Return what can be done about the findings by itself, if anything."""
        offers = ((self.fixable, "`--fix`"), (self.suggested, "`--fix --unsafe-fixes`"))
        parts = [f"{count} {{}} with {how}" for count, how in offers if count]
        return ", ".join(part.format("more" if index else "can be mended") for index, part in enumerate(parts))

    def sentence(self) -> str:
        """Return the closing sentence."""
        asides = [f"{count} {word}" for count, word in ((self.fixed, "fixed"), (self.suppressed, "suppressed")) if count]
        aside = f" ({', '.join(asides)})" if asides else ""
        if self.is_clean:
            return f"{_count(self.files, 'spec')} checked, nothing found{aside}."
        kinds = (Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "info")
        found = ", ".join(_count(self.counts[severity], word) for severity, word in kinds if self.counts[severity])
        more = f", at least {self.more} more not shown" if self.more else ""
        return f"Found {found}{more} in {_count(self.files, 'spec')}; {self._verdict()}{aside}.{self._patience()}"

    def _patience(self) -> str:
        """Say that more may follow: a rule whose inputs are broken has not spoken yet."""
        if not self.waiting:
            return ""
        upto = "" if self.files == 1 else "Up to "
        return f" {upto}{_count(self.waiting, 'rule')} waited: they read what is broken."

    def _verdict(self) -> str:
        if self.files == 1:
            return "it fails" if self.failed else "it passes"
        return f"{self.failed} {'fails' if self.failed == 1 else 'fail'}" if self.failed else "all pass"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 or word == "info" else f"{number} {word}s"
