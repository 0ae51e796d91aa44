"""What the engine is told: which rules, how severe, what fails. A plain value; files and flags are read elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trainyard.linter.source.limits import Limits
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.engine.scopes import Scope
    from trainyard.linter.rules.plugin import Plugin

#: The newest dated ruleset. A dated set never grows, so an upgrade cannot break a build that names one.
NEWEST_RULESET = "2026.1"
RULESETS = ("recommended", "strict", "2026.1")
MAX_FINDINGS = 200
MAX_BYTES = 1024 * 1024


class Configuration(NamedTuple):
    """How to judge. Rules are named by code (``LR001``), name (``learning-rate-too-high``) or family (``LR``).

    Attributes:
        ruleset: ``recommended``, ``strict`` (the literal thresholds, every one a warning) or a dated set.
        fail_on: the lowest severity that fails a file, inclusive; ``None``: nothing does.
        select: the rules to run; empty: all of the ruleset.
        extend_select: rules to run besides ``select``.
        ignore: rules not to run; wins over both.
        severities: (rule, severity) pairs that replace a rule's own.
        mandatory: rules that nothing in a spec can suppress.
        suppress_errors: whether ``$lint`` may suppress errors; a server says no.
        baseline: (rule code, pointer) pairs that are known and accepted for this file.
        partial: judge only what the author wrote: missing sections are no fault, defaults cause no finding.
        limits: how much text to read.
        plugins: rules of the house, run besides those of the ruleset; a dated set does not leave them out.
        scopes: parts of a spec in which rules are ignored or have another severity; the later one counts.
    """

    ruleset: str = "recommended"
    fail_on: Severity | None = Severity.WARNING
    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severities: tuple[tuple[str, Severity], ...] = ()
    mandatory: tuple[str, ...] = ()
    suppress_errors: bool = True
    baseline: frozenset[tuple[str, str]] = frozenset()
    partial: bool = False
    limits: Limits = Limits()
    plugins: tuple[Plugin, ...] = ()
    scopes: tuple[Scope, ...] = ()

    @property
    def ruleset_label(self) -> str:
        """The ruleset with its date, as reports carry it: ``recommended@2026.1``."""
        return f"recommended@{self.ruleset}" if self.ruleset[:1].isdigit() else f"{self.ruleset}@{NEWEST_RULESET}"
