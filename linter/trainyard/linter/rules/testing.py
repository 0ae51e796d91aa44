"""For who writes rules of their own: holds rules to their examples, as trainlint's own tests do with its rules.

    from trainyard.linter.rules.testing import problems

    def test_the_rules_keep_their_promises():
        assert problems(house.RULES) == []

Imported by tests only, never on the way of a check. Needs no test framework.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trainyard.linter import spec
from trainyard.linter.estimate import hardware
from trainyard.linter.facts.model import Facts
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.examples import merged
from trainyard.linter.rules.plugin import PluginError, checked, plugin
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.source.severity import Severity

# One suggestion may lay bare another; more would be a rule that never has enough.
_MOST_SUGGESTIONS = 3


def problems(rules: Sequence[Rule]) -> list[str]:
    """Return what rules promise and do not keep, a line each; nothing when all is well.

    A rule is complete, has an example of each kind, is silent on every ``VALID``, speaks on every ``INVALID`` at its
    pointer, in its words, with its severity and its fix, and is content once its suggestions are followed.
    """
    try:
        plugin("these rules", rules)
    except PluginError as error:
        return [str(error)]
    return [problem for rule in rules for problem in _of_rule(rule)]


def _of_rule(rule: Rule) -> Iterator[str]:
    told = [(f"VALID[{number}]", _of_valid(rule, each)) for number, each in enumerate(rule.VALID)]
    told += [(f"INVALID[{number}]", _of_invalid(rule, each)) for number, each in enumerate(rule.INVALID)]
    yield from (f"{rule.code} has no {kind} example" for kind in ("VALID", "INVALID") if not getattr(rule, kind))
    yield from (f"{rule.code}.{where}: {problem}" for where, found in told for problem in found)


def _of_valid(rule: Rule, example: Valid) -> Iterator[str]:
    written = merged(example.fragment, example.onto)
    if faults := spec.check(written):
        yield f"is no spec: {faults[0].message}"
        return
    for violation in _said(rule, written, example):
        yield f"the rule is not silent: {violation.pointer}: {violation.message}"


def _of_invalid(rule: Rule, example: Invalid) -> Iterator[str]:
    written = merged(example.fragment, example.onto)
    if faults := spec.check(written):
        yield f"is no spec: {faults[0].message}"
        return
    found = _said(rule, written, example)
    if not found:
        yield "the rule stays silent"
        return
    first = found[0]
    for what, is_, promised in (
        ("pointer", first.pointer, example.pointer),
        ("severity", (first.severity or rule.severity).label, (example.severity or rule.severity).label),
    ):
        if is_ != promised:
            yield f"the {what} is {is_}, not {promised}"
    if example.says not in first.message:
        yield f"the message is {first.message!r}, which lacks {example.says!r}"
    if example.fix is not None and first.suggestion != (example.fix_at or example.pointer, example.fix):
        yield f"the suggestion is {first.suggestion}, not {example.fix!r} at {example.fix_at or example.pointer}"
    yield from _of_suggestions(rule, written, example)


def _of_suggestions(rule: Rule, written: dict[str, Any], example: Invalid) -> Iterator[str]:
    for _ in range(_MOST_SUGGESTIONS):
        open_ = [each for each in _said(rule, written, example) if (each.severity or rule.severity) > Severity.INFO]
        suggestion = next((each.suggestion for each in open_ if each.suggestion is not None), None)
        if suggestion is None:
            return
        put(written, suggestion.pointer, suggestion.value)
        if faults := spec.check(written):
            yield f"the suggestion {suggestion.value!r} at {suggestion.pointer} makes it no spec: {faults[0].message}"
            return
    yield f"is still not content after {_MOST_SUGGESTIONS} suggestions were followed"


def _said(rule: Rule, written: dict[str, Any], example: Valid | Invalid) -> list[Violation]:
    return list(checked(rule, lambda: rule.check(case_of(written, example))))


def case_of(written: dict[str, Any], example: Valid | Invalid) -> Case:
    """Return a spec as a rule sees it, with the hardware and the facts that its example names."""
    profile = None if example.hardware is None else hardware.profile(example.hardware)
    dataset = written["dataset"]
    read: dict[str, Any] | None = example.read
    facts = None if read is None else Facts(dataset["type"], dataset["path"], **read)
    return Case(spec.typed(spec.resolve(written)), written, facts=facts, hardware=profile)


def put(written: dict[str, Any], pointer: str, value: object) -> None:
    """Write a value into a spec; objects on the way that are not there are made."""
    *parents, last = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    place: Any = written
    for token in parents:
        place = place[int(token)] if isinstance(place, list) else place.setdefault(token, {})
    if isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
