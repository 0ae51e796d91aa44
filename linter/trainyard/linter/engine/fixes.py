"""Mends a spec: makes the edits that findings offer, judges again, and goes on while there is something to mend.

Safe fixes cannot change what the author meant; the others are suggestions, made only when asked for. Nothing that
was written is lost but what a suggestion replaces. Pure: bytes in, bytes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from trainyard.linter.engine import edits
from trainyard.linter.engine.findings import Finding, Severity
from trainyard.linter.source.faults import Edit

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report
    from trainyard.linter.source.document import Document

# One suggestion of a rule a round; more rounds than there are rules would mean fixes that grow what they mend.
_MAX_ROUNDS = 200
# What the text, or the schema, suggests does not hang on each other: all of it in one round, the text first.
_INDEPENDENT = (("JSON",), ("SPEC", "LINT"))


class Mended(NamedTuple):
    """The text after all fixes, and the report on it; findings that were mended are in it, marked as fixed."""

    raw: bytes
    report: Report


class _Stage(NamedTuple):
    """What a text on the way is judged to be, and the findings whose edits have led to it."""

    report: Report
    mended: tuple[Finding, ...] = ()


class _Change(NamedTuple):
    """A finding and the edits that mend it."""

    finding: Finding
    edits: tuple[Edit, ...]


def mend(raw: bytes, judge: Callable[[bytes], Report], *, unsafe: bool = False) -> Mended:
    """Mend ``raw`` as far as its findings allow.

    Args:
        raw: the text.
        judge: the linter with everything but the text settled.
        unsafe: make suggestions too, not only safe fixes.
    """
    first = report = judge(raw)
    seen = {raw: _Stage(report)}
    for _ in range(_MAX_ROUNDS):
        changes = _safe(report) or (_suggested(report) if unsafe else [])
        mended = edits.apply(raw, [edit for change in changes for edit in change.edits])
        if mended in seen:
            raw = _best_since(mended, seen)
            break
        again = judge(mended)
        if again.document.value is None and report.document.value is not None:
            break
        seen[mended] = _Stage(again, (*seen[raw].mended, *(change.finding for change in changes)))
        raw, report = mended, again
    return Mended(raw, seen[raw].report.with_fixed(tuple(_lasting(first, seen[raw]))))


def _best_since(again: bytes, seen: dict[bytes, _Stage]) -> bytes:
    """Return the best of the texts since one that has come back: two suggestions undo each other, or there was nothing to mend.

    The same one whichever of them mending began with, so that mending twice is mending once.
    """
    texts = list(seen)
    circle = texts[texts.index(again) :]
    return min(circle, key=lambda raw: ([finding.severity for finding in _worst_first(seen[raw].report)], raw))


def _worst_first(report: Report) -> list[Finding]:
    return sorted(filter(_is_open, report.findings), key=lambda finding: -finding.severity)


def fixable(report: Report) -> tuple[int, int]:
    """Return how many findings have a safe fix, and how many another one."""
    kinds = Counter(finding.safe for finding in report.findings if _is_open(finding) and edits.of_finding(report.document, finding))
    return kinds[True], kinds[False]


def _safe(report: Report) -> list[_Change]:
    """Return all safe fixes that do not touch each other."""
    return _together(report, (finding for finding in report.findings if finding.safe))


def _suggested(report: Report) -> list[_Change]:
    """Return all that the text, else the schema suggests; when there is none of it, what the most urgent rule does."""
    for families in _INDEPENDENT:
        chosen = _together(report, (finding for finding in report.findings if finding.code.startswith(families) and not finding.safe))
        if chosen:
            return chosen
    return _most_urgent(report)


def _together(report: Report, findings: Iterable[Finding]) -> list[_Change]:
    """Return the changes that do not touch each other; a finding's edits are taken together or not at all."""
    chosen: list[_Change] = []
    taken: list[Edit] = []
    claimed: set[str] = set()
    raw, document = report.document.raw, report.document
    for finding in filter(_is_open, findings):
        wanted = tuple(edit for edit in edits.of_finding(document, finding) if raw[edit.start : edit.end] != edit.replacement)
        added = edits.created(document, finding) if wanted else None
        if not wanted or added in claimed or any(_touch(edit, other) for edit in wanted for other in taken):
            continue
        chosen.append(_Change(finding, wanted))
        taken.extend(wanted)
        claimed.update(() if added is None else (added,))
    return chosen


def _most_urgent(report: Report) -> list[_Change]:
    """Return one suggestion, of the worst finding that has one.

    One at a time, because what one suggests may hang on what another changes: the number of epochs follows the batch size.
    """
    for finding in _worst_first(report):
        wanted = edits.of_finding(report.document, finding) if not finding.safe else ()
        if wanted and edits.apply(report.document.raw, wanted) != report.document.raw:
            return [_Change(finding, tuple(wanted))]
    return []


def _is_open(finding: Finding) -> bool:
    return finding.suppressed is None and not finding.fixed


def _touch(one: Edit, other: Edit) -> bool:
    return one != other and one.start <= other.end and other.start <= one.end


def _lasting(first: Report, last: _Stage) -> Iterator[Finding]:
    """Yield the findings that were mended, each change of the text once: what is open again, or came of a fix, is not told.

    Args:
        first: the text as it was; places are told in it, as far as what was mended is there.
        last: the text as it is left.
    """
    still = {_identity(finding) for finding in last.report.findings if _is_open(finding)}
    told: set[tuple[str, str]] = set()
    for number, finding in enumerate(last.mended):
        place = _place(finding)
        is_later = any(_lies_below(finding, other) for other in last.mended[number + 1 :])
        if place is not None and (_identity(finding) in still or place in told or is_later or _is_as_before(first.document, last, finding)):
            continue
        told.update(() if place is None else (place,))
        yield _told_in(first, finding)._replace(fixed=True)


def _told_in(first: Report, finding: Finding) -> Finding:
    """Return a finding at its place in the first text: fixes made before it have moved what stands behind them."""
    if finding.edits or finding in first.findings:
        return finding
    span = first.document.span(finding.pointer, finding.target)
    return finding._replace(start=span.start, end=span.end)


def _place(finding: Finding) -> tuple[str, str] | None:
    """Return what a suggestion changes: two of the same are one change; edits of the text are each their own."""
    if finding.suggestion is None or finding.edits:
        return None
    return finding.target, finding.suggestion.pointer


def _lies_below(finding: Finding, other: Finding) -> bool:
    """Tell whether a value that was written has been replaced, later, by one that is written for all around it."""
    wanted, whole = _place(finding), _place(other)
    return wanted is not None and whole is not None and whole[0] == "value" and wanted[1].startswith(whole[1] + "/")


def _is_as_before(first: Document, last: _Stage, finding: Finding) -> bool:
    """Tell whether at the place of a suggestion stands what has stood there: one fix has undone the other."""
    pointer = finding.suggestion.pointer if finding.suggestion is not None else ""
    document = last.report.document
    if finding.target == "key" or pointer not in first.places or pointer not in document.places:
        return False
    return repr(edits.value_at(first.value, pointer)) == repr(edits.value_at(document.value, pointer))


def _identity(finding: Finding) -> tuple[str, str, Severity, str | None]:
    """Return what stays the same of a finding when the text around it changes.

    A warning that has become an info is mended: the info is what is left to know. Two keys that an object lacks stand at
    the same pointer, and differ in what would be written.
    """
    wanted = finding.suggestion.pointer if finding.suggestion is not None else None
    return finding.code, finding.pointer, finding.severity, wanted
