"""Everything that a finding can be called: rules, faults of the text, faults of the schema, our own.

One source for ``explain``, ``rules``, the reference pages and the rule list inside SARIF: the docstring of a
rule, or the entry of a trap. Never imported on the way of a plain ``check``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter.engine import own
from trainyard.linter.engine.configuration import NEWEST_RULESET
from trainyard.linter.rules.index import RULES
from trainyard.linter.rules.rule import Invalid, Rule, Valid
from trainyard.linter.source.severity import Severity
from trainyard.linter.source.traps import TRAPS, Trap
from trainyard.linter.spec.faults import KINDS, Kind

if TYPE_CHECKING:
    from trainyard.linter.rules.plugin import Plugin

_LONGEST_NAME = 80
_HEADING = re.compile(r"^(What it checks|Why it fails|Evidence|When to ignore):[ ]*$", re.MULTILINE)


class Section(NamedTuple):
    """One part of an explanation."""

    heading: str
    text: str


class Described(NamedTuple):
    """What there is to know about one code; ``origin`` is the plugin that it comes from, ``None`` for ours."""

    code: str
    name: str
    severity: Severity
    strict: Severity
    since: str
    kind: str
    summary: str
    sections: tuple[Section, ...]
    reads: tuple[str, ...] = ()
    invalid: tuple[Invalid, ...] = ()
    valid: tuple[Valid, ...] = ()
    origin: str | None = None

    @property
    def family(self) -> str:
        """The letters of the code."""
        return self.code.rstrip("0123456789")

    def to_json(self) -> dict[str, Any]:
        """Return the entry as ``rules --format json`` prints it."""
        return {
            "code": self.code,
            "name": self.name,
            "family": self.family,
            "kind": self.kind,
            "severity": self.severity.label,
            "severity_strict": self.strict.label,
            "since": self.since,
            "summary": self.summary,
            "sections": {section.heading: section.text for section in self.sections},
            "reads": list(self.reads),
            "examples": [_example(invalid) for invalid in self.invalid],
            "plugin": self.origin,
        }


_Plugins = tuple["Plugin", ...]


@cache
def catalogue(plugins: _Plugins = ()) -> tuple[Described, ...]:
    """Return everything that trainlint and these plugins can say, sorted by code."""
    entries = [_of_rule(rule) for rule in RULES]
    entries += [_of_rule(rule, plugin.origin) for plugin in plugins for rule in plugin.rules]
    entries += [_of_trap(trap, "text") for trap in TRAPS]
    entries += [_of_trap(trap, "linter") for trap in own.TRAPS]
    entries += [_of_trap(kind, "schema") for kind in KINDS]
    return tuple(sorted(entries, key=lambda entry: entry.code))


@cache
def _by_name(plugins: _Plugins) -> Mapping[str, Described]:
    return {key: entry for entry in catalogue(plugins) for key in (entry.code.lower(), entry.name)}


def forget() -> None:
    """Forget what was described: the list of rules has changed."""
    for cached in (catalogue, _by_name, families, closest):
        cached.cache_clear()


def find(name: str, plugins: _Plugins = ()) -> Described | None:
    """Return the entry of a code or a name; letter case does not matter."""
    return _by_name(plugins).get(name.strip().lower())


@cache
def families(plugins: _Plugins = ()) -> frozenset[str]:
    """Return the letters that codes begin with."""
    return frozenset(entry.family for entry in catalogue(plugins))


@lru_cache(maxsize=256)
def closest(name: str, plugins: _Plugins = ()) -> str | None:
    """Return the code, name or family that ``name`` was probably meant to be."""
    import difflib

    if len(name) > _LONGEST_NAME:
        return None
    entries = catalogue(plugins)
    known = {**{entry.name: entry.name for entry in entries}, **{entry.code.lower(): entry.code for entry in entries}}
    known.update((family.lower(), family) for family in families(plugins))
    matches = difflib.get_close_matches(name.strip().lower(), known, n=1, cutoff=0.6)
    return known[matches[0]] if matches else None


def _of_trap(trap: Trap | Kind, kind: str) -> Described:
    sections = (Section("What it checks", trap.what), Section("Why it fails", trap.why), Section("What to do", trap.mend))
    return Described(trap.code, trap.name, trap.severity, trap.severity, NEWEST_RULESET, kind, _first_sentence(trap.what), sections)


def _of_rule(rule: Rule, origin: str | None = None) -> Described:
    text = inspect.cleandoc(rule.__doc__ or "")
    summary, *parts = _HEADING.split(text)
    sections = tuple(Section(heading, inspect.cleandoc(body)) for heading, body in zip(parts[::2], parts[1::2], strict=True))
    return Described(
        rule.code,
        rule.name,
        rule.severity,
        rule.strict or rule.severity,
        rule.since,
        "rule",
        " ".join(summary.split()),
        sections,
        rule.reads,
        rule.INVALID,
        rule.VALID,
        origin,
    )


def _first_sentence(text: str) -> str:
    return text.split(": ", 1)[0].rstrip(".") + "."


def _example(invalid: Invalid) -> dict[str, Any]:
    return {"spec": invalid.fragment, "pointer": invalid.pointer, "message": invalid.says, "suggestion": invalid.fix}
