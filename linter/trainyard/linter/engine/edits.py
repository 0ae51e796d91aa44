"""Findings to byte edits that leave the author's formatting alone. Computed only when somebody asks for a fix."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from trainyard.linter.engine import own
from trainyard.linter.source.faults import Edit

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Finding
    from trainyard.linter.source.document import Document
    from trainyard.linter.source.places import Place

_INDENT = re.compile(r"(?:^|\n)([ \t]*)\Z")


def of_finding(document: Document, finding: Finding) -> tuple[Edit, ...]:
    """Return the edits that mend a finding; none when there is no single way."""
    if finding.edits:
        return finding.edits
    if finding.name == own.UNUSED_SUPPRESSION.name:
        cut = removal(document, finding.pointer)
        return () if cut is None else (cut,)
    suggestion = finding.suggestion
    if suggestion is None:
        return ()
    if finding.target == "key" and finding.pointer not in {suggestion.pointer, suggestion.pointer.rpartition("/")[0]}:
        return _renaming(document, finding.pointer, suggestion.pointer)
    if suggestion.pointer in document.places:
        place = document.places[suggestion.pointer]
        return (_edit(document, place.start, place.end, _written(document, place, suggestion.value)),)
    return _insertion(document, suggestion.pointer, suggestion.value)


def apply(raw: bytes, edits: Sequence[Edit]) -> bytes:
    """Return the bytes with the edits made; of two that overlap, the later one is left out."""
    pieces, at = [], 0
    for edit in sorted(set(edits)):
        if edit.start >= at:
            pieces += [raw[at : edit.start], edit.replacement]
            at = edit.end
    return b"".join([*pieces, raw[at:]])


def removal(document: Document, pointer: str) -> Edit | None:
    """Return the edit that takes a member or element out, with the comma that it no longer needs."""
    parent = pointer.rpartition("/")[0]
    if pointer not in document.places or not pointer:
        return None
    siblings = _children(document, parent)
    index = document.children(parent).index(pointer)
    if index + 1 < len(siblings):
        return _edit(document, _start(siblings[index][1]), _start(siblings[index + 1][1]), "")
    end = siblings[index][1].end
    start = siblings[index - 1][1].end if index else _start(siblings[index][1])
    return _edit(document, start, end, "")


def _renaming(document: Document, pointer: str, wanted: str) -> tuple[Edit, ...]:
    parent, _, key = wanted.rpartition("/")
    place = document.places.get(pointer)
    if place is None or place.key_start < 0 or wanted in document.places or parent != pointer.rpartition("/")[0]:
        return ()
    name = key.replace("~1", "/").replace("~0", "~")
    return (_edit(document, place.key_start, place.key_end, json.dumps(name, ensure_ascii=False)),)


def setting(document: Document, pointer: str, value: Any, write: Callable[[Any, str, int], str]) -> tuple[Edit, ...]:
    """Return the edits that put ``value`` at ``pointer``, whether something is there or not.

    Args:
        document: the text.
        pointer: a member of an object that is there.
        value: a JSON value.
        write: makes the text, given the value, the indentation of its line and the cells used before it.
    """
    place = document.places.get(pointer)
    if place is None:
        return _insertion(document, pointer, value, write)
    indent = _INDENT.search(document.text[: max(place.key_start, 0)])
    text = write(value, indent.group(1) if indent else "", place.key_end - place.key_start + 2)
    return (_edit(document, place.start, place.end, text),)


def _insertion(document: Document, pointer: str, value: Any, write: Callable[[Any, str, int], str] | None = None) -> tuple[Edit, ...]:
    """Add a member that is not there, below its nearest ancestor that is; nothing when that one is no object."""
    keys: list[str] = []
    while pointer not in document.places:
        pointer, _, key = pointer.rpartition("/")
        keys.append(key.replace("~1", "/").replace("~0", "~"))
    name = keys.pop()
    for key in keys:
        value = {key: value}
    place = document.places[pointer]
    if document.text[place.start] != "{":
        return ()
    members = _children(document, pointer)
    if not members:
        return (_edit(document, place.start + 1, place.end - 1, f" {json.dumps(name)}: {json.dumps(value)} "),)
    last = members[-1][1]
    indent = _INDENT.search(document.text[: last.key_start])
    between = f",\n{indent.group(1)}" if indent else ", "
    written = json.dumps(value, ensure_ascii=False)
    if write is not None and indent:
        written = write(value, indent.group(1), len(name) + 4)
    elif indent and isinstance(value, dict):
        written = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", f"\n{indent.group(1)}")
    return (_edit(document, last.end, last.end, f"{between}{json.dumps(name, ensure_ascii=False)}: {written}"),)


def _written(document: Document, place: Place, value: Any) -> str:
    """Return a value as JSON; over several lines, indented like its key, where the old one took several."""
    old = document.text[place.start : place.end]
    indent = _INDENT.search(document.text[: max(place.key_start, 0)])
    if "\n" not in old or indent is None:
        written = json.dumps(value, ensure_ascii=False)
        spaced = old.startswith("{ ") and written.startswith("{") and len(written) > 2
        return f"{{ {written[1:-1]} }}" if spaced else written
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", f"\n{indent.group(1)}")


def _children(document: Document, parent: str) -> list[tuple[str, Place]]:
    return [(pointer, document.places[pointer]) for pointer in document.children(parent)]


def _start(place: Place) -> int:
    return place.key_start if place.key_start >= 0 else place.start


def _edit(document: Document, start: int, end: int, replacement: str) -> Edit:
    span = document.lines.span(start, end)
    return Edit(span.start.offset, span.end.offset, replacement.encode())
