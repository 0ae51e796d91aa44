"""What can be wrong with a document, as a value that every later stage passes on unchanged."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from trainyard.linter.source.places import Span
from trainyard.linter.source.severity import Severity

Target = Literal["key", "value"]


class Suggestion(NamedTuple):
    """What to write instead: ``value`` at the JSON pointer ``pointer``.

    A finding about a *key* whose suggestion names another pointer is a rename (same parent) or a move.
    """

    pointer: str
    value: Any


class Edit(NamedTuple):
    """Replace the bytes from ``start`` up to ``end`` by ``replacement``."""

    start: int
    end: int
    replacement: bytes


class Fault(NamedTuple):
    """One thing wrong with a document, found before any rule ran.

    Attributes:
        code: stable code, family letters and three digits.
        name: stable kebab-case name of the bad pattern.
        pointer: JSON pointer (RFC 6901) of the member or element at fault.
        message: what is wrong, where, and what to write.
        target: whether the key or the value at ``pointer`` is at fault.
        suggestion: what to write instead, when there is one answer.
        severity: how bad it is.
        safe: whether applying the suggestion or the edits cannot change what the author meant.
        span: the place, when the pointer alone does not tell it.
        edits: the byte edits that mend it, when the suggestion alone does not tell them.
    """

    code: str
    name: str
    pointer: str
    message: str
    target: Target = "value"
    suggestion: Suggestion | None = None
    severity: Severity = Severity.ERROR
    safe: bool = False
    span: Span | None = None
    edits: tuple[Edit, ...] = ()
