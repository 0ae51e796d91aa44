"""What a configuration may say: every key, the shape of its value, and one line about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from trainyard.linter.cli.exits import Refusal
from trainyard.linter.engine.configuration import MAX_BYTES, RULESETS
from trainyard.linter.source.severity import Severity

LEVELS = {severity.label: severity for severity in Severity}


class Key(NamedTuple):
    """One key: how its value is read (raising ``ValueError`` with what it should be), its help, whether globs may override it."""

    read: Callable[[Any], Any]
    help: str
    overridable: bool = False


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(element, str) and element for element in value):
        raise ValueError("a list of texts")
    return tuple(value)


def rule_names(value: Any) -> tuple[str, ...]:
    """Return codes, names and families as the engine spells them.

    Raises:
        ValueError: when it is no list of texts.
        Refusal: when one of them names no rule.
    """
    return tuple(rule_name(name) for name in _texts(value))


def rule_name(name: str) -> str:
    """Return a code, name, family or ``ALL`` as the engine spells it.

    Raises:
        Refusal: when it names no rule.
    """
    from trainyard.linter.engine import catalogue

    if name.upper() == "ALL" or name.upper() in catalogue.families():
        return name.upper()
    entry = catalogue.find(name)
    if entry is None:
        meant = catalogue.closest(name)
        raise Refusal(f"unknown rule {name!r}" + (f"; did you mean {meant}?" if meant else "; `trainlint rules` lists them all"))
    return entry.code


def _severities(value: Any) -> tuple[tuple[str, Severity], ...]:
    if not isinstance(value, dict) or not all(isinstance(level, str) and level in LEVELS for level in value.values()):
        raise ValueError(f'a table of rules, each {", ".join(LEVELS)}, such as {{ LR001 = "info" }}')
    return tuple(sorted((rule_name(name), LEVELS[level]) for name, level in value.items()))


def fail_on(value: Any) -> Severity | None:
    """Return the severity; None for ``never``.

    Raises:
        ValueError: when it is none.
    """
    if value != "never" and value not in LEVELS:
        raise ValueError(f"one of {', '.join(LEVELS)}, never")
    return LEVELS.get(value)


def _ruleset(value: Any) -> str:
    if value not in RULESETS:
        raise ValueError(f"one of {', '.join(RULESETS)}")
    return str(value)


def _max_bytes(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_BYTES:
        raise ValueError(f"a number of bytes from 1 to {MAX_BYTES:,}")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004 - read() promises ValueError
    return value


def _overrides(value: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ValueError('tables, such as [[tool.trainlint.overrides]] with files = ["legacy/**"]')
    return tuple(value)


KEYS = {
    "ruleset": Key(_ruleset, "recommended, strict, or a dated set that never grows.", overridable=True),
    "select": Key(rule_names, "Rules to run: codes, names, families, ALL. Default: all of the ruleset.", overridable=True),
    "extend-select": Key(rule_names, "Rules to run besides those selected.", overridable=True),
    "ignore": Key(rule_names, "Rules not to run.", overridable=True),
    "severity": Key(_severities, "Severity by rule.", overridable=True),
    "fail-on": Key(fail_on, "Lowest severity that fails, inclusive; default: warning.", overridable=True),
    "mandatory": Key(rule_names, "Rules that no $lint entry can suppress."),
    "partial": Key(_flag, "Judge only what is written; missing sections are no fault.", overridable=True),
    "hardware": Key(_text, "Hardware profile: a built-in name or a *.hardware.json file.", overridable=True),
    "data-root": Key(_text, "Folder that dataset paths are relative to; data must then be there.", overridable=True),
    "baseline": Key(_text, "File of known findings that do not count."),
    "exclude": Key(_texts, "Patterns of files to leave out, even when they are named."),
    "max-bytes": Key(_max_bytes, "Largest file to read, in bytes; default 65,536."),
    "required-version": Key(_text, 'Versions of trainlint that may judge, such as ">=0.1,<0.3".'),
    "overrides": Key(_overrides, "Tables with files = [patterns] and the keys that differ there."),
}
