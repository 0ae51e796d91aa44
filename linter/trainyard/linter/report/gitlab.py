"""GitLab's Code Quality report: a JSON array. GitLab hides ``check_name`` and drops equal fingerprints."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, TextIO

from trainyard.linter.report.paths import legible, within
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Finding
    from trainyard.linter.engine.report import Report

_SEVERITIES = {Severity.INFO: "info", Severity.WARNING: "minor", Severity.ERROR: "major"}


class GitlabReporter:
    """Writes the array when the run is over.

    Args:
        stream: where to.
        root: the project folder that paths are relative to.
    """

    def __init__(self, stream: TextIO, root: str) -> None:
        self._stream = stream
        self._root = root
        self._issues: list[dict[str, Any]] = []
        self._seen: Counter[str] = Counter()

    def file(self, path: str, report: Report) -> None:
        """Remember the findings of one file."""
        shown = within(path, self._root)
        self._issues += [self._issue(shown, finding) for finding in report.findings if finding.suppressed is None and not finding.fixed]

    def close(self) -> None:
        """Write the array."""
        self._stream.write(json.dumps(self._issues, indent=2, ensure_ascii=False))
        self._stream.write("\n")

    def _issue(self, path: str, finding: Finding) -> dict[str, Any]:
        return {
            "description": f"{finding.code} {finding.name}: {finding.message}",
            "check_name": finding.code,
            "fingerprint": self._fingerprint(path, finding),
            "severity": _SEVERITIES[finding.severity],
            "location": {"path": legible(path), "lines": {"begin": finding.start.line, "end": finding.end.line}},
        }

    def _fingerprint(self, path: str, finding: Finding) -> str:
        """Return what identifies a finding over commits: its file, rule and pointer, never a line."""
        identity = f"{path}\n{finding.code}\n{finding.pointer}"
        self._seen[identity] += 1
        return hashlib.sha256(f"{identity}\n{self._seen[identity]}".encode("utf-8", "surrogatepass")).hexdigest()
