"""What a fault says: what was found, where, what is allowed, and what to write.

One shape for all: lower case, no full stop, names in double quotes as they stand in the file, and after the
semicolon the thing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainyard.linter.source import Fault, Suggestion
from trainyard.linter.spec import bundle, faults
from trainyard.linter.spec.conversion import converted
from trainyard.linter.spec.nearest import nearest_word
from trainyard.linter.spec.places import Place, shown

_MOST_WORDS = 12
_LONGEST_ABOUT = 60
_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_FOUND = {bool: "the boolean ", str: "the string ", dict: "", list: "", int: "", float: "", type(None): ""}


def missing_key(place: Place, node: dict[str, Any], key: str) -> Fault:
    """Return the fault of an object that lacks a key."""
    field = bundle.merged(node["properties"][key])
    todo = f'write "{key}"{_example(field)}'
    message = f'{place.tagged} lacks "{key}"{_about(field)}; {todo}'
    only = field["enum"][0] if len(field.get("enum", ())) == 1 else None
    suggestion = None if only is None else Suggestion(place.below(key).pointer, only)
    return faults.MISSING_KEY.fault(place.pointer, message, target="key", suggestion=suggestion, safe=only is not None)


def wrong_type(place: Place, node: dict[str, Any], types: Sequence[str]) -> Fault:
    """Return the fault of a value of another type."""
    value = place.value
    expected = _expected(node, types)
    better = converted(value, bundle.merged(node), types)
    todo = f"{expected} is expected"
    if better is not None:
        todo += f", write {shown(better)}"
    suggestion = None if better is None else Suggestion(place.pointer, better)
    return faults.WRONG_TYPE.fault(place.pointer, f"{place.words} is {_found(value)}; {todo}", suggestion=suggestion)


def value_not_allowed(place: Place, allowed: Sequence[Any]) -> Fault:
    """Return the fault of a word that is not in a closed list."""
    value = place.value
    if place.tokens == ("version",):
        message = f"version {shown(value)} is unknown to this trainlint; it reads {listed(allowed)}"
        return faults.VALUE_NOT_ALLOWED.fault(place.pointer, message)
    words = [word for word in allowed if isinstance(word, str)]
    near = nearest_word(value, words) if isinstance(value, str) else None
    message = f"{shown(value)} is no value of {place.words}; "
    if near is None:
        return faults.VALUE_NOT_ALLOWED.fault(place.pointer, f"{message}write one of {listed(allowed)}")
    message += f'did you mean "{near.word}"?'
    if len(allowed) <= _MOST_WORDS:
        message += f" Allowed: {listed(allowed)}"
    return faults.VALUE_NOT_ALLOWED.fault(place.pointer, message, suggestion=Suggestion(place.pointer, near.word), safe=near.certain)


def wrong_size(place: Place, keyword: str, node: dict[str, Any]) -> Fault:
    """Return the fault of a list, an object or a text that holds too much or too little."""
    value = place.value
    limit = node[keyword]
    if keyword.endswith("Properties"):
        keys = listed(list(node["properties"]))
        message = f"{place.words} holds {len(value)} keys; write exactly one of {keys}"
        if keyword == "minProperties" and "maxProperties" not in node:
            message = f"{place.words} is empty; write at least one of {keys}"
    elif keyword.endswith("Length"):
        message = f"{place.words} is {len(value)} characters long; write {_bound(keyword, limit)}"
    else:
        message = f"{place.words} holds {len(value)} values; write {_bound(keyword, limit)}"
    return faults.WRONG_SIZE.fault(place.pointer, message)


def listed(values: Sequence[Any]) -> str:
    """Return allowed values for a message, at most twelve of them."""
    texts = [shown(value) for value in values[:_MOST_WORDS]]
    rest = len(values) - len(texts)
    return ", ".join(texts) + (f" and {rest} more" if rest else "")


def _bound(keyword: str, limit: int) -> str:
    return f"at {'least' if keyword.startswith('min') else 'most'} {limit}"


def _expected(node: dict[str, Any], types: Sequence[str]) -> str:
    order = [name for name in _TYPES if name in types]
    words = " or ".join(_TYPES[name] for name in order)
    tagged = any("allOf" in bundle.merged(part) for part in (node, node.get("then", {}), node.get("else", {})))
    return words.replace("an object", 'an object with a "type"') if tagged else words


def _found(value: object) -> str:
    return _FOUND[type(value)] + shown(value)


def _example(field: dict[str, Any]) -> str:
    examples = [example for example in field.get("examples", ()) if example is not None]
    if "enum" in field:
        return f": {listed(field['enum'])}" if len(field["enum"]) == 1 else f", one of {listed(field['enum'])}"
    if examples and (text := shown(examples[0])) not in {"an object", "a list"}:
        return f", for example {text}"
    tags = field.get("properties", {}).get("type", {}).get("enum")
    return f', an object with a "type": {listed(tags)}' if tags else ""


def _about(field: dict[str, Any]) -> str:
    """Return what a field is, in brackets, as far as its description says so in a few words."""
    text = field.get("description", "").partition(". ")[0].partition(": ")[0].partition("; ")[0].rstrip(".")
    words = text if text[:2].isupper() else text[:1].lower() + text[1:]
    return f" ({words})" if 0 < len(words) <= _LONGEST_ABOUT and "enum" not in field else ""
