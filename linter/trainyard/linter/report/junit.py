"""JUnit XML: a suite per file, a case per finding; a file without findings is a case that passes.

What reaches the level that fails is a failure, what lies below it passes with its message, what is
suppressed is skipped with the reason, a crash of ours is an error. Elements and attributes are those that the
schema of Jenkins' xUnit plugin knows: it refuses others, such as the file and line of a case, so these are in the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TextIO
from xml.sax.saxutils import escape, quoteattr

from trainyard.linter.engine.own import RULE_CRASHED
from trainyard.linter.report.paths import legible

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Finding
    from trainyard.linter.engine.report import Report

# Characters that XML 1.0 cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JunitReporter:
    """Writes the document when the run is over."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._suites: list[str] = []
        self._tests = 0
        self._failures = 0
        self._errors = 0

    def file(self, path: str, report: Report) -> None:
        """Remember the suite of one file."""
        path = legible(path)
        findings = [finding for finding in report.findings if not finding.fixed]
        cases = [_case(path, report, finding) for finding in findings] or [_passing(path)]
        failures = sum(_fails(report, finding) for finding in findings)
        errors = sum(_is_error(finding) for finding in findings)
        skipped = sum(finding.suppressed is not None for finding in findings)
        counts = f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="{skipped}"'
        named = _attribute(path)
        self._suites.append(f"  <testsuite name={named} file={named} {counts}>\n{''.join(cases)}{_rest(report)}  </testsuite>\n")
        self._tests += len(cases)
        self._failures += failures
        self._errors += errors

    def close(self) -> None:
        """Write the document."""
        self._stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        self._stream.write(f'<testsuites name="trainlint" tests="{self._tests}" failures="{self._failures}" errors="{self._errors}">\n')
        self._stream.writelines(self._suites)
        self._stream.write("</testsuites>\n")


def _passing(path: str) -> str:
    return f'    <testcase name="trainlint" classname={_attribute(path)} />\n'


def _case(path: str, report: Report, finding: Finding) -> str:
    name = f"{finding.code} {finding.name} {finding.pointer} {finding.start.line}:{finding.start.column}"
    opening = f"    <testcase name={_attribute(name)} classname={_attribute(path)}>"
    place = f"{path}:{finding.start.line}:{finding.start.column}"
    text = f"{place}: {finding.severity.label} {finding.message}"
    if finding.suppressed is not None:
        inner = f"<skipped message={_attribute(finding.suppressed)} />"
    elif _is_error(finding):
        inner = f'<error type="{finding.name}" message={_attribute(finding.message)}>{_text(text)}</error>'
    elif _fails(report, finding):
        inner = f'<failure type="{finding.severity.label}" message={_attribute(finding.message)}>{_text(text)}</failure>'
    else:
        inner = f"<system-out>{_text(text)}</system-out>"
    return f"{opening}{inner}</testcase>\n"


def _rest(report: Report) -> str:
    return f"    <system-out>at least {report.more_findings} more not shown</system-out>\n" if report.more_findings else ""


def _is_error(finding: Finding) -> bool:
    return finding.code == RULE_CRASHED.code and finding.suppressed is None


def _fails(report: Report, finding: Finding) -> bool:
    return not _is_error(finding) and finding.suppressed is None and report.fail_on is not None and finding.severity >= report.fail_on


def _attribute(text: str) -> str:
    return quoteattr(_ILLEGAL.sub("�", text))


def _text(text: str) -> str:
    return escape(_ILLEGAL.sub("�", text))
