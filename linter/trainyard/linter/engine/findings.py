"""What the linter says: how bad a finding is, what it says, and where."""

from __future__ import annotations

from typing import NamedTuple

from trainyard.linter.source.faults import Edit, Suggestion, Target
from trainyard.linter.source.places import Position
from trainyard.linter.source.severity import Severity

__all__ = ["Edit", "Finding", "Position", "Severity", "Suggestion"]


class Finding(NamedTuple):
    """One thing that the linter says about one document, at its place.

    Attributes:
        code: stable code, family letters and three digits.
        name: stable kebab-case name.
        severity: after configuration.
        message: what is wrong, where, and what to write.
        pointer: JSON pointer (RFC 6901) of the member or element.
        start: where the key or value begins.
        end: where it ends, exclusive.
        suggestion: what to write instead, when there is one answer.
        suppressed: the author's reason, when ``$lint`` or a baseline suppresses it.
        fixed: whether ``--fix`` mended it in this run.
        target: whether the key or the value is at fault.
        safe: whether applying the fix cannot change what the author meant.
        edits: byte edits that mend it, when the suggestion does not tell them.
    """

    code: str
    name: str
    severity: Severity
    message: str
    pointer: str
    start: Position
    end: Position
    suggestion: Suggestion | None = None
    suppressed: str | None = None
    fixed: bool = False
    target: Target = "value"
    safe: bool = False
    edits: tuple[Edit, ...] = ()
