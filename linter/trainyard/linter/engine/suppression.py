"""``$lint``: findings that the author accepts, each with a reason; and the entries that accept nothing.

    "$lint": [{"rule": "learning-rate-too-high", "pointer": "/optimizer/learning_rate", "reason": "found by a sweep"}]

Faults of text and schema cannot be accepted: nothing behind them was judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter.engine import own
from trainyard.linter.engine.configuration import MAX_FINDINGS
from trainyard.linter.engine.findings import Finding, Severity
from trainyard.linter.engine.plan import names
from trainyard.linter.source.faults import Fault, Suggestion
from trainyard.linter.source.traps import Trap

if TYPE_CHECKING:
    from trainyard.linter.engine.configuration import Configuration
    from trainyard.linter.source.document import Document

_FIXED_FAMILIES = ("JSON", "SPEC", "LINT")


class _Entry(NamedTuple):
    """One entry of ``$lint``: its number, and what it says."""

    number: int
    rule: str
    pointer: str
    reason: str

    def accepts(self, finding: Finding) -> bool:
        """Tell whether a finding of this rule lies where it is accepted."""
        return finding.pointer == self.pointer or finding.pointer.startswith(self.pointer + "/")

    @property
    def place(self) -> str:
        """Where the entry stands."""
        return f"/$lint/{self.number}"


class Suppressed(NamedTuple):
    """The findings, those that are accepted marked with the reason; and what is wrong with the entries."""

    findings: list[Finding]
    faults: list[Fault]


def suppress(findings: list[Finding], document: Document, configuration: Configuration, judged: Callable[[str], bool]) -> Suppressed:
    """Apply the entries of ``$lint``.

    Args:
        findings: everything found so far.
        document: the spec with its entries.
        configuration: says what cannot be suppressed.
        judged: tells whether the rule with this code ran, so that silence means something.
    """
    entries = list(_entries(document.value))
    by_rule: dict[str, list[_Entry]] = {}
    for entry in entries:
        by_rule.setdefault(entry.rule.lower(), []).append(entry)
    used: set[int] = set()
    refused: set[int] = set()
    marked = []
    for finding in findings:
        meant = (*by_rule.get(finding.code.lower(), ()), *by_rule.get(finding.name, ()))
        accepting = next((entry for entry in meant if entry.accepts(finding)), None)
        if accepting is None:
            marked.append(finding)
            continue
        used.add(accepting.number)
        if _is_mandatory(finding, configuration):
            refused.add(accepting.number)
            marked.append(finding)
        elif finding.severity >= Severity.ERROR and not configuration.suppress_errors:
            marked.append(finding)
        else:
            marked.append(finding._replace(suppressed=accepting.reason))
    faults = [_refused(entry) for entry in entries if entry.number in refused]
    unused = [entry for entry in entries if entry.number not in used]
    faults += [fault for entry in unused[:MAX_FINDINGS] for fault in _unused(entry, judged, configuration)]
    return Suppressed(marked, faults)


def _entries(value: dict[str, Any] | None) -> Iterator[_Entry]:
    """Yield the entries that are well formed; the schema has spoken about the others."""
    listed = (value or {}).get("$lint")
    for number, entry in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(entry, dict):
            continue
        rule, pointer, reason = entry.get("rule"), entry.get("pointer"), entry.get("reason")
        if isinstance(rule, str) and isinstance(reason, str) and reason.strip() and isinstance(pointer, str | None):
            yield _Entry(number, rule, (pointer or "").rstrip("/"), reason)


def _is_mandatory(finding: Finding, configuration: Configuration) -> bool:
    if finding.code.startswith(_FIXED_FAMILIES) and finding.severity >= Severity.ERROR:
        return True
    return names(configuration.mandatory, finding.code, finding.name)


def _refused(entry: _Entry) -> Fault:
    message = f"{entry.rule} cannot be suppressed here: it judges text or schema, or the configuration makes it mandatory"
    return _fault(own.NOT_SUPPRESSIBLE, entry.place + "/rule", message)


def _unused(entry: _Entry, judged: Callable[[str], bool], configuration: Configuration) -> Iterator[Fault]:
    from trainyard.linter.engine import catalogue

    described = catalogue.find(entry.rule, configuration.plugins)
    if described is None:
        meant = catalogue.closest(entry.rule, configuration.plugins)
        hint = f"; did you mean {meant}?" if meant else ""
        suggestion = Suggestion(entry.place + "/rule", meant) if meant else None
        yield _fault(own.UNKNOWN_SUPPRESSION, entry.place + "/rule", f'there is no rule "{entry.rule}"{hint}', suggestion)
    elif judged(described.code):
        where = f" at {entry.pointer}" if entry.pointer else ""
        message = f"{described.name} finds nothing{where}: the entry suppresses nothing; delete it"
        yield _fault(own.UNUSED_SUPPRESSION, entry.place, message)._replace(safe=True)


def _fault(trap: Trap, pointer: str, message: str, suggestion: Suggestion | None = None) -> Fault:
    return Fault(trap.code, trap.name, pointer, message, "value", suggestion, trap.severity)
