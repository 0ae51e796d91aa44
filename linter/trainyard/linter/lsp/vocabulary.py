"""What the language lets one write at a place: keys of an object, and values. Asks the schema, judges nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from trainyard.linter.spec import reference
from trainyard.linter.spec.reference import Field


class Choice(NamedTuple):
    """One value that can be written.

    Attributes:
        value: the JSON value.
        title: a few words about it.
        description: a sentence or two.
        is_default: whether it is what stands in when nothing is written.
        required: further keys that an object of this type needs.
    """

    value: Any
    title: str = ""
    description: str = ""
    is_default: bool = False
    required: tuple[str, ...] = ()


def field(tokens: Sequence[str], document: object) -> Field | None:
    """Return what the schema says about a field; of a tag, that it picks any member and not only the one written."""
    return reference.field(pointer(tokens), _without(document, tokens) if tokens[-1] == "type" else document)


def keys(tokens: Sequence[str], document: object, taken: frozenset[str], written: str = "") -> tuple[Field, ...]:
    """Return the fields that can still be written into the object at a path, the required ones first.

    ``taken`` are the keys that it has besides ``written``, the one at the cursor, which has no say.
    """
    rest = _without(document, [*tokens, written])
    fitting = _fitting(reference.pieces(list(tokens), rest), taken)
    known = reference.fields(pointer(tokens), rest)
    return tuple(sorted((one for one in known if one.key in fitting and one.key not in taken), key=lambda one: not one.required))


def values(tokens: Sequence[str], document: object) -> tuple[Choice, ...]:
    """Return the values that the schema names for a place; whatever stands there now has no say."""
    place = list(tokens)
    if place and place[-1].isdecimal():
        # An element that is not there yet: the list's schema answers for all of them.
        place[-1] = str(10**6)
    rest = _without(document, place)
    pieces = reference.pieces(place, rest)
    about = reference.field(pointer(tokens), rest) if not place[-1].isdecimal() else None
    members = _tagged(reference.pieces(place[:-1], rest) if place[-1:] == ["type"] else pieces)
    tags = {tag.value["type"]: tag for tag in members}
    default = about.default if about is not None else None
    found = [*_named(pieces, tags), *_tagged(pieces), *_examples(about), *_plain(pieces)]
    is_fixed = about is not None and has_default(about)
    return _unique(choice._replace(is_default=is_fixed and choice.value == default) for choice in found)


def member(tokens: Sequence[str], document: object) -> Choice | None:
    """Return the member of a tagged union that the object at a path is, by its ``type``."""
    tag = _at(document, [*tokens, "type"])
    if not isinstance(tag, str):
        return None
    return next((choice for choice in _tagged(reference.pieces(list(tokens), document)) if choice.value["type"] == tag), None)


def has_default(about: Field) -> bool:
    """Tell whether a fixed value stands in for the field; null does only where null can be written."""
    if about.required or about.derived is not None:
        return False
    return about.default is not None or "null" in about.types


def pointer(tokens: Iterable[str]) -> str:
    """Return the JSON pointer of a path."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def _fitting(pieces: Iterable[dict[str, Any]], taken: frozenset[str]) -> set[str]:
    """Return the keys that go together with those that are there: a length has epochs or steps, never both."""
    owners = [piece for piece in pieces if "properties" in piece]
    alike = [piece for piece in owners if taken <= piece["properties"].keys()] or owners
    return {key for piece in alike if len(taken) < piece.get("maxProperties", len(taken) + 1) for key in piece["properties"]}


def _named(pieces: Iterable[dict[str, Any]], tags: dict[Any, Choice]) -> Iterator[Choice]:
    """Yield the closed vocabulary; a tag is described by the member that it picks."""
    for piece in pieces:
        words = [piece["const"]] if "const" in piece else piece.get("enum", ())
        for word in words:
            known = tags.get(word) if isinstance(word, str) else None
            yield Choice(word) if known is None else known._replace(value=word, required=())


def _tagged(pieces: Iterable[dict[str, Any]]) -> Iterator[Choice]:
    for piece in pieces:
        tag = piece.get("properties", {}).get("type", {}).get("const")
        if tag is not None:
            required = tuple(key for key in piece.get("required", ()) if key != "type")
            yield Choice({"type": tag}, piece.get("title", ""), piece.get("description", ""), required=required)


def _examples(about: Field | None) -> Iterator[Choice]:
    if about is None:
        return
    if not isinstance(about.default, (dict, list)) and has_default(about):
        yield Choice(about.default, "the default")
    for example in about.examples:
        if not _is_tagged(example):
            yield Choice(example, "an example")


def _plain(pieces: Sequence[dict[str, Any]]) -> Iterator[Choice]:
    """Yield what the mere types allow: true and false, null, an empty object or list to fill in."""
    for piece in pieces:
        types = piece.get("type", ())
        for word in [types] if isinstance(types, str) else types:
            if word == "boolean":
                yield from (Choice(True), Choice(False))
            elif word == "null":
                yield Choice(None)
            elif word == "array":
                yield Choice([])
            elif word == "object" and not any("allOf" in other or "const" in _tag(other) for other in pieces):
                yield Choice({})


def _tag(piece: dict[str, Any]) -> dict[str, Any]:
    tag: dict[str, Any] = piece.get("properties", {}).get("type", {})
    return tag


def _is_tagged(value: object) -> bool:
    return isinstance(value, dict) and "type" in value


def _unique(choices: Iterable[Choice]) -> tuple[Choice, ...]:
    found: dict[str, Choice] = {}
    for choice in choices:
        found.setdefault(json.dumps(choice.value), choice)
    return tuple(found.values())


def _at(document: object, tokens: Sequence[str]) -> object:
    for token in tokens:
        if isinstance(document, dict):
            document = document.get(token)
        elif isinstance(document, list) and token.isdecimal() and int(token) < len(document):
            document = document[int(token)]
        else:
            return None
    return document


def _without(document: Any, tokens: Sequence[str]) -> Any:
    """Return the document without the member at a path; the rest is shared with the original."""
    if not tokens:
        return {}
    token, *below = tokens
    if isinstance(document, dict) and token in document:
        rest = {key: value for key, value in document.items() if key != token}
        return {**rest, token: _without(document[token], below)} if below else rest
    if isinstance(document, list) and below and token.isdecimal() and int(token) < len(document):
        index = int(token)
        return [*document[:index], _without(document[index], below), *document[index + 1 :]]
    return document
