"""Text that an editor inserts, with places to fill in where the editor knows snippets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainyard.linter.lsp.vocabulary import Choice
    from trainyard.linter.spec.reference import Field

# More words than this are better looked up with completion than cycled through.
_MOST_WORDS = 40


def member(field: Field, *, fill_in: bool) -> str:
    """Return a key with its colon and, where the editor can be told to fill it in, a value to start from."""
    key = json.dumps(field.key)
    return f"{_plain(key)}: {_start(field)}" if fill_in else f"{key}: "


def value(choice: Choice, *, fill_in: bool) -> str:
    """Return a value; an empty object or list, or one that needs more keys, with the cursor inside."""
    text = json.dumps(choice.value, ensure_ascii=False)
    if not fill_in:
        return text
    if choice.value in ({}, []):
        return "{ $1 }" if choice.value == {} else "[$1]"
    if not isinstance(choice.value, dict):
        return _plain(text)
    rest = "".join(f", {_plain(json.dumps(key))}: ${number}" for number, key in enumerate(choice.required, 1))
    return f"{{ {_plain(text[1:-1])}{rest} }}"


def _start(field: Field) -> str:
    """Return a value to start from: one of the words, the default, or brackets with the cursor inside."""
    if field.allowed is not None and len(field.allowed) <= _MOST_WORDS:
        words = sorted(field.allowed, key=lambda word: word != field.default)
        return "${1|" + ",".join(_in_choice(json.dumps(word)) for word in words) + "|}"
    if "object" in field.types and not isinstance(field.default, (bool, int, float, str)):
        return "{ $1 }"
    if field.types[:1] == ("array",):
        return "[$1]"
    start = field.default if field.default is not None else next(iter(field.examples), None)
    if isinstance(start, (bool, int, float)):
        return f"${{1:{json.dumps(start)}}}"
    return '"$1"' if "string" in field.types else "$1"


def _plain(text: str) -> str:
    """Return a text in which no character means anything to a snippet."""
    return text.replace("\\", "\\\\").replace("$", "\\$").replace("}", "\\}")


def _in_choice(text: str) -> str:
    return _plain(text).replace(",", "\\,").replace("|", "\\|")
