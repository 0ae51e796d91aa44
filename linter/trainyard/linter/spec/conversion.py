"""What a value of the wrong type was probably meant to be.

These are suggestions for a person to accept, never something that is read silently.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from trainyard.linter.spec import bundle
from trainyard.linter.spec.nearest import nearest_word

_PERCENT = re.compile(r"\s*([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%\s*")
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}
_JSON = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}


def converted(value: object, node: dict[str, Any], types: Sequence[str]) -> Any:
    """Return a value of one of ``types`` that says what ``value`` says, or ``None``.

    Args:
        value: what was written.
        node: the piece of schema that refused it.
        types: the JSON types that it would take.
    """
    if "array" in types and not isinstance(value, list) and fits(value, bundle.merged(node.get("items", {}))):
        return [value]
    if isinstance(value, str) and (found := _from_string(value, types)) is not None:
        return found
    if (inside := _only_member(value)) is not None and fits(inside, {"type": types}):
        return inside
    if "boolean" in types and value in (0, 1) and not isinstance(value, bool):
        return bool(value)
    return _object(value, node) if "object" in types else None


def _only_member(value: object) -> Any:
    """Return what a list or an object holds alone: a number in a unit that goes without saying, but not the word of a type."""
    if isinstance(value, list):
        return value[0] if len(value) == 1 else None
    inside = next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else None
    return inside if isinstance(inside, (int, float)) else None


def _from_string(value: str, types: Sequence[str]) -> Any:
    if "boolean" in types and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    if "number" not in types and "integer" not in types:
        return None
    percent = _PERCENT.fullmatch(value)
    return _from_number(value, types) if percent is None else float(percent.group(1)) / 100 if "number" in types else None


def _from_number(value: str, types: Sequence[str]) -> Any:
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number) or abs(number) >= 2**53:
        return None
    if number.is_integer() and "." not in value:
        return int(number)
    return number if "number" in types else None


def _object(value: object, node: dict[str, Any]) -> Any:
    """Return the object that a bare word or number stands for: a type, or a length in epochs."""
    branches = [bundle.merged(node[part]) for part in ("then", "else") if part in node]
    properties: dict[str, Any] = next((branch["properties"] for branch in (node, *branches) if "properties" in branch), {})
    if isinstance(value, str):
        near = nearest_word(value, properties.get("type", {}).get("enum", ()))
        return None if near is None else {"type": near.word}
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"epochs": value} if number and list(properties) == ["epochs", "steps"] else None


def fits(value: object, node: dict[str, Any]) -> bool:
    """Tell whether a value has one of the JSON types that a merged piece of schema takes."""
    kind = _JSON.get(type(value))
    if "enum" in node:
        return value in node["enum"]
    allowed = node.get("type", ())
    return kind in ([allowed] if isinstance(allowed, str) else allowed) or (kind == "integer" and "number" in allowed)
