"""What the schema says about a field: for hover, completion, ``explain`` and the generated reference.

A pointer alone does not tell which member of a union is meant; with the document at hand the branch that
its author chose answers, without it every branch is asked in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from trainyard.linter.spec import bundle

_KINDS: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
_ABSENT = object()


class Field(NamedTuple):
    """One field of the language.

    Attributes:
        key: its name.
        title: a few words.
        description: a sentence or two, with Markdown code spans.
        types: the JSON types it takes, shorthands included.
        allowed: its closed vocabulary, or ``None`` where any value of the types is a spec.
        required: whether nothing stands in for it.
        default: the value that stands in when it is absent (``None`` may be one).
        derived: how its default follows from other fields, in words; ``None`` where it does not.
        unit: what a number counts.
        usual_range: lowest and highest usual value; a hint, never a bound.
        examples: values that somebody might write.
    """

    key: str
    title: str
    description: str
    types: tuple[str, ...]
    allowed: tuple[Any, ...] | None
    required: bool
    default: Any
    derived: str | None
    unit: str | None
    usual_range: tuple[float, float] | None
    examples: tuple[Any, ...]


def field(pointer: str, document: object = None) -> Field | None:
    """Return what the schema says about the field at a JSON pointer, or ``None`` where there is none.

    Args:
        pointer: its place; the members of a list share what is said of the list.
        document: the spec it is in, as far as it is written.
    """
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    while tokens and tokens[-1].isdecimal():
        tokens.pop()
    if not tokens:
        return None
    for owner in pieces(tokens[:-1], document):
        if tokens[-1] in owner.get("properties", {}):
            return _field(tokens[-1], owner)
    return None


def fields(pointer: str = "", document: object = None) -> tuple[Field, ...]:
    """Return the fields that the object at a JSON pointer may have, in the order of the schema."""
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    found: dict[str, Field] = {}
    for owner in pieces(tokens, document):
        for key in owner.get("properties", {}):
            found.setdefault(key, _field(key, owner))
    return tuple(found.values())


def branches(node: dict[str, Any], value: object = _ABSENT) -> Iterator[dict[str, Any]]:
    """Yield the pieces of schema that apply to a value, references and shorthands followed.

    Without a value, or with a tag that no member has, every branch applies.
    """
    whole = bundle.merged(node)
    if "if" in whole:
        yield from _conditional(whole, value)
    elif "allOf" in whole:
        tag = value.get("type", _ABSENT) if isinstance(value, dict) else _ABSENT
        chosen = [branch for branch in whole["allOf"] if branch["if"]["properties"]["type"]["const"] == tag]
        if not chosen:
            yield whole
        for branch in chosen or whole["allOf"]:
            yield from branches(branch["then"], value)
    else:
        yield whole


def _conditional(whole: dict[str, Any], value: object) -> Iterator[dict[str, Any]]:
    kind = whole["if"]["type"]
    parts: tuple[str, ...] = ("then", "else")
    if value is not _ABSENT and "anyOf" not in whole["if"]:
        parts = ("then",) if _KINDS.get(type(value)) == kind else ("else",)
    for part in parts:
        if part in whole:
            yield from branches(whole[part], value)
    yield whole


def pieces(tokens: list[str], document: object) -> list[dict[str, Any]]:
    """Return the pieces of schema for the value at a place."""
    value: object = _ABSENT if document is None else document
    nodes = list(branches(bundle.schema(), value))
    for token in tokens:
        value = _member(value, token)
        nodes = [piece for node in nodes for below in _below(node, token) for piece in branches(below, value)]
    return nodes


def _member(value: object, token: str) -> object:
    if isinstance(value, dict):
        return value.get(token, _ABSENT)
    if isinstance(value, list) and token.isdecimal() and int(token) < len(value):
        return value[int(token)]
    return _ABSENT


def _below(node: dict[str, Any], token: str) -> Iterator[dict[str, Any]]:
    if token in node.get("properties", {}):
        yield node["properties"][token]
    elif token.isdecimal() and "items" in node:
        yield node["items"]
    elif isinstance(node.get("additionalProperties"), dict):
        yield node["additionalProperties"]


def _field(key: str, owner: dict[str, Any]) -> Field:
    whole = bundle.merged(owner["properties"][key])
    types = whole.get("type", ())
    usual = whole.get("x-usual-range")
    return Field(
        key=key,
        title=whole.get("title", key.replace("_", " ").capitalize()),
        description=whole.get("description", ""),
        types=tuple([types] if isinstance(types, str) else types),
        allowed=_allowed(whole),
        required=key in owner.get("required", ()),
        default=whole.get("default"),
        derived=whole.get("x-default"),
        unit=whole.get("x-unit"),
        usual_range=None if usual is None else (usual[0], usual[1]),
        examples=tuple(whole.get("examples", ())),
    )


def _allowed(whole: dict[str, Any]) -> tuple[Any, ...] | None:
    if "const" in whole:
        return (whole["const"],)
    for part in (whole, whole.get("then", {}), whole.get("else", {})):
        if "enum" in part:
            return tuple(part["enum"])
    return None
