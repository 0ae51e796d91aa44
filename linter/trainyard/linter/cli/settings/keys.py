"""What a configuration may say: every key, the shape of its value, and one line about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from trainyard.linter.engine.configuration import MAX_BYTES, RULESETS
from trainyard.linter.source.severity import Severity

LEVELS = {severity.label: severity for severity in Severity}


class Key(NamedTuple):
    """One key: how its value is read (raising ``ValueError`` with what it should be), its help, and where it may stand.

    ``overridable``: a table of overrides may hold it. ``names_rules``: its value names rules, which plugins may bring.
    ``scoped``: a table of overrides may hold it for a part of a spec.
    """

    read: Callable[[Any], Any]
    help: str
    overridable: bool = False
    names_rules: bool = False
    scoped: bool = False


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(element, str) and element for element in value):
        raise ValueError("a list of texts")
    return tuple(value)


def _severities(value: Any) -> tuple[tuple[str, Severity], ...]:
    if not isinstance(value, dict) or not all(isinstance(level, str) and level in LEVELS for level in value.values()):
        raise ValueError(f'a table of rules, each {", ".join(LEVELS)}, such as {{ LR001 = "info" }}')
    return tuple(sorted((name, LEVELS[level]) for name, level in value.items()))


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
    "plugins": Key(
        _texts, 'Rules of the house: files such as "./rules/house.py", modules, names that packages announce; "*": all announced.'
    ),
    "select": Key(_texts, "Rules to run: codes, names, families, ALL. Default: all of the ruleset.", overridable=True, names_rules=True),
    "extend-select": Key(_texts, "Rules to run besides those selected.", overridable=True, names_rules=True),
    "ignore": Key(_texts, "Rules not to run.", overridable=True, names_rules=True, scoped=True),
    "severity": Key(_severities, "Severity by rule.", overridable=True, names_rules=True, scoped=True),
    "fail-on": Key(fail_on, "Lowest severity that fails, inclusive; default: warning.", overridable=True),
    "mandatory": Key(_texts, "Rules that no $lint entry can suppress.", names_rules=True),
    "partial": Key(_flag, "Judge only what is written; missing sections are no fault.", overridable=True),
    "hardware": Key(_text, "Hardware profile: a built-in name or a *.hardware.json file.", overridable=True),
    "data-root": Key(_text, "Folder that dataset paths are relative to; data must then be there.", overridable=True),
    "baseline": Key(_text, "File of known findings that do not count."),
    "exclude": Key(_texts, "Patterns of files to leave out, even when they are named."),
    "max-bytes": Key(_max_bytes, "Largest file to read, in bytes; default 65,536."),
    "required-version": Key(_text, 'Versions of trainlint that may judge, such as ">=0.1,<0.3".'),
    "overrides": Key(_overrides, 'Tables with files = [patterns], pointer = "/a/part" or both, and the keys that differ there.'),
}
