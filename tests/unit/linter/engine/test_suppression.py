"""What an author accepts in ``$lint`` does not count, and what accepts nothing is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter.engine import baseline, edits
from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.lint import lint
from trainyard.linter.engine.report import Report
from trainyard.linter.rules.rule import Rule
from trainyard.linter.source import Document, Severity

FAST = {"type": "adam", "learning_rate": 5.0}


@pytest.fixture
def judge(text: Callable[..., str], with_rules: Callable[..., None], rate_too_high: Rule, always: Rule) -> Callable[..., Report]:
    with_rules(rate_too_high, always)

    def run(*entries: Any, configuration: Configuration | None = None, **sections: Any) -> Report:
        return lint(text(**{"optimizer": FAST, **sections, "$lint": list(entries)}), configuration=configuration)

    return run


Judge = Callable[..., Report]


def said(report: Report) -> dict[str, str | None]:
    return {finding.code: finding.suppressed for finding in report.findings}


@pytest.mark.parametrize("rule", ["TST001", "tst001", "rate-too-high"])
@pytest.mark.parametrize("pointer", [None, "", "/optimizer", "/optimizer/learning_rate"])
def test_a_finding_is_accepted_by_code_or_name_at_its_place_or_above(rule: str, pointer: str | None, judge: Judge) -> None:
    report = judge({"rule": rule, "pointer": pointer, "reason": "a sweep found it"})
    assert said(report) == {"TST001": "a sweep found it", "ALW001": None}
    assert report.passed


def test_an_entry_for_another_place_accepts_nothing_and_is_reported(judge: Judge) -> None:
    report = judge({"rule": "TST001", "pointer": "/training", "reason": "why not"})
    assert said(report) == {"TST001": None, "ALW001": None, "LINT002": None}
    assert not report.passed
    (unused,) = [finding for finding in report.findings if finding.code == "LINT002"]
    assert (unused.pointer, unused.safe) == ("/$lint/0", True)


def test_the_fix_of_an_unused_entry_takes_out_that_entry_only(judge: Judge, always: Rule) -> None:
    used = {"rule": "TST001", "reason": "known"}
    for entries in (
        [used, {"rule": always.code, "pointer": "/model", "reason": "x"}],
        [{"rule": "ALW001", "pointer": "/model", "reason": "x"}, used],
    ):
        report = judge(*entries)
        (unused,) = [finding for finding in report.findings if finding.code == "LINT002"]
        mended = edits.apply(report.document.raw, edits.of_finding(report.document, unused))
        value = Document.parse(mended).value
        assert value is not None
        assert value["$lint"] == [used]


def test_an_entry_for_a_rule_that_did_not_run_is_not_called_unused(judge: Judge) -> None:
    entry = {"rule": "TST001", "reason": "known"}
    assert "LINT002" not in said(judge(entry, configuration=Configuration(ignore=("TST",))))
    assert "LINT002" not in said(judge(entry, optimizer={"type": "adam", "learning_rate": "fast"}))


def test_an_entry_for_an_unknown_rule_is_an_error_with_a_suggestion(judge: Judge) -> None:
    report = judge({"rule": "duplicate-keys", "reason": "typo"})
    (finding,) = [finding for finding in report.findings if finding.code == "LINT003"]
    assert "duplicate-key?" in finding.message
    assert finding.suggestion == ("/$lint/0/rule", "duplicate-key")
    assert finding.severity is Severity.ERROR


def test_faults_of_text_and_schema_cannot_be_accepted(judge: Judge) -> None:
    report = judge({"rule": "wrong-type", "reason": "please"}, training={"epochs": "many"})
    assert said(report)["SPEC003"] is None
    assert "LINT004" in said(report)
    assert not report.passed


def test_mandatory_rules_cannot_be_accepted(judge: Judge) -> None:
    report = judge({"rule": "TST001", "reason": "please"}, configuration=Configuration(mandatory=("TST",)))
    assert said(report)["TST001"] is None
    assert "LINT004" in said(report)


def test_a_server_lets_warnings_be_accepted_but_no_errors(judge: Judge) -> None:
    entry = {"rule": "TST001", "reason": "known"}
    assert said(judge(entry, configuration=Configuration(suppress_errors=False)))["TST001"] == "known"
    raised = Configuration(suppress_errors=False, severities=(("TST001", Severity.ERROR),))
    assert said(judge(entry, configuration=raised))["TST001"] is None


@pytest.mark.parametrize("entry", [{"rule": "TST001"}, {"rule": "TST001", "reason": ""}, {"rule": "TST001", "reason": "  "}, "TST001"])
def test_an_entry_without_a_reason_accepts_nothing(entry: Any, judge: Judge) -> None:
    assert not judge(entry).passed
    assert all(reason is None for reason in said(judge(entry)).values())


def test_a_baseline_hides_what_it_knows_and_never_text_or_schema(judge: Judge) -> None:
    known = frozenset({("TST001", "/optimizer/learning_rate"), ("SPEC003", "/training/epochs"), ("ALW001", "/elsewhere")})
    report = judge(configuration=Configuration(baseline=known), training={"epochs": "many", "batch_size": 8})
    assert said(report) == {"TST001": baseline.REASON, "SPEC003": None}
    assert baseline.candidates(report.findings) == [("TST001", "/optimizer/learning_rate")]
