"""A server's findings on the author's own text."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from trainyard.client import frames
from trainyard.client.values.report import LintReport
from trainyard.linter import lint
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.findings import Finding, Position, Severity
from trainyard.linter.report.full import FullReporter

RAW = b'{\n  "version": "v1",\n  "optimizer": {"type": "adam", "learning_rate": 0.5}\n}\n'


def verdict(*findings: Finding, more: int = 0) -> LintReport:
    return LintReport("d", "", "recommended@2026.1", False, findings, more, b"")


def finding(start: Position, end: Position) -> Finding:
    return Finding("LR001", "learning-rate-too-high", Severity.ERROR, "too high; write 0.001", "/optimizer/learning_rate", start, end)


def rendered(path: str, raw: bytes, report: LintReport) -> str:
    stream = io.StringIO()
    frames.show(path, raw, report, stream)
    return stream.getvalue()


def test_a_refusal_reads_as_trainlint_would_have_said_it() -> None:
    local = lint(RAW, configuration=Configuration())
    stream = io.StringIO()
    reporter = FullReporter(stream)
    reporter.file("a.trainspec.json", local)
    reporter.close()
    assert local.findings
    assert (
        rendered(
            "a.trainspec.json",
            RAW,
            replace(verdict(*local.findings, more=local.more_findings), document_json=json.dumps(local.to_json("a")).encode()),
        )
        == stream.getvalue()
    )


@pytest.mark.parametrize("start", [Position(99, 1, 5000), Position(0, 0, 0), Position(-1, -1, -1)])
def test_a_place_that_the_text_does_not_have_is_looked_up_anew(start: Position) -> None:
    shown = rendered("a.trainspec.json", RAW, verdict(finding(start, Position(start.line, start.column + 1, start.offset + 1))))
    assert "a.trainspec.json:3:50 /optimizer/learning_rate" in shown
    assert "^^^ learning-rate-too-high" in shown


def test_bytes_that_are_no_json_still_get_a_frame() -> None:
    shown = rendered("a", b"\xff\xfe{", verdict(finding(Position(1, 1, 0), Position(1, 2, 1)), more=4))
    assert "error[LR001]" in shown
    assert "4 more not shown" in shown


def test_no_findings_no_words() -> None:
    assert not rendered("a", RAW, verdict())


def test_the_json_entry_has_the_shape_of_trainlint() -> None:
    entry = frames.entry("a", RAW, verdict(finding(Position(3, 50, 74), Position(3, 53, 77))))
    assert (entry["path"], entry["verdict"], entry["findings"][0]["start"]) == ("a", "fail", {"line": 3, "column": 50, "offset": 74})
