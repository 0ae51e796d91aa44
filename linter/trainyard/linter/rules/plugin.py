"""Rules of the house: what somebody else's module has to hold so that its rules run beside ours.

A plugin is a place and the rules that were found there. What makes a rule is checked once, when it is loaded, so
that a slip in one is told in words and never as a crash in the middle of a run. Loading itself, which touches the
disk and runs strange code, happens elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

_CODE = re.compile(r"[A-Z]{2,8}[0-9]{3}")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
#: The module-level name that holds the rules of a plugin.
HOLDS = "RULES"
# No suggestion nests deeper; one that does would not end.
_DEEPEST = 64


class Plugin(NamedTuple):
    """Where rules come from, in words for people, and the rules."""

    origin: str
    rules: tuple[Rule, ...]


class PluginError(ValueError):
    """What is wrong with a plugin, and what to write."""


def plugin(origin: str, found: object) -> Plugin:
    """Return the plugin whose module holds ``found`` under the name ``RULES``.

    Raises:
        PluginError: when that is no list of rules, or one of them is no complete rule.
    """
    if not isinstance(found, (tuple, list)) or not found:
        raise PluginError(f"{HOLDS} is a tuple with at least one rule, such as {HOLDS} = (MyRule(),)")
    for each in found:
        _demand_rule(each)
    return Plugin(origin, tuple(found))


def demand_no_clash(plugins: Sequence[Plugin], ours: Iterable[tuple[str, str]]) -> None:
    """Return when every code, name and family belongs to one origin.

    Args:
        plugins: all that run together.
        ours: code and name of everything that trainlint itself can say.

    Raises:
        PluginError: naming both owners.
    """
    owners: dict[str, str] = {}
    for code, name in ours:
        owners |= dict.fromkeys((code, name, f"the family {_family(code)}"), "trainlint")
    for each in plugins:
        claimed: set[str] = set()
        for rule in each.rules:
            for claim in (rule.code, rule.name):
                if claim in claimed:
                    raise PluginError(f"{each.origin} uses {claim} for two rules")
                claimed.add(claim)
        claimed |= {f"the family {_family(rule.code)}" for rule in each.rules}
        for claim in sorted(claimed):
            if claim in owners:
                raise PluginError(f"{each.origin} uses {claim}, which belongs to {owners[claim]}: choose another")
        owners |= dict.fromkeys(claimed, each.origin)


def checked(rule: Rule, check: Callable[[], Iterable[Violation]]) -> Iterator[Violation]:
    """Yield what a rule of the house says, as long as it is what a rule may say.

    Raises:
        TypeError: when it is not.
    """
    try:
        for violation in check():
            _demand_violation(rule, violation)
            yield violation
    except SystemExit as error:
        raise RuntimeError(f"{rule.code} tried to end the program") from error


def _demand_rule(rule: object) -> None:
    if isinstance(rule, type) and issubclass(rule, Rule):
        raise PluginError(f"{HOLDS} holds the class {rule.__name__}; write {rule.__name__}()")
    if not isinstance(rule, Rule):
        raise PluginError(f"{HOLDS} holds {rule!r:.60}, which is no Rule: derive from trainyard.linter.rules.rule.Rule")
    kind = type(rule).__name__
    for what, fits, wanted in _shape(rule):
        if not fits:
            raise PluginError(f"{kind}.{what} is {wanted}")
    if type(rule).check is Rule.check:
        raise PluginError(f"{kind} has no check(self, case)")


def _shape(rule: Rule) -> Iterator[tuple[str, bool, str]]:
    """Yield for each part of a rule whether it is what it should be, and what that is."""
    code, name = getattr(rule, "code", None), getattr(rule, "name", None)
    reads, strict = getattr(rule, "reads", None), rule.strict
    yield "code", isinstance(code, str) and _CODE.fullmatch(code) is not None, 'two to eight capitals and three digits, such as "HOUSE001"'
    yield "name", isinstance(name, str) and _NAME.fullmatch(name) is not None, 'words with hyphens, such as "team-tag-missing"'
    yield "severity", isinstance(getattr(rule, "severity", None), Severity), "Severity.ERROR, WARNING or INFO"
    yield "strict", strict is None or isinstance(strict, Severity), "a Severity, or None"
    yield "__doc__", bool((type(rule).__doc__ or "").strip()), "a docstring: `trainlint explain` prints it"
    fits = isinstance(reads, tuple) and all(isinstance(pointer, str) and pointer.startswith("/") for pointer in reads)
    yield "reads", fits, 'a tuple of JSON pointers, such as ("/optimizer",)'
    yield "VALID", all(isinstance(each, Valid) for each in rule.VALID), "a tuple of Valid"
    yield "INVALID", all(isinstance(each, Invalid) for each in rule.INVALID), "a tuple of Invalid"


def _demand_violation(rule: Rule, violation: object) -> None:
    if not isinstance(violation, Violation):
        raise TypeError(f"{rule.code} yields {type(violation).__name__}, not Violation")
    parts: tuple[Any, ...] = tuple(violation)  # what a stranger's code holds is not what its types say
    pointer, message, target, suggestion, severity = parts
    fits = isinstance(pointer, str) and (not pointer or pointer.startswith("/")) and isinstance(message, str) and message != ""
    if not fits or target not in {"key", "value"} or not isinstance(severity, Severity | None):
        raise TypeError(f"{rule.code} yields a Violation without a JSON pointer, a message, a target or a Severity: {violation!r:.200}")
    if suggestion is not None and (not isinstance(suggestion, Suggestion) or not _is_json(suggestion.value)):
        raise TypeError(f"{rule.code} suggests what is no Suggestion with a JSON value: {suggestion!r:.200}")


def _is_json(value: object, deep: int = 0) -> bool:
    if isinstance(value, dict):
        return deep < _DEEPEST and all(isinstance(key, str) and _is_json(member, deep + 1) for key, member in value.items())
    if isinstance(value, (list, tuple)):
        return deep < _DEEPEST and all(_is_json(element, deep + 1) for element in value)
    return value is None or isinstance(value, (str, int)) or (isinstance(value, float) and abs(value) < float("inf"))


def _family(code: str) -> str:
    return code.rstrip("0123456789")
