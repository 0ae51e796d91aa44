"""Every rule's own examples: silent on VALID, speaking on INVALID, and its suggestion repairs the spec."""

from __future__ import annotations

import re
from typing import Any

import pytest

from trainyard.linter import spec
from trainyard.linter.estimate import hardware
from trainyard.linter.facts.model import Facts
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.examples import BASES, merged
from trainyard.linter.rules.index import RULES
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.source.severity import Severity

PLAIN = Valid({})
HEADINGS = ("What it checks", "Why it fails", "Evidence", "When to ignore")
VALID = [pytest.param(rule, valid, id=f"{rule.code}-{index}") for rule in RULES for index, valid in enumerate(rule.VALID)]
INVALID = [pytest.param(rule, invalid, id=f"{rule.code}-{index}") for rule in RULES for index, invalid in enumerate(rule.INVALID)]


def case_of(written: dict[str, Any], example: Valid | Invalid = PLAIN) -> Case:
    assert spec.check(written) == (), "an example has to satisfy the schema"
    profile = None if example.hardware is None else hardware.profile(example.hardware)
    dataset = written["dataset"]
    facts = None if example.read is None else Facts(dataset["type"], dataset["path"], **example.read)  # type: ignore[arg-type] # as read
    return Case(spec.typed(spec.resolve(written)), written, facts=facts, hardware=profile)


def severity(rule: Rule, violation: Violation) -> Severity:
    return violation.severity or rule.severity


@pytest.mark.parametrize("rule, valid", VALID)
def test_a_rule_is_silent_on_what_it_calls_valid(rule: Rule, valid: Valid) -> None:
    assert list(rule.check(case_of(merged(valid.fragment, valid.onto), valid))) == []


@pytest.mark.parametrize("rule, invalid", INVALID)
def test_a_rule_names_the_field_and_the_value_on_what_it_calls_invalid(rule: Rule, invalid: Invalid) -> None:
    found = list(rule.check(case_of(merged(invalid.fragment, invalid.onto), invalid)))
    assert found, "the rule stays silent"
    first = found[0]
    assert first.pointer == invalid.pointer
    assert invalid.says in first.message
    assert severity(rule, first) == (invalid.severity or rule.severity)
    if invalid.fix is not None:
        assert first.suggestion is not None
        assert first.suggestion == (invalid.fix_at or invalid.pointer, invalid.fix)


@pytest.mark.parametrize("rule, invalid", INVALID)
def test_writing_what_is_suggested_leaves_nothing_to_warn_about_there(rule: Rule, invalid: Invalid) -> None:
    written = merged(invalid.fragment, invalid.onto)
    for _ in range(3):
        found = [each for each in rule.check(case_of(written, invalid)) if severity(rule, each) > Severity.INFO]
        suggestion = next((each.suggestion for each in found if each.suggestion is not None), None)
        if suggestion is None:
            return
        put(written, suggestion.pointer, suggestion.value)
    pytest.fail(f"still there after following the suggestion: {found}")


def put(written: dict[str, Any], pointer: str, value: object) -> None:
    *parents, last = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    place: Any = written
    for token in parents:
        place = place[int(token)] if isinstance(place, list) else place.setdefault(token, {})
    if isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value


@pytest.mark.parametrize("name", BASES)
def test_every_rule_is_silent_on_the_healthy_specs(name: str) -> None:
    case = case_of(merged({}, name))
    spoken = {rule.name: list(rule.check(case)) for rule in RULES}
    assert {name for name, found in spoken.items() if found} == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_documents_itself(rule: Rule) -> None:
    text = rule.__doc__ or ""
    assert re.findall(r"^    (\w[\w ]+):$", text, re.MULTILINE) == list(HEADINGS)
    assert re.fullmatch(r"[A-Z]{2,3}\d{3}", rule.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.name)
    assert rule.VALID, "no example on which the rule is silent"
    assert rule.INVALID, "no example on which the rule speaks"
    assert all(pointer.startswith("/") for pointer in rule.reads)


def test_codes_and_names_are_unique_and_in_order() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
