"""What a fault says: what was found, where, what is allowed, and what to write.

One shape for all: lower case, no full stop, names in double quotes as they stand in the file, and after the
semicolon the thing to do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from trainyard.linter.source import Fault, Suggestion
from trainyard.linter.spec import bundle, faults
from trainyard.linter.spec.conversion import converted
from trainyard.linter.spec.nearest import nearest_word
from trainyard.linter.spec.places import Place, shown

_MOST_WORDS = 20
# Beside a guess, only a short list is worth reading.
_MOST_BESIDE_A_GUESS = 12
_LONGEST_WRITTEN = 90
_SOME_KEYS = 3
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
    better = converted(value, bundle.merged(node), types)
    if better is None and place.tokens == ("model",) and (backbone := _backbone(value)) is not None:
        better = {"type": "transfer", "backbone": backbone}
    todo = f"{expected(node, types)} is expected"
    if better is not None:
        todo += f", write {written(better)}"
    else:
        todo += _instead(value, node)
    suggestion = None if better is None else Suggestion(place.pointer, better)
    return faults.WRONG_TYPE.fault(place.pointer, f"{place.words} is {_found(value)}; {todo}", suggestion=suggestion)


def value_not_allowed(place: Place, allowed: Sequence[Any]) -> Fault:
    """Return the fault of a word that is not in a closed list."""
    value = place.value
    if place.tokens == ("version",):
        return _version(place, value, allowed)
    words = [word for word in allowed if isinstance(word, str)]
    near = nearest_word(value, words) if isinstance(value, str) else None
    message = f"{shown(value)} is no value of {place.words}; "
    if near is None and place.tokens == ("model", "type") and (backbone := _backbone(value)) is not None:
        todo = f'it is a backbone: write "type": "transfer", "backbone": "{backbone}"'
        return faults.VALUE_NOT_ALLOWED.fault(place.pointer, message + todo)
    if near is None:
        return faults.VALUE_NOT_ALLOWED.fault(place.pointer, f"{message}write one of {listed(allowed)}")
    message += f'did you mean "{near.word}"?'
    if len(allowed) <= _MOST_BESIDE_A_GUESS:
        message += f" Allowed: {listed(allowed)}"
    return faults.VALUE_NOT_ALLOWED.fault(place.pointer, message, suggestion=Suggestion(place.pointer, near.word), safe=near.certain)


def _backbone(value: object) -> str | None:
    """Return the backbone that somebody names as the type of a model."""
    words = bundle.merged(bundle.definition("Transfer")["properties"]["backbone"])["enum"]
    near = nearest_word(value, words) if isinstance(value, str) else None
    return near.word if near is not None and near.certain else None


def _version(place: Place, value: object, allowed: Sequence[Any]) -> Fault:
    """Return the fault of a version; 1, "1.0" and "V1" mean "v1"."""
    plain = str(value).lower().removeprefix("v").removesuffix(".0") if isinstance(value, (str, int, float)) else ""
    meant = next((word for word in allowed if word == f"v{plain}"), None)
    if meant is None:
        message = f"version {shown(value)} is unknown to this trainlint; it reads {listed(allowed)}"
        return faults.VALUE_NOT_ALLOWED.fault(place.pointer, message)
    message = f'version {shown(value)} is not how it is written; write "{meant}"'
    return faults.VALUE_NOT_ALLOWED.fault(place.pointer, message, suggestion=Suggestion(place.pointer, meant), safe=True)


def wrong_size(place: Place, keyword: str, node: dict[str, Any]) -> Fault:
    """Return the fault of a list, an object or a text that holds too much or too little."""
    value = place.value
    limit = node[keyword]
    if keyword.endswith("Properties"):
        keys = listed(list(node["properties"]))
        message = f"{place.words} {f'holds {len(value)} keys' if value else 'is empty'}; write exactly one of {keys}"
        if keyword == "minProperties" and "maxProperties" not in node:
            message = f"{place.words} is empty; write at least one of {keys}"
    elif keyword.endswith("Length"):
        message = f"{place.words} is {len(value)} characters long; write {_bound(keyword, limit)}"
        if not value:
            message = f"{place.words} is empty; write a text{_example(bundle.merged(node))}"
    else:
        message = f"{place.words} holds {len(value)} values; write {_bound(keyword, limit)}"
    return faults.WRONG_SIZE.fault(place.pointer, message)


def listed(values: Sequence[Any]) -> str:
    """Return allowed values for a message, at most twenty of them."""
    texts = [shown(value) for value in values[:_MOST_WORDS]]
    rest = len(values) - len(texts)
    return ", ".join(texts) + (f" and {rest} more (`trainlint schema` has them all)" if rest else "")


def written(value: Any) -> str:
    """Return a value as it is to be written, or what kind of thing it is where that would be very long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_WRITTEN else shown(value)


def _instead(value: object, node: dict[str, Any]) -> str:
    """Return what to write where nothing can be made of the value: nothing at all in place of null, else an example."""
    field = bundle.merged(node)
    if value is None and "x-default" in field:
        return "; leave the key out for the default"
    if value is None and "default" in field and not isinstance(field["default"], (dict, list)):
        return f"; leave the key out for the default, {shown(field['default'])}"
    tags = field.get("properties", {}).get("type", {}).get("enum")
    return f": {listed(tags)}" if tags else _example(field) or _keys(field)


def _keys(field: dict[str, Any]) -> str:
    """Return what an object without an example holds: its required keys with their examples, or some of its keys."""
    properties = field.get("properties", {})
    parts = {key: next(iter(bundle.merged(properties[key]).get("examples", ())), None) for key in field.get("required", ())}
    if parts and None not in parts.values():
        return f", for example {written(parts)}"
    return f", with keys such as {listed(list(properties)[:_SOME_KEYS])}" if properties else ""


def _bound(keyword: str, limit: int) -> str:
    return f"at {'least' if keyword.startswith('min') else 'most'} {limit}"


def expected(node: dict[str, Any], types: Sequence[str]) -> str:
    """Return JSON types in words."""
    order = [name for name in _TYPES if name in types]
    each = [_TYPES[name] for name in order]
    words = " or ".join(filter(None, (", ".join(each[:-1]), each[-1])))
    tagged = any("allOf" in bundle.merged(part) for part in (node, node.get("then", {}), node.get("else", {})))
    return words.replace("an object", 'an object with a "type"') if tagged else words


def _found(value: object) -> str:
    return _FOUND[type(value)] + shown(value)


def _example(field: dict[str, Any]) -> str:
    examples = [example for example in field.get("examples", ()) if example is not None]
    if "enum" in field:
        return f": {listed(field['enum'])}" if len(field["enum"]) == 1 else f", one of {listed(field['enum'])}"
    if examples and (text := written(examples[0])) not in {"an object", "a list"}:
        return f", for example {text}"
    tags = field.get("properties", {}).get("type", {}).get("enum")
    return f', an object with a "type": {listed(tags)}' if tags else ""


def _about(field: dict[str, Any]) -> str:
    """Return what a field is, in brackets, as far as its description says so in a few words."""
    text = field.get("description", "").partition(". ")[0].partition(": ")[0].partition("; ")[0].rstrip(".")
    words = text if text[:2].isupper() else text[:1].lower() + text[1:]
    return f" ({words})" if 0 < len(words) <= _LONGEST_ABOUT and "enum" not in field else ""
