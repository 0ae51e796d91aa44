"""Parts of a spec that are judged differently, and plugins handed to ``lint`` as plain values."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.lint import lint
from trainyard.linter.engine.scopes import Scope
from trainyard.linter.rules.plugin import Plugin, PluginError, demand_no_clash, plugin
from trainyard.linter.rules.rule import Rule
from trainyard.linter.source import Severity

Text = Callable[..., str]
WithRules = Callable[..., None]
FAST = {"type": "adam", "learning_rate": 5.0}


@pytest.mark.parametrize(
    "pointer,holds",
    [
        ("/optimizer", True),
        ("/optimizer/learning_rate", True),
        ("/*/learning_rate", True),
        ("/optimizer/learning", False),
        ("/optimizer/learning_rate/0", False),
        ("/training", False),
        ("/*", True),
    ],
)
def test_a_scope_holds_at_its_pointer_and_below(pointer: str, holds: bool, text: Text, with_rules: WithRules, rate_too_high: Rule) -> None:
    with_rules(rate_too_high)
    configuration = Configuration(scopes=(Scope(pointer, ignore=("TST",)),))
    assert (lint(text(optimizer=FAST), configuration=configuration).findings == ()) is holds


def test_a_scope_sets_severities_and_the_later_one_counts(text: Text, with_rules: WithRules, rate_too_high: Rule) -> None:
    with_rules(rate_too_high)
    scopes = (Scope("/optimizer", severities=(("ALL", Severity.ERROR),)), Scope("/optimizer", severities=(("TST001", Severity.INFO),)))
    report = lint(text(optimizer=FAST), configuration=Configuration(scopes=scopes))
    assert [finding.severity for finding in report.findings] == [Severity.INFO]
    assert report.passed


def test_no_scope_hides_an_error_of_the_schema(text: Text, with_rules: WithRules) -> None:
    with_rules()
    report = lint(text(optimizer={"type": "nope"}), configuration=Configuration(scopes=(Scope("/optimizer", ignore=("ALL",)),)))
    assert [finding.code for finding in report.findings] == ["SPEC004"]
    assert not report.passed


def test_a_plugin_is_a_plain_value_for_who_calls_lint(text: Text, with_rules: WithRules, rate_too_high: Rule) -> None:
    with_rules()
    configuration = Configuration(ruleset="2026.1", plugins=(Plugin("house", (rate_too_high,)),))
    assert [finding.code for finding in lint(text(optimizer=FAST), configuration=configuration).findings] == ["TST001"]
    assert lint(text(optimizer=FAST)).findings == ()


def test_two_plugins_with_one_code_are_told_apart_by_name(rate_too_high: Rule) -> None:
    with pytest.raises(PluginError, match="two uses TST001, which belongs to one"):
        demand_no_clash([plugin("one", (rate_too_high,)), plugin("two", (rate_too_high,))], [])
