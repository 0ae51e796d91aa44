"""What rules suggest can be written into the text and is enough: every rule, each of its own INVALID examples, through the front door."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trainyard.linter.engine import edits
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.fixes import mend
from trainyard.linter.engine.lint import lint
from trainyard.linter.engine.report import Report
from trainyard.linter.estimate import hardware
from trainyard.linter.facts.model import Facts
from trainyard.linter.rules.examples import merged
from trainyard.linter.rules.index import RULES
from trainyard.linter.rules.rule import Invalid, Rule
from trainyard.linter.source import Severity

EXAMPLES = [pytest.param(rule, invalid, id=f"{rule.code}-{index}") for rule in RULES for index, invalid in enumerate(rule.INVALID)]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("rule, invalid", EXAMPLES)
def test_what_a_rule_suggests_is_written_and_leaves_nothing_to_warn_about(rule: Rule, invalid: Invalid, indent: int | None) -> None:
    written = merged(invalid.fragment, invalid.onto)
    dataset = written["dataset"]
    read: dict[str, Any] | None = invalid.read
    facts = None if read is None else Facts(dataset["type"], dataset["path"], **read)
    profile = None if invalid.hardware is None else hardware.profile(invalid.hardware)

    def judge(raw: bytes) -> Report:
        return lint(raw, configuration=Configuration(select=(rule.code,)), facts=facts, hardware=profile)

    before = judge(json.dumps(written, indent=indent).encode())
    assert before.crashes == ()
    offered = [finding for finding in before.findings if finding.suggestion is not None]
    for finding in offered:
        assert edits.of_finding(before.document, finding), f"nothing writes {finding.suggestion}"
    after = mend(before.document.raw, judge, unsafe=True).report
    assert after.crashes == ()
    assert after.case is not None, "what is suggested breaks the schema"
    left = [
        finding for finding in after.findings if not finding.fixed and finding.severity > Severity.INFO and finding.suggestion is not None
    ]
    assert left == []
    assert not offered or any(finding.fixed for finding in after.findings) or all(each.severity is Severity.INFO for each in offered)
