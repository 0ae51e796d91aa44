"""Counts that are written with a fraction: 10.0 for 10.

JSON Schema calls 10.0 an integer, Python's ``range`` does not. ``resolve`` reads it as 10; here it is
pointed out. Called only for documents that hold such a number somewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

from trainyard.linter.source import Fault, Severity, Suggestion
from trainyard.linter.spec import bundle
from trainyard.linter.spec.faults import WHOLE_NUMBER_AS_FLOAT
from trainyard.linter.spec.places import Place
from trainyard.linter.spec.reference import pieces

_MOST = 200
_LARGEST_EXACT = 2**53 - 1


def whole_floats(value: object) -> tuple[Fault, ...]:
    """Return a warning for every float that stands where the language wants an integer."""
    suspects = islice(_suspects(value, (), ""), _MOST)
    return tuple(_fault(place) for place in (Place(value, tokens) for tokens in suspects) if _wants_integer(place))


def _suspects(value: object, tokens: tuple[str | int, ...], key: str) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of every float without a fraction below a key that takes integers somewhere in the language."""
    if isinstance(value, float):
        if value.is_integer() and key in _integer_keys():
            yield tokens
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _suspects(member, (*tokens, name), key if key in _MAPS else name)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _suspects(member, (*tokens, index), key)


# The keys below these are names of classes.
_MAPS = frozenset({"class_counts", "class_shares", "weights"})


@cache
def _integer_keys() -> frozenset[str]:
    return frozenset(_keys(bundle.schema()))


def _keys(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, field in node.get("properties", {}).items():
            whole = bundle.merged(field)
            if any(_is_integer(piece) for piece in (whole, whole.get("items", {}), whole.get("additionalProperties") or {})):
                yield key
        for part in node.values():
            yield from _keys(part)
    elif isinstance(node, list):
        for part in node:
            yield from _keys(part)


def _wants_integer(place: Place) -> bool:
    return any(_is_integer(bundle.merged(piece)) for piece in pieces([str(token) for token in place.tokens], place.root))


def _is_integer(node: dict[str, Any]) -> bool:
    types = node.get("type", ())
    return "integer" in types and "number" not in types


def _fault(place: Place) -> Fault:
    whole = int(place.value)
    if abs(whole) > _LARGEST_EXACT:
        message = f"{place.words} is {place.value}, a count beyond {_LARGEST_EXACT:,} (2^53 - 1): readers change it; write a smaller one"
        return WHOLE_NUMBER_AS_FLOAT.fault(place.pointer, message)._replace(severity=Severity.ERROR)
    message = f"{place.words} is {place.value}, a whole number with a fraction; write {whole}"
    return WHOLE_NUMBER_AS_FLOAT.fault(place.pointer, message, suggestion=Suggestion(place.pointer, whole), safe=True)
