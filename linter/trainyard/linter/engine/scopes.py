"""Parts of a spec that the configuration judges differently: rules ignored, or given another severity, below a pointer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from trainyard.linter.engine.findings import Finding
from trainyard.linter.engine.plan import lookup, names
from trainyard.linter.source.severity import Severity

_ANY = "*"
_FIXED_FAMILIES = ("JSON", "SPEC", "LINT")


class Scope(NamedTuple):
    """One part: a JSON pointer, in which ``*`` stands for any key or index, and what differs there and below."""

    pointer: str
    ignore: tuple[str, ...] = ()
    severities: tuple[tuple[str, Severity], ...] = ()

    def holds(self, pointer: str) -> bool:
        """Tell whether a pointer lies here."""
        wanted, found = self.pointer.split("/"), pointer.split("/")
        return len(found) >= len(wanted) and all(one in {_ANY, other} for one, other in zip(wanted, found, strict=False))


def apply(scopes: Iterable[Scope], findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings as the scopes have them; errors of text and schema stay, for nothing behind them was judged."""
    scopes = tuple(scopes)
    for finding in findings:
        kept: Finding | None = finding
        for scope in scopes:
            if kept is not None and scope.holds(kept.pointer):
                kept = _judged(scope, kept)
        if kept is not None:
            yield kept


def _judged(scope: Scope, finding: Finding) -> Finding | None:
    is_fixed = finding.code.startswith(_FIXED_FAMILIES) and finding.severity >= Severity.ERROR
    if not is_fixed and names(scope.ignore, finding.code, finding.name):
        return None
    severity = lookup(dict(scope.severities), finding.code, finding.name)
    return finding if severity is None else finding._replace(severity=severity)
