"""``--set path=value``: single values of a spec written anew, the rest of the text left as its author laid it out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from trainyard.client.errors import BadSettings
from trainyard.linter.engine import edits
from trainyard.linter.source import Document


def apply(raw: bytes, assignments: Iterable[str]) -> bytes:
    """Return the spec with every ``path=value`` written into it; raises BadSettings, saying which one can't be.

    A path is written with dots (``training.epochs``) or as a JSON pointer (``/training/epochs``). A value is JSON; what is
    no JSON is text.
    """
    for assignment in assignments:
        path, sign, text = assignment.partition("=")
        if not sign or not path.strip("./ "):
            raise BadSettings(f"--set {assignment!r} is no assignment; write --set training.epochs=50")
        raw = _written(raw, _pointer(path.strip()), _value(text), assignment)
    return raw


def _written(raw: bytes, pointer: str, value: Any, assignment: str) -> bytes:
    document = Document.parse(raw)
    if document.value is None or document.faults:
        raise BadSettings("the spec is no clean JSON, so --set can't write into it; `trainlint check` says where")
    made = edits.setting(document, pointer, value, lambda anything, _indent, _cells: json.dumps(anything, ensure_ascii=False))
    if not made:
        raise BadSettings(f"--set {assignment!r}: what lies above {pointer} in the spec is no object that could hold it")
    return edits.apply(raw, made)


def _pointer(path: str) -> str:
    if path.startswith("/"):
        return path
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in path.split("."))


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text


def _refuse(word: str) -> None:
    raise BadSettings(f"{word} is no number that a spec may hold")
