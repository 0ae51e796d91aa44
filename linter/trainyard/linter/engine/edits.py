"""Findings to byte edits that leave the author's formatting alone. Computed only when somebody asks for a fix.

A key that stands in the wrong place is moved as it is: its value is taken along, and never written over another one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from trainyard.linter.engine import own
from trainyard.linter.source.faults import Edit
from trainyard.linter.source.traps import DUPLICATE_KEY

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
    if is_move(document, finding):
        return _moved(document, finding.pointer, suggestion.pointer, suggestion.value)
    if suggestion.pointer in document.places:
        place = document.places[suggestion.pointer]
        return (_edit(document, place.start, place.end, _written(document, place, suggestion.value)),)
    return _insertion(document, suggestion.pointer, suggestion.value)


def is_move(document: Document, finding: Finding) -> bool:
    """Tell whether what is suggested is another place or name for a key and what it holds, not something to write elsewhere."""
    wanted = finding.suggestion
    if wanted is None or finding.target != "key" or finding.pointer in {wanted.pointer, wanted.pointer.rpartition("/")[0]}:
        return False
    return finding.pointer in document.places and _carries(wanted.value, value_at(document.value, finding.pointer))


def _carries(value: Any, old: Any) -> bool:
    """Tell whether a value is the old one, perhaps with a type added, perhaps wrapped in objects that hold nothing else."""
    if value == old or not isinstance(value, dict):
        return bool(value == old)
    typed = isinstance(old, dict) and {key: member for key, member in value.items() if key != "type"} == old
    return typed or (len(value) == 1 and _carries(next(iter(value.values())), old))


def created(document: Document, finding: Finding) -> str | None:
    """Return the pointer of the member that following a suggestion adds to an object; None when it adds none.

    Two findings that would add the same member cannot be mended at once.
    """
    if finding.suggestion is None or finding.edits:
        return None
    pointer: str | None = None
    at = finding.suggestion.pointer
    while at and at not in document.places:
        pointer, at = at, at.rpartition("/")[0]
    return pointer


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
    if pointer not in document.places or not pointer or _is_ambiguous(document):
        return None
    siblings = _children(document, parent)
    index = document.children(parent).index(pointer)
    if index + 1 < len(siblings):
        return _edit(document, _start(siblings[index][1]), _start(siblings[index + 1][1]), "")
    end = siblings[index][1].end
    start = siblings[index - 1][1].end if index else _start(siblings[index][1])
    return _edit(document, start, end, "")


def _moved(document: Document, pointer: str, wanted: str, value: Any) -> tuple[Edit, ...]:
    """Move a member, with what it holds, to a place that is free; nothing when it is taken, or when a key is written twice."""
    place = document.places.get(pointer)
    if place is None or place.key_start < 0 or wanted in document.places or _is_ambiguous(document):
        return ()
    name = json.dumps(_last_key(wanted), ensure_ascii=False)
    parent = wanted.rpartition("/")[0]
    old = value_at(document.value, pointer)
    if parent != pointer.rpartition("/")[0]:
        cut, put = removal(document, pointer), _appended(document, parent, name, _wrapped(document, place, old, value))
        return () if cut is None or put is None else (put, cut)
    if value == old:
        return (_edit(document, place.key_start, place.key_end, name),)
    return (_edit(document, place.key_start, place.end, f"{name}: {_wrapped(document, place, old, value)}"),)


def _wrapped(document: Document, place: Place, old: Any, value: Any) -> str:
    """Return a value that is to hold the old one as JSON, the old one as it was written where that takes one line."""
    text = document.text[place.start : place.end]
    if value == old and "\n" not in text:
        return text
    if value != old and isinstance(value, dict) and len(value) == 1:
        key, member = next(iter(value.items()))
        return f"{{ {json.dumps(key, ensure_ascii=False)}: {_wrapped(document, place, old, member)} }}"
    return _written(document, place, value)


def _appended(document: Document, parent: str, name: str, text: str) -> Edit | None:
    """Add a member, given as texts, to the object at ``parent``; nothing when there is none."""
    place = document.places.get(parent)
    if place is None or document.text[place.start] != "{":
        return None
    members = _children(document, parent)
    if not members:
        return _edit(document, place.start + 1, place.end - 1, f" {name}: {text} ")
    last = members[-1][1]
    indent = _INDENT.search(document.text[: last.key_start])
    between = f",\n{indent.group(1)}" if indent else ", "
    return _edit(document, last.end, last.end, f"{between}{name}: {text}")


def _is_ambiguous(document: Document) -> bool:
    """Tell whether a key is written twice: only the last one has a place, and moving its neighbours could take the other along."""
    return any(fault.code == DUPLICATE_KEY.code for fault in document.faults)


def value_at(value: Any, pointer: str) -> Any:
    """Return what stands at a pointer that is in a JSON value."""
    for token in pointer.split("/")[1:]:
        value = value[int(token)] if isinstance(value, list) else value[token.replace("~1", "/").replace("~0", "~")]
    return value


def _last_key(pointer: str) -> str:
    return pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")


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
    members = _children(document, pointer)
    indent = _INDENT.search(document.text[: members[-1][1].key_start]) if members else None
    written = json.dumps(value, ensure_ascii=False)
    if write is not None and indent:
        written = write(value, indent.group(1), len(name) + 4)
    elif indent and isinstance(value, dict):
        written = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", f"\n{indent.group(1)}")
    put = _appended(document, pointer, json.dumps(name, ensure_ascii=False), written)
    return () if put is None else (put,)


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
