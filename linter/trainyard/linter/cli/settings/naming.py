"""Rules as people name them in a configuration: code, name, family or ``ALL``; in the engine's spelling, or told what was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainyard.linter.cli.exits import Refusal

if TYPE_CHECKING:
    from trainyard.linter.rules.plugin import Plugin


def spelt(value: tuple[Any, ...], plugins: tuple[Plugin, ...]) -> tuple[Any, ...]:
    """Return a list of rules, or of (rule, severity) pairs, with every rule as the engine spells it.

    Raises:
        Refusal: when one of them names no rule of trainlint or of these plugins.
    """
    return tuple((rule_name(each[0], plugins), each[1]) if isinstance(each, tuple) else rule_name(each, plugins) for each in value)


def rule_name(name: str, plugins: tuple[Plugin, ...] = ()) -> str:
    """Return a code, name, family or ``ALL`` as the engine spells it.

    Raises:
        Refusal: when it names no rule.
    """
    from trainyard.linter.engine import catalogue

    if name.upper() == "ALL" or name.upper() in catalogue.families(plugins):
        return name.upper()
    entry = catalogue.find(name, plugins)
    if entry is None:
        meant = catalogue.closest(name, plugins)
        raise Refusal(f"unknown rule {name!r}" + (f"; did you mean {meant}?" if meant else "; `trainlint rules` lists them all"))
    return entry.code
