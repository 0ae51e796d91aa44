"""JSON for scripts: the shape is stable from the first release (``version`` counts its changes)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TextIO

from trainyard.linter.engine.report import envelope
from trainyard.linter.report.paths import legible

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report
    from trainyard.linter.source.severity import Severity


class JsonReporter:
    """Writes one JSON object for the whole run, when it is over."""

    def __init__(self, stream: TextIO, ruleset: str, fail_on: Severity | None) -> None:
        self._stream = stream
        self._ruleset = ruleset
        self._fail_on = fail_on
        self._entries: list[dict[str, Any]] = []

    def file(self, path: str, report: Report) -> None:
        """Remember the entry of one file."""
        self._entries.append(report.entry(legible(path)))

    def close(self) -> None:
        """Write the object."""
        document = envelope(self._entries, ruleset=self._ruleset, fail_on=self._fail_on)
        # Apart, so that a reader who left is noticed where Python does not buffer: there a write that was cut short is no error.
        self._stream.write(json.dumps(document, indent=2, ensure_ascii=False))
        self._stream.write("\n")
