"""One run says everything: faults of the text, of the schema, and what the rules find in the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trainyard.linter.engine import plan
from trainyard.linter.engine.configuration import MAX_FINDINGS, Configuration
from trainyard.linter.engine.lint import lint
from trainyard.linter.engine.report import Report
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Rule, Violation
from trainyard.linter.source import Severity

Text = Callable[..., str]
WithRules = Callable[..., None]


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def test_a_healthy_spec_passes_and_comes_back_resolved_and_typed(text: Text, with_rules: WithRules) -> None:
    with_rules()
    report = lint(text())
    assert report.passed
    assert report.findings == ()
    assert report.resolved is not None
    assert report.resolved["optimizer"]["beta_1"] == pytest.approx(0.9)
    assert report.spec is not None
    assert report.spec.training.epochs == 20
    assert report.spec_digest is not None
    assert len(report.spec_digest) == 64


def test_bytes_and_text_are_judged_alike(text: Text) -> None:
    assert lint(text()).digest == lint(text().encode()).digest


def test_a_rule_speaks_at_the_place_of_its_pointer(text: Text, with_rules: WithRules, rate_too_high: Rule) -> None:
    with_rules(rate_too_high)
    source = text(optimizer={"type": "adam", "learning_rate": 5.0})
    (finding,) = lint(source).findings
    assert source[finding.start.offset : finding.end.offset] == "5.0"
    assert (finding.code, finding.name, finding.pointer) == ("TST001", "rate-too-high", "/optimizer/learning_rate")


def test_text_schema_and_rules_speak_in_one_run_in_order_of_place(
    text: Text, with_rules: WithRules, rate_too_high: Rule, always: Rule
) -> None:
    with_rules(always, rate_too_high)
    source = "\ufeff" + text(
        optimizer={"type": "adam", "learning_rate": 5.0}, training={"epochs": 3, "bach_size": 1}, callbacks={"tensorboard": 7}
    )
    report = lint(source)
    assert [finding.code[:4] for finding in report.findings] == ["JSON", "TST0", "ALW0", "SPEC", "SPEC"]
    assert [finding.start.offset for finding in report.findings] == sorted(finding.start.offset for finding in report.findings)
    assert not report.passed
    assert report.resolved is None


@pytest.mark.parametrize(
    "optimizer",
    [{"type": "adam", "learning_rate": "fast"}, {"type": "nope"}, "adam", {"type": "adam", "lr": 5.0}, {"learning_rate": 5.0}],
)
def test_a_rule_whose_input_failed_is_skipped_and_the_others_run(
    optimizer: Any, text: Text, with_rules: WithRules, rate_too_high: Rule, always: Rule
) -> None:
    with_rules(rate_too_high, always)
    report = lint(text(optimizer=optimizer))
    assert "ALW001" in codes(report)
    assert "TST001" not in codes(report)
    assert any(code.startswith("SPEC") for code in codes(report))
    assert report.crashes == ()


@pytest.mark.parametrize("missing", ["version", "task", "dataset", "model"])
def test_a_missing_section_does_not_silence_rules_that_do_not_read_it(
    missing: str, healthy: dict[str, Any], with_rules: WithRules, rate_too_high: Rule
) -> None:
    with_rules(rate_too_high)
    del healthy[missing]
    healthy["optimizer"]["learning_rate"] = 5.0
    report = lint(json.dumps(healthy))
    assert "TST001" in codes(report)
    assert any(code.startswith("SPEC") for code in codes(report))
    assert report.spec is None


def test_a_number_that_is_none_is_said_once_and_its_rules_are_skipped(
    text: Text, with_rules: WithRules, rate_too_high: Rule, always: Rule
) -> None:
    with_rules(rate_too_high, always)
    source = text(optimizer={"type": "adam", "learning_rate": 5.0}).replace("5.0", "NaN")
    assert codes(lint(source)) == ["JSON003", "ALW001"]


def test_a_comment_leaves_every_rule_running(text: Text, with_rules: WithRules, rate_too_high: Rule) -> None:
    with_rules(rate_too_high)
    source = text(optimizer={"type": "adam", "learning_rate": 5.0}).replace("5.0", "5.0 // fast")
    assert codes(lint(source)) == ["TST001", "JSON010"]


def test_a_crashing_rule_is_reported_and_the_others_go_on(text: Text, with_rules: WithRules, broken: Rule, always: Rule) -> None:
    with_rules(broken, always)
    report = lint(text())
    assert sorted(codes(report)) == ["ALW001", "BAD001", "LINT001"]
    assert not report.passed
    (crash,) = report.crashes
    assert "BAD001" in crash.where
    assert "ZeroDivisionError: boom" in crash.traceback


def test_a_rule_that_is_not_selected_does_not_run_and_cannot_crash(text: Text, with_rules: WithRules, broken: Rule, always: Rule) -> None:
    with_rules(broken, always)
    for configuration in (
        Configuration(ignore=("BAD001",)),
        Configuration(ignore=("broken",)),
        Configuration(ignore=("BAD",)),
        Configuration(select=("ALW",)),
        Configuration(select=("ALL",), ignore=("BAD",)),
    ):
        assert codes(lint(text(), configuration=configuration)) == ["ALW001"]


@pytest.mark.parametrize("selector", ["TST001", "rate-too-high", "TST", "ALL"])
def test_severity_can_be_set_by_code_name_and_family(selector: str, text: Text, with_rules: WithRules, rate_too_high: Rule) -> None:
    with_rules(rate_too_high)
    configuration = Configuration(severities=((selector, Severity.INFO),))
    report = lint(text(optimizer={"type": "adam", "learning_rate": 5}), configuration=configuration)
    assert [finding.severity for finding in report.findings] == [Severity.INFO]
    assert report.passed


@pytest.mark.parametrize("fail_on,passes", [(Severity.ERROR, True), (Severity.WARNING, False), (Severity.INFO, False), (None, True)])
def test_fail_on_is_inclusive(fail_on: Severity | None, passes: bool, text: Text, with_rules: WithRules, rate_too_high: Rule) -> None:
    with_rules(rate_too_high)
    report = lint(text(optimizer={"type": "adam", "learning_rate": 5}), configuration=Configuration(fail_on=fail_on))
    assert report.passed is passes


def test_a_flood_of_findings_is_cut_to_the_worst_and_counted(text: Text, with_rules: WithRules) -> None:
    with_rules()
    report = lint("\ufeff" + text(experiment={"tags": ["x"] * 500}).replace('"x"', "NaN"))
    assert len(report.findings) == 200  # promised, whatever the constant says
    assert report.more_findings >= 500 + 1 - 200
    assert {finding.code for finding in report.findings} == {"JSON003"}
    assert all(finding.severity is Severity.ERROR for finding in report.findings)


def test_a_rule_that_never_stops_is_stopped(text: Text, with_rules: WithRules, always: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_: Rule, __: Case) -> Iterator[Violation]:
        while True:
            yield Violation("/training", "again")

    monkeypatch.setattr(type(always), "check", check)
    with_rules(always)
    report = lint(text())
    assert len(report.findings) == MAX_FINDINGS
    assert report.more_findings == 1


def test_a_dated_ruleset_leaves_out_what_came_later(
    text: Text, with_rules: WithRules, always: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(always), "since", "2026.2")
    with_rules(always)
    assert codes(lint(text(), configuration=Configuration(ruleset="2026.1"))) == []
    assert codes(lint(text())) == ["ALW001"]


def test_strict_uses_the_literal_thresholds(text: Text, with_rules: WithRules, always: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(always), "strict", Severity.WARNING)
    with_rules(always)
    (finding,) = lint(text(), configuration=Configuration(ruleset="strict")).findings
    assert finding.severity is Severity.WARNING


def test_plans_are_compiled_once_whatever_the_file(text: Text, with_rules: WithRules, always: Rule) -> None:
    with_rules(always)
    one = plan.plan(Configuration(baseline=frozenset({("a", "b")})))
    assert plan.plan(Configuration(baseline=frozenset({("c", "d")}))) is one


def test_the_json_has_the_promised_shape(text: Text, with_rules: WithRules, rate_too_high: Rule) -> None:
    with_rules(rate_too_high)
    report = lint(text(optimizer={"type": "adam", "learning_rate": 5}))
    document = report.to_json("a/b.trainspec.json")
    assert set(document) == {"version", "ruleset", "fail_on", "files", "summary"}
    assert (document["version"], document["ruleset"], document["fail_on"]) == (1, "recommended@2026.1", "warning")
    (entry,) = document["files"]
    assert (entry["path"], entry["verdict"], entry["digest"]) == ("a/b.trainspec.json", "fail", report.spec_digest)
    (finding,) = entry["findings"]
    assert finding == {
        "code": "TST001",
        "name": "rate-too-high",
        "severity": "warning",
        "message": "rate 5 is too high; write 0.001",
        "pointer": "/optimizer/learning_rate",
        "start": {"line": 25, "column": 22, "offset": finding["start"]["offset"]},
        "end": {"line": 25, "column": 23, "offset": finding["start"]["offset"] + 1},
        "suggestion": None,
        "suppressed": None,
        "fixed": False,
    }
    assert document["summary"]["warnings"] == document["summary"]["failed"] == 1


@pytest.mark.parametrize(
    "raw", [b"", b"\x00", b"\xff\xfe", b"[" * 70_000, b"{", b"null", b'{"version": "v1"}', b'{"": {"": {}}}', b"{}" * 9]
)
def test_any_bytes_give_a_report(raw: bytes) -> None:
    report = lint(raw)
    assert not report.passed
    assert report.findings
    assert report.crashes == ()
    json.dumps(report.to_json("x"))


def test_a_text_with_half_a_surrogate_pair_is_a_finding() -> None:
    assert codes(lint('{"a": "\ud800"}')) == ["JSON009"]
