"""Counts that are written with a fraction: 10.0 for 10.

JSON Schema calls 10.0 an integer, Python's ``range`` does not. ``resolve`` reads it as 10; here it is
pointed out. Called only for documents that hold such a number somewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from trainyard.linter.source import Fault, Suggestion
from trainyard.linter.spec import bundle
from trainyard.linter.spec.faults import WHOLE_NUMBER_AS_FLOAT
from trainyard.linter.spec.places import Place
from trainyard.linter.spec.reference import branches

_MOST = 200


def whole_floats(value: object) -> tuple[Fault, ...]:
    """Return a warning for every float that stands where the language wants an integer."""
    return tuple(islice(_below(Place(value, ()), value, bundle.schema()), _MOST))


def _below(place: Place, value: object, node: dict[str, Any]) -> Iterator[Fault]:
    pieces = list(branches(node, value))
    if isinstance(value, float):
        if value.is_integer() and any(_wants_integer(piece) for piece in pieces):
            yield _fault(place, value)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _first(place.below(key), member, [_property(piece, key) for piece in pieces])
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _first(place.below(index), member, [piece.get("items") for piece in pieces])


def _first(place: Place, value: object, nodes: list[Any]) -> Iterator[Fault]:
    node = next((node for node in nodes if isinstance(node, dict)), None)
    if node is not None and isinstance(value, (float, dict, list)):
        yield from _below(place, value, node)


def _property(piece: dict[str, Any], key: str) -> Any:
    return piece.get("properties", {}).get(key, piece.get("additionalProperties"))


def _wants_integer(piece: dict[str, Any]) -> bool:
    types = piece.get("type", ())
    return "integer" in types and "number" not in types


def _fault(place: Place, value: float) -> Fault:
    whole = int(value)
    message = f"{place.words} is {value}, a whole number with a fraction; write {whole}"
    return WHOLE_NUMBER_AS_FLOAT.fault(place.pointer, message, suggestion=Suggestion(place.pointer, whole), safe=True)
