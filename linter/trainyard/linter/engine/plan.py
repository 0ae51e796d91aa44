"""Which rules run for a configuration, compiled once and used for every file.

Rules that are not selected never run: an ignored rule costs nothing and cannot crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.rules.index import RULES
from trainyard.linter.rules.rule import Rule, Violation
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.rules.case import Case
    from trainyard.linter.rules.plugin import Plugin


class Planned(NamedTuple):
    """One rule as it will run: ``severity`` replaces the rule's own and each violation's, when it is set.

    ``origin`` says which plugin it comes from; ours come from none.
    """

    rule: Rule
    check: Callable[[Case], Iterator[Violation]]
    severity: Severity | None
    origin: str | None = None


class Plan(NamedTuple):
    """The rules to run, and which severities the configuration sets for anything that carries a code."""

    rules: tuple[Planned, ...]
    severities: dict[str, Severity]
    ignored: frozenset[str]

    def severity(self, code: str, name: str) -> Severity | None:
        """Return the severity that the configuration sets for a code, a name or its family."""
        return lookup(self.severities, code, name)

    def ignores(self, code: str, name: str) -> bool:
        """Tell whether the configuration ignores this rule."""
        return names(self.ignored, code, name)


def family(code: str) -> str:
    """Return the family of a code: its letters."""
    return code.rstrip("0123456789")


def names(selectors: Iterable[str], code: str, name: str) -> bool:
    """Tell whether one of the selectors (code, name, family or ``ALL``) names this rule."""
    return any(selector in selectors for selector in (code, name, family(code), "ALL"))


def plan(configuration: Configuration) -> Plan:
    """Return the plan of a configuration. Unknown names match nothing: who reads the configuration has refused them."""
    select = (*(configuration.select or ("ALL",)), *configuration.extend_select)
    return _compiled(configuration.ruleset, select, configuration.ignore, configuration.severities, configuration.plugins)


def forget() -> None:
    """Forget the compiled plans: the list of rules has changed."""
    _compiled.cache_clear()


@lru_cache(maxsize=64)
def _compiled(
    ruleset: str,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    severity_pairs: tuple[tuple[str, Severity], ...],
    plugins: tuple[Plugin, ...],
) -> Plan:
    severities = dict(severity_pairs)
    ignored = frozenset(ignore)
    selected = frozenset(select)
    strict = ruleset == "strict"
    ours = [(rule, None) for rule in RULES if _is_dated_in(rule, ruleset)]
    theirs = [(rule, plugin.origin) for plugin in plugins for rule in plugin.rules]
    rules = tuple(
        Planned(rule, _check(rule, origin, strict=strict), lookup(severities, rule.code, rule.name), origin)
        for rule, origin in (*ours, *theirs)
        if names(selected, rule.code, rule.name) and not names(ignored, rule.code, rule.name)
    )
    return Plan(rules, severities, ignored)


def _check(rule: Rule, origin: str | None, *, strict: bool) -> Callable[[Case], Iterator[Violation]]:
    check = rule.check_strictly if strict else rule.check
    if origin is None:
        return check
    from trainyard.linter.rules.plugin import checked

    return lambda case: checked(rule, lambda: check(case))


def lookup(severities: dict[str, Severity], code: str, name: str) -> Severity | None:
    """Return the severity that is set for a code, a name, its family or all; the most particular one counts."""
    for selector in (code, name, family(code), "ALL"):
        if selector in severities:
            return severities[selector]
    return None


def _is_dated_in(rule: Rule, ruleset: str) -> bool:
    return not ruleset[:1].isdigit() or _date(rule.since) <= _date(ruleset)


def _date(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
