"""One JSON object a finding, one finding a line: for programs that read while the linter still works."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from trainyard.linter.engine.report import finding_json
from trainyard.linter.report.paths import legible

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report


class JsonLinesReporter:
    """Writes each finding as it comes: the keys of the JSON output, and ``path``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def file(self, path: str, report: Report) -> None:
        """Write the findings of one file."""
        for finding in report.findings:
            self._stream.write(json.dumps({"path": legible(path), **finding_json(finding)}, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Nothing closes this format."""
