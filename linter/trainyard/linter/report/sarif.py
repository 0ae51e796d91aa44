"""SARIF 2.1.0, as code scanning reads it.

What readers insist on: ``results`` is there even when empty, every result has a region, lines and columns
begin at 1, columns count UTF-16 units, addresses are relative to the repository and percent-encoded.
Suppressed findings are in it, with their justification. A result is known again by the pointer at which it lies,
whatever is written above it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TextIO

from trainyard.linter.engine import baseline, edits
from trainyard.linter.engine.catalogue import Described, catalogue
from trainyard.linter.report.paths import address, legible, within
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Finding, Position
    from trainyard.linter.engine.report import Report
    from trainyard.linter.source.document import Document

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.INFO: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}
# Code scanning refuses a run with more.
_MAX_RESULTS = 25_000
# Versioned, as the standard asks. GitHub computes its own `primaryLocationLineHash` beside it and complains when it is given.
_FINGERPRINT = "pointer/v1"


class SarifReporter:
    """Writes the log when the run is over.

    Args:
        stream: where to.
        root: the checkout that addresses are relative to.
    """

    def __init__(self, stream: TextIO, root: str) -> None:
        self._stream = stream
        self._root = root
        self._results: list[dict[str, Any]] = []
        self._notes: list[dict[str, Any]] = []
        self._crashed = False
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self._rules = {entry.code: index for index, entry in enumerate(catalogue())}

    def file(self, path: str, report: Report) -> None:
        """Remember the results of one file."""
        shown = within(path, self._root)
        self._results += [self._result(shown, report, finding) for finding in report.findings if not finding.fixed]
        if report.more_findings:
            self._note("note", f"{legible(shown)}: {report.more_findings} more findings not shown")
        for crash in report.crashes:
            self._crashed = True
            self._note("error", f"{legible(shown)}: {crash.where} crashed: a fault of trainlint, please report it")

    def close(self) -> None:
        """Write the log."""
        if len(self._results) > _MAX_RESULTS:
            self._note("note", f"{len(self._results) - _MAX_RESULTS} more results not shown")
        run = {
            "tool": {"driver": _driver()},
            "columnKind": "utf16CodeUnits",
            "invocations": [{"executionSuccessful": not self._crashed, "toolExecutionNotifications": self._notes}],
            "results": self._results[:_MAX_RESULTS],
        }
        self._stream.write(json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False))
        self._stream.write("\n")

    def _note(self, level: str, text: str) -> None:
        self._notes.append({"level": level, "message": {"text": text}})

    def _result(self, path: str, report: Report, finding: Finding) -> dict[str, Any]:
        artifact = {"uri": address(path)}
        place: dict[str, Any] = {
            "physicalLocation": {"artifactLocation": artifact, "region": _region(report.document, finding.start, finding.end)}
        }
        if finding.pointer:
            place["logicalLocations"] = [{"fullyQualifiedName": finding.pointer, "kind": "member"}]
        result: dict[str, Any] = {
            "ruleId": finding.code,
            "level": _LEVELS[finding.severity],
            "message": {"text": finding.message},
            "locations": [place],
            "partialFingerprints": {_FINGERPRINT: self._fingerprint(path, finding)},
        }
        if finding.code in self._rules:
            result["ruleIndex"] = self._rules[finding.code]
        if finding.suppressed is not None:
            kind = "external" if finding.suppressed == baseline.REASON else "inSource"
            result["suppressions"] = [{"kind": kind, "justification": finding.suppressed}]
        changes = edits.of_finding(report.document, finding)
        if changes:
            replacements = [
                {
                    "deletedRegion": {"byteOffset": edit.start, "byteLength": edit.end - edit.start},
                    "insertedContent": {"text": edit.replacement.decode()},
                }
                for edit in changes
            ]
            result["fixes"] = [{"artifactChanges": [{"artifactLocation": artifact, "replacements": replacements}]}]
        return result

    def _fingerprint(self, path: str, finding: Finding) -> str:
        """Return what a result keeps while lines move: its rule, its pointer, and the how-manieth it is there."""
        place = (path, finding.code, finding.pointer)
        self._seen[place] += 1
        identity = f"{finding.code}\n{finding.pointer}\n{self._seen[place]}"
        return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()


def _region(document: Document, start: Position, end: Position) -> dict[str, int]:
    return {
        "startLine": start.line,
        "startColumn": _utf16_column(document, start),
        "endLine": end.line,
        "endColumn": _utf16_column(document, end),
        "byteOffset": start.offset,
        "byteLength": end.offset - start.offset,
    }


def _utf16_column(document: Document, position: Position) -> int:
    before = document.lines.line(position.line)[: position.column - 1]
    return position.column + sum(ord(character) > 0xFFFF for character in before)


def _driver() -> dict[str, Any]:
    release = version("trainyard")
    return {
        "name": "trainlint",
        "version": release,
        "semanticVersion": release,
        "rules": [_rule(entry) for entry in catalogue()],
    }


def _rule(entry: Described) -> dict[str, Any]:
    text = "\n\n".join(f"{section.heading}: {' '.join(section.text.split())}" for section in entry.sections)
    markdown = "\n\n".join(f"**{section.heading}.** {' '.join(section.text.split())}" for section in entry.sections)
    return {
        "id": entry.code,
        "name": entry.name,
        "shortDescription": {"text": entry.summary},
        "fullDescription": {"text": text},
        "help": {"text": text, "markdown": markdown},
        "defaultConfiguration": {"level": _LEVELS[entry.severity]},
        "properties": {"tags": [entry.family, entry.kind]},
    }
