"""Two reports made by hand, so that no rule's wording moves the golden files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.findings import Finding, Severity
from trainyard.linter.engine.report import Report
from trainyard.linter.source import Document, Suggestion, Target

GOLDEN = Path(__file__).parent / "golden"
TEXT = """{
  "name": "漢字 😀: 100%",
\t"optimizer": { "learning_rate": 5.0, "lr": 1 },
  "model": {
    "hidden": [32, 0]
  }
}
"""
MINIFIED = '{"a":"' + "x" * 300 + '","epochs":"many","b":"' + "y" * 300 + '"}'


def found(
    document: Document,
    pointer: str,
    rule: str,
    severity: Severity,
    message: str,
    *,
    target: Target = "value",
    suggestion: Suggestion | None = None,
    suppressed: str | None = None,
    fixed: bool = False,
    safe: bool = False,
) -> Finding:
    start, end = document.span(pointer, target)
    code, name = rule.split()
    return Finding(code, name, severity, message, pointer, start, end, suggestion, suppressed, fixed, target, safe)


def report_on(
    text: str, findings: Callable[[Document], list[Finding]], *, more: int = 0, fail_on: Severity | None = Severity.WARNING
) -> Report:
    document = Document.parse(text.encode())
    made = sorted(findings(document), key=lambda finding: finding.start.offset)
    counted = [finding for finding in made if finding.suppressed is None and not finding.fixed]
    passed = fail_on is None or all(finding.severity < fail_on for finding in counted)
    return Report(document, Configuration(fail_on=fail_on), findings=tuple(made), more_findings=more, passed=passed)


def _many(document: Document) -> list[Finding]:
    rate = "/optimizer/learning_rate"
    return [
        found(
            document,
            rate,
            "LR001 learning-rate-too-high",
            Severity.WARNING,
            "learning rate 5.0 is too high, 100% sure: write 0.001",
            suggestion=Suggestion(rate, 0.001),
        ),
        found(
            document,
            "/optimizer/lr",
            "SPEC001 unknown-key",
            Severity.ERROR,
            'unknown key "lr" <in> optimizer & elsewhere',
            target="key",
            suggestion=Suggestion("/optimizer/rate", 1),
            safe=True,
        ),
        found(document, "/model", "REG001 no-regularization", Severity.INFO, "nothing regularizes\nthis model"),
        found(document, "/model/hidden/1", "MOD001 empty-layer", Severity.WARNING, "layer of 0 units", suppressed="asked for; see 漢字"),
        found(document, "/name", "JSON008 byte-order-mark", Severity.WARNING, "a mark", fixed=True),
    ]


@pytest.fixture
def reports() -> list[tuple[str, Report]]:
    one = found
    return [
        ("specs/a b,c.trainspec.json", report_on(TEXT, _many, more=3)),
        ("specs/clean.trainspec.json", report_on("{}", lambda _: [])),
        (
            "specs/minified.trainspec.json",
            report_on(
                MINIFIED, lambda document: [one(document, "/epochs", "SPEC003 wrong-type", Severity.ERROR, "epochs is a whole number")]
            ),
        ),
    ]


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with a golden file; ``UPDATE_GOLDEN=1`` writes the file instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text

    return compare
