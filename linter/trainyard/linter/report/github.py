"""Annotations for GitHub Actions, as workflow commands.

GitHub shows ten errors, ten warnings and ten notices a step and drops the rest, so the worst come first and what
would be dropped is written as plain lines into the log. A column is only accepted where a finding lies on one line,
a message may have 64 KiB. The runner looks for commands in every line of a log, so nothing that comes from a spec or a
file name may look like one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from trainyard.linter.report.paths import legible, within
from trainyard.linter.report.terminal import harmless, named
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Finding
    from trainyard.linter.engine.report import Report

SHOWN_PER_LEVEL = 10
# A character takes at most four bytes of the 64 KiB.
LONGEST_MESSAGE = 16_000
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


class GithubReporter:
    """Writes workflow commands when the run is over.

    Args:
        stream: where to; GitHub reads standard output and standard error.
        root: the checkout that paths are relative to.
    """

    def __init__(self, stream: TextIO, root: str) -> None:
        self._stream = stream
        self._root = root
        self._found: list[tuple[str, Finding]] = []
        self._more = 0

    def file(self, path: str, report: Report) -> None:
        """Remember the findings of one file."""
        shown = _inert(harmless(legible(within(path, self._root))))
        self._found += [(shown, finding) for finding in report.findings if finding.suppressed is None and not finding.fixed]
        self._more += report.more_findings

    def close(self) -> None:
        """Write the commands, errors first."""
        for severity, command in _COMMANDS.items():
            found = [(path, finding) for path, finding in self._found if finding.severity is severity]
            for path, finding in found[:SHOWN_PER_LEVEL]:
                self._stream.write(_command(command, path, finding))
            for path, finding in found[SHOWN_PER_LEVEL:]:
                self._stream.write(_line(path, finding))
            self._more += len(found[SHOWN_PER_LEVEL:])
        if self._more:
            self._stream.write(f"::notice title=trainlint::{self._more} more findings; those that were kept are in the log\n")


def _command(command: str, path: str, finding: Finding) -> str:
    properties = {"file": path, "line": finding.start.line, "endLine": finding.end.line}
    if finding.start.line == finding.end.line:
        properties |= {"col": finding.start.column, "endColumn": finding.end.column}
    properties["title"] = f"{finding.code} {finding.name}"
    listed = ",".join(f"{name}={_escaped_property(str(value))}" for name, value in properties.items())
    message = finding.message
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[: LONGEST_MESSAGE - 1]}…"
    return f"::{command} {listed}::{_inert(harmless(_escaped(message)))}\n"


def _line(path: str, finding: Finding) -> str:
    place = f"{named(path)}:{finding.start.line}:{finding.start.column}"
    return f"{place}: {finding.code}[{finding.name}] {finding.severity.label} {_inert(harmless(finding.message))}\n"


def _inert(text: str) -> str:
    """Return text without the older mark of a command, which counts anywhere in a line."""
    return text.replace("##[", "## [")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
