"""Mends a spec: makes the edits that findings offer, judges again, and goes on while there is something to mend.

Safe fixes cannot change what the author meant; the others are suggestions, made only when asked for. Pure:
bytes in, bytes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from trainyard.linter.engine import edits
from trainyard.linter.engine.findings import Finding, Severity
from trainyard.linter.source.faults import Edit

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report

# One suggestion of a rule a round; more rounds than there are rules would mean fixes that grow what they mend.
_MAX_ROUNDS = 200
# What text and schema suggest does not hang on each other: all of it in one round.
_INDEPENDENT = ("JSON", "SPEC", "LINT")


class Mended(NamedTuple):
    """The text after all fixes, and the report on it; findings that are gone are in it, marked as fixed."""

    raw: bytes
    report: Report


def mend(raw: bytes, judge: Callable[[bytes], Report], *, unsafe: bool = False) -> Mended:
    """Mend ``raw`` as far as its findings allow.

    Args:
        raw: the text.
        judge: the linter with everything but the text settled.
        unsafe: make suggestions too, not only safe fixes.
    """
    report = judge(raw)
    seen = {raw: report}
    for _ in range(_MAX_ROUNDS):
        mended = edits.apply(raw, _safe(report) or (_suggested(report) if unsafe else []))
        if mended in seen:
            raw, report = _best_since(mended, seen)
            break
        again = judge(mended)
        if again.document.value is None and report.document.value is not None:
            break
        raw, report = mended, again
        seen[raw] = report
    return Mended(raw, report.with_fixed(_gone(seen.values(), report)))


def _best_since(again: bytes, seen: dict[bytes, Report]) -> tuple[bytes, Report]:
    """Return the best of the texts since one that has come back: two suggestions undo each other, or there was nothing to mend.

    The same one whichever of them mending began with, so that mending twice is mending once.
    """
    texts = list(seen)
    circle = texts[texts.index(again) :]
    best = min(circle, key=lambda raw: ([finding.severity for finding in _worst_first(seen[raw])], raw))
    return best, seen[best]


def _worst_first(report: Report) -> list[Finding]:
    return sorted(filter(_is_open, report.findings), key=lambda finding: -finding.severity)


def fixable(report: Report) -> tuple[int, int]:
    """Return how many findings have a safe fix, and how many another one."""
    kinds = Counter(finding.safe for finding in report.findings if _is_open(finding) and edits.of_finding(report.document, finding))
    return kinds[True], kinds[False]


def _safe(report: Report) -> list[Edit]:
    """Return the edits of all safe fixes that do not touch each other."""
    return _together(report, (finding for finding in report.findings if finding.safe))


def _suggested(report: Report) -> list[Edit]:
    """Return the edits of all that text and schema suggest; when there is none of it, those of the most urgent rule."""
    independent = [finding for finding in report.findings if finding.code.startswith(_INDEPENDENT) and not finding.safe]
    return _together(report, independent) or _most_urgent(report)


def _together(report: Report, findings: Iterable[Finding]) -> list[Edit]:
    """Return the edits that do not touch each other and change something; a finding's are taken together or not at all."""
    chosen: list[Edit] = []
    raw = report.document.raw
    for finding in filter(_is_open, findings):
        wanted = [edit for edit in edits.of_finding(report.document, finding) if raw[edit.start : edit.end] != edit.replacement]
        if not any(_touch(edit, other) for edit in wanted for other in chosen):
            chosen.extend(wanted)
    return chosen


def _most_urgent(report: Report) -> list[Edit]:
    """Return the edits of one suggestion, of the worst finding that has one.

    One at a time, because what one suggests may hang on what another changes: the number of epochs follows the batch size.
    """
    for finding in _worst_first(report):
        wanted = edits.of_finding(report.document, finding) if not finding.safe else []
        if wanted and edits.apply(report.document.raw, wanted) != report.document.raw:
            return list(wanted)
    return []


def _is_open(finding: Finding) -> bool:
    return finding.suppressed is None and not finding.fixed


def _touch(one: Edit, other: Edit) -> bool:
    return one != other and one.start <= other.end and other.start <= one.end


def _gone(reports: Iterable[Report], last: Report) -> tuple[Finding, ...]:
    """Return what was found on the way and is there no more, each once: what came up only after the first fixes included."""
    left = Counter(map(_identity, last.findings))
    told: Counter[tuple[str, str, Severity, str | None]] = Counter()
    gone = []
    for report in reports:
        still, again = left.copy(), told.copy()
        for finding in report.findings:
            key = _identity(finding)
            if still[key] > 0:
                still[key] -= 1
            elif again[key] > 0:
                again[key] -= 1
            elif finding.suppressed is None:
                told[key] += 1
                gone.append(finding._replace(fixed=True))
    return tuple(gone)


def _identity(finding: Finding) -> tuple[str, str, Severity, str | None]:
    """Return what stays the same of a finding when the text around it changes.

    A warning that has become an info is mended: the info is what is left to know. Two keys that an object lacks stand at
    the same pointer, and differ in what would be written.
    """
    wanted = finding.suggestion.pointer if finding.suggestion is not None else None
    return finding.code, finding.pointer, finding.severity, wanted
