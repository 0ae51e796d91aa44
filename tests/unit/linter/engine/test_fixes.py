"""Fixes are byte edits: they mend what was found, leave the rest of the text alone, and never make it worse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainyard.linter.engine import edits
from trainyard.linter.engine.findings import Finding
from trainyard.linter.engine.fixes import Mended, fixable, mend
from trainyard.linter.engine.lint import lint
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Rule, Violation
from trainyard.linter.source import Document, Edit, Position, Severity, Suggestion, Target

Text = Callable[..., str]
WithRules = Callable[..., None]


def mended(source: str, *, unsafe: bool = False) -> Mended:
    return mend(source.encode(), lint, unsafe=unsafe)


def finding(pointer: str, suggested: str, value: Any, target: Target = "value") -> Finding:
    place = Position(1, 1, 0)
    return Finding("X", "x", Severity.INFO, "", pointer, place, place, Suggestion(suggested, value), target=target)


def edited(source: str, found: Finding) -> str:
    document = Document.parse(source.encode())
    return edits.apply(document.raw, edits.of_finding(document, found)).decode()


# -- from suggestion to edit


def test_a_value_is_replaced_where_it_stands() -> None:
    assert edited('{"a": {"b":  0.5 }}', finding("/a/b", "/a/b", 0.001)) == '{"a": {"b":  0.001 }}'


def test_a_key_is_renamed_and_its_value_stays() -> None:
    assert edited('{"é": 1, "lr" : 5}', finding("/lr", "/learning_rate", 5, "key")) == '{"é": 1, "learning_rate" : 5}'


def test_a_key_is_neither_renamed_nor_moved_onto_one_that_exists() -> None:
    source = '{"lr": 5, "rate": 1, "a": {"lr": 2}}'
    assert edited(source, finding("/lr", "/rate", 5, "key")) == source
    assert edited(source, finding("/lr", "/a/lr", 5, "key")) == source


@pytest.mark.parametrize(
    "source,wanted,value,expected",
    [
        ('{"lr": 5e0, "a": {}}', "/a/rate", 5, '{"a": { "rate": 5e0 }}'),
        ('{"a": {"x": 1}, "lr": 5}', "/a/rate", 5, '{"a": {"x": 1, "rate": 5}}'),
        ('{"lr": 5}', "/a", {"rate": 5}, '{"a": { "rate": 5 }}'),
        ('{"a": 1, "lr": 5}', "/a/rate", 5, '{"a": 1, "lr": 5}'),
        ('{"x": 1, "lr": 5, "x": 2, "a": {}}', "/a/rate", 5, '{"x": 1, "lr": 5, "x": 2, "a": {}}'),
    ],
)
def test_a_key_moves_with_its_value_to_where_it_is_free(source: str, wanted: str, value: Any, expected: str) -> None:
    assert edited(source, finding("/lr", wanted, value, "key")) == expected


def test_what_a_finding_about_a_key_wants_elsewhere_is_written_there_and_the_key_stays() -> None:
    source = '{"a": {"x": 0}, "b": {}}'
    assert edited(source, finding("/a", "/b/c", 0.3, "key")) == '{"a": {"x": 0}, "b": { "c": 0.3 }}'
    assert edited(source, finding("/a", "/b/c", {"type": "t", "x": 0}, "key")) == '{"b": { "c": {"type": "t", "x": 0} }}'


@pytest.mark.parametrize(
    "source,pointer,value,expected",
    [
        ('{"a": 1}', "/b", 2, '{"a": 1, "b": 2}'),
        ("{}", "/b", 2, '{ "b": 2 }'),
        ('{"a": {}}', "/a/b", 2, '{"a": { "b": 2 }}'),
        ('{\n  "a": 1\n}', "/b", {"c": 2}, '{\n  "a": 1,\n  "b": {\n    "c": 2\n  }\n}'),
        ('{\n  "a": 1\n}', "/b/c", 2, '{\n  "a": 1,\n  "b": {\n    "c": 2\n  }\n}'),
        ('{\n\t"a": { "x": 1 }\n}', "/a/y", 2, '{\n\t"a": { "x": 1, "y": 2 }\n}'),
        ('{"a": [1]}', "/a/b", 2, '{"a": [1]}'),
    ],
)
def test_a_missing_member_is_added_in_the_style_of_its_neighbours(source: str, pointer: str, value: Any, expected: str) -> None:
    assert edited(source, finding(pointer, pointer, value)) == expected


def test_an_object_keeps_the_spaces_inside_its_braces() -> None:
    assert edited('{"a": { "type": "none" }}', finding("/a", "/a", {"type": "x"})) == '{"a": { "type": "x" }}'


@pytest.mark.parametrize(
    "source,pointer,expected",
    [
        ('{"a": 1, "b": 2, "c": 3}', "/a", '{"b": 2, "c": 3}'),
        ('{"a": 1, "b": 2, "c": 3}', "/b", '{"a": 1, "c": 3}'),
        ('{"a": 1, "b": 2, "c": 3}', "/c", '{"a": 1, "b": 2}'),
        ('{"a": [1, 2]}', "/a/1", '{"a": [1]}'),
        ('{"a": [ 1 ]}', "/a/0", '{"a": [  ]}'),
        ('{\n  "a": 1,\n  "b": 2\n}', "/b", '{\n  "a": 1\n}'),
    ],
)
def test_a_removed_member_takes_its_comma_along(source: str, pointer: str, expected: str) -> None:
    edit = edits.removal(Document.parse(source.encode()), pointer)
    assert edit is not None
    assert edits.apply(source.encode(), [edit]).decode() == expected


def test_overlapping_edits_are_not_both_made() -> None:
    assert edits.apply(b"abcdef", [Edit(1, 4, b"X"), Edit(3, 5, b"Y"), Edit(5, 6, b"Z")]) == b"aXeZ"


# -- whole specs


def test_safe_fixes_mend_text_and_keys_in_one_go_and_keep_the_formatting(text: Text, with_rules: WithRules) -> None:
    with_rules()
    good = text()
    bad = "\ufeff" + good.replace('"epochs": 20,', '"epochs": 20.0,').replace('"batch_size": 32', '"bach_size": 32,').replace(
        "true", "True"
    )
    outcome = mended(bad)
    assert outcome.raw.decode() == good
    assert outcome.report.passed
    fixed = [found for found in outcome.report.findings if found.fixed]
    assert {found.name for found in fixed} == {"byte-order-mark", "unknown-key", "trailing-comma", "whole-number-as-float"}


def test_fixed_findings_stay_in_the_json_and_in_the_counts(text: Text, with_rules: WithRules) -> None:
    with_rules()
    document = mended("\ufeff" + text()).report.to_json("a")
    assert [found["fixed"] for found in document["files"][0]["findings"]] == [True]
    assert document["files"][0]["verdict"] == "pass"
    assert document["summary"]["fixed"] == 1
    assert document["summary"]["warnings"] == 0


class Halve(Rule):
    """Suggests half the rate while it is above one."""

    code, name, severity, reads = "HLF001", "halve", Severity.WARNING, ("/optimizer/learning_rate",)

    def check(self, case: Case) -> Any:
        rate = case.spec.optimizer.learning_rate
        if rate > 1:
            pointer = "/optimizer/learning_rate"
            yield Violation(pointer, "halve it", suggestion=Suggestion(pointer, rate / 2))


class GoesUp(Rule):
    """Never content."""

    code, name, severity, reads = "UPP001", "goes-up", Severity.WARNING, ("/training/epochs",)

    def check(self, case: Case) -> Any:
        yield Violation("/training/epochs", "more", suggestion=Suggestion("/training/epochs", case.spec.training.epochs + 1))


def test_what_rules_suggest_is_written_only_when_asked_for(text: Text, with_rules: WithRules) -> None:
    with_rules(Halve())
    source = text(optimizer={"type": "adam", "learning_rate": 3})
    assert mended(source).raw.decode() == source
    assert fixable(lint(source)) == (0, 1)
    outcome = mended(source, unsafe=True)
    assert b'"learning_rate": 0.75' in outcome.raw
    assert outcome.report.passed


def test_fixes_that_never_end_are_given_up(text: Text, with_rules: WithRules) -> None:
    with_rules(GoesUp())
    outcome = mended(text(), unsafe=True)
    assert b'"epochs": 220' in outcome.raw
    assert not outcome.report.passed


class Contrary(Rule):
    """Wants the other of two numbers, whichever is there."""

    code, name, severity = "CON001", "contrary", Severity.WARNING
    reads = ("/training/epochs",)

    def check(self, case: Case) -> Iterator[Violation]:
        other = 30 if case.spec.training.epochs == 20 else 20
        severity = Severity.ERROR if other == 20 else None
        yield Violation("/training/epochs", "the other one", suggestion=Suggestion("/training/epochs", other), severity=severity)


@pytest.mark.parametrize("epochs", [20, 30])
def test_suggestions_that_undo_each_other_rest_at_the_lesser_evil_wherever_they_began(
    epochs: int, text: Text, with_rules: WithRules
) -> None:
    with_rules(Contrary())
    source = text(training={"epochs": epochs})
    rested = mended(source, unsafe=True)
    assert json.loads(rested.raw)["training"]["epochs"] == 20
    assert mended(rested.raw.decode(), unsafe=True).raw == rested.raw


def test_accepted_findings_are_not_mended(text: Text, with_rules: WithRules) -> None:
    with_rules(Halve())
    source = text(optimizer={"type": "adam", "learning_rate": 3}, **{"$lint": [{"rule": "halve", "reason": "a sweep"}]})
    assert mended(source, unsafe=True).raw.decode() == source


def test_mending_twice_changes_nothing_more(text: Text, with_rules: WithRules) -> None:
    with_rules()
    bad = (
        text(**{"$lint": [{"rule": "byte-order-mark", "reason": "x"}, {"rule": "comment", "reason": "y"}]})
        .replace("}", ",}")
        .replace('"b"', "'b'")
    )
    once = mended(bad)
    assert mended(once.raw.decode()).raw == once.raw
    assert once.report.passed


DAMAGE = st.sampled_from(
    ["", ",", "// x\n", "NaN", "True", "'", '"', "{", "}", "[", "]", ".5", "\ufeff", '"a": 1,', '"lr": 1,', "\t", "é", "/*", "0x1"]
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damages=st.lists(st.tuples(st.integers(0, 700), DAMAGE), max_size=4), unsafe=st.booleans())
def test_mending_a_damaged_spec_never_crashes_and_never_loses_what_could_be_read(
    damages: list[tuple[int, str]], unsafe: bool, text: Text, with_rules: WithRules
) -> None:
    with_rules(Halve())
    source = text(optimizer={"type": "adam", "learning_rate": 3})
    for at, piece in damages:
        source = source[:at] + piece + source[at:]
    before = lint(source)
    outcome = mended(source, unsafe=unsafe)
    assert outcome.report.crashes == ()
    if before.document.value is not None:
        assert outcome.report.document.value is not None
    if before.passed:
        assert outcome.report.passed
    json.dumps(outcome.report.to_json("x"))


def test_a_key_that_is_missing_is_written_and_only_that_finding_is_fixed() -> None:
    outcome = mended('{ "task": "classification" }')
    assert json.loads(outcome.raw) == {"task": "classification", "version": "v1"}
    assert [each.message.split('"')[1] for each in outcome.report.findings if each.fixed] == ["version"]
    assert {each.message.split('"')[1] for each in outcome.report.findings if not each.fixed} >= {"dataset", "model"}


def test_suggestions_that_hang_on_each_other_come_to_rest(text: Text) -> None:
    source = text(scheduler={"type": "reduce_on_plateau", "cooldown": 100}, training={"epochs": 100})
    once = mended(source, unsafe=True)
    assert mended(once.raw.decode(), unsafe=True).raw == once.raw
