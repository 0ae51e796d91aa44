"""Where in the language a key belongs that stands where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from trainyard.linter.source import Suggestion
from trainyard.linter.spec import bundle
from trainyard.linter.spec.aliases import KEYS
from trainyard.linter.spec.conversion import fits
from trainyard.linter.spec.nearest import plainly
from trainyard.linter.spec.places import Place
from trainyard.linter.spec.wording import expected, listed, written

_MOST_HOMES = 4
# Their keys are units and bounds of a value, never the place for something written elsewhere.
_UNITS = frozenset({"Length", "Range", "SampleCount"})


class Home(NamedTuple):
    """Where a key belongs.

    Attributes:
        path: from the top, ``[]`` for the elements of a list.
        tags: the types of the union members that have it; none where it stands in every member, or in no union.
        field: its schema.
        becomes: the type that it has there, where another habit has a key for each type.
    """

    path: str
    tags: tuple[str, ...]
    field: dict[str, Any]
    becomes: str | None = None


def of(key: str, place: Place) -> list[Home]:
    """Return the places in the language for a key of this name, or of the name it is an alias for; the nearest first.

    Members of lists count only where there is no other place, other sections only where this one has none.
    """
    name, _, becomes = KEYS.get(plainly(key), key).partition(":")
    path, _, leaf = name.rpartition(".")
    homes = [home for home in homes_by_key().get(leaf, ()) if (not path or home.path == name) and not _holds(home, place)]
    if becomes:
        return [home._replace(becomes=becomes) for home in homes if home.path == name]
    section = place.tokens[0] if place.tokens else ""

    def remoteness(home: Home) -> tuple[bool, bool]:
        return "[]" in home.path, home.path.split(".")[0] != section

    least = min(map(remoteness, homes), default=None)
    nearest = [home for home in homes if remoteness(home) == least and _applies(home, place.root)]
    nearest = nearest or [home for home in homes if remoteness(home) == least]
    return sorted(nearest, key=lambda home: home.path.count("."))[:_MOST_HOMES]


def _holds(home: Home, place: Place) -> bool:
    """Tell whether the key stands somewhere inside of what it is the name of, so that it is not that which was meant."""
    return place.words == home.path or place.words.startswith((f"{home.path}.", f"{home.path}["))


def words(home: Home, root: object) -> str:
    """Return the place in words: its path, and which type has to be chosen for it."""
    text = home.path if "." in home.path else f'"{home.path}" at the top of the spec'
    if home.becomes is not None:
        return f'{text}, with "type": "{home.becomes}"'
    if not home.tags or _type_of(home, root) in home.tags:
        return text
    return f"{text} (of type {listed(home.tags)})"


def instead(home: Home, value: object) -> str:
    """Return what is to be written there, where the value is nothing for that place."""
    if home.becomes is not None or (fits(value, home.field) and not _lacks_type(value, home.field)):
        return ""
    types = home.field.get("type", ())
    kinds = expected(home.field, [types] if isinstance(types, str) else types) if types else ""
    examples = [example for example in home.field.get("examples", ()) if example is not None]
    example = f" such as {written(examples[0])}" if examples else ""
    return f", where {kinds}{example} is expected" if kinds else ""


def is_written(home: Home, root: object) -> bool:
    """Tell whether something stands at the place already."""
    owner = _owner(home, root)
    return isinstance(owner, dict) and home.path.rpartition(".")[2] in owner


def move(here: Place, home: Home) -> Suggestion | None:
    """Return the move of a value to its home, where its type fits and the way there is an object or free."""
    value = _as(home, here.value)
    if "[" in home.path or not fits(value, home.field) or _lacks_type(value, home.field):
        return None
    if home.tags and _type_of(home, here.root) not in home.tags:
        return None
    tokens = home.path.split(".")
    owner: Any = here.root
    for depth, token in enumerate(tokens):
        if not isinstance(owner, dict):
            return None
        if token not in owner:
            for missing in reversed(tokens[depth + 1 :]):
                value = {missing: value}
            return Suggestion("/" + "/".join(tokens[: depth + 1]), value)
        owner = owner[token]
    return None


def _as(home: Home, value: Any) -> Any:
    """Return a value with the type that it has at home."""
    return {"type": home.becomes, **value} if home.becomes is not None and isinstance(value, dict) else value


def _lacks_type(value: object, field: dict[str, Any]) -> bool:
    tagged = any("allOf" in bundle.merged(part) for part in (field, field.get("then", {}), field.get("else", {})))
    return tagged and isinstance(value, dict) and "type" not in value


def _owner(home: Home, root: object) -> object:
    owner = root
    for token in home.path.split(".")[:-1]:
        owner = owner.get(token) if isinstance(owner, dict) else None
    return owner


def _type_of(home: Home, root: object) -> object:
    owner = _owner(home, root)
    return owner.get("type") if isinstance(owner, dict) else None


def _applies(home: Home, root: object) -> bool:
    """Tell whether the member that the author chose, where one is chosen, has the place."""
    chosen = _type_of(home, root)
    return not home.tags or chosen is None or chosen in home.tags


@cache
def homes_by_key() -> dict[str, list[Home]]:
    """Return for each key of the language the places that have it."""
    homes: dict[str, dict[str, Home]] = {}
    for path, field, tag in _walk(bundle.schema(), "", "", set()):
        found = homes.setdefault(path.rpartition(".")[2], {})
        tags = found[path].tags if path in found else ()
        found[path] = Home(path, (*tags, tag) if tag else tags, field)
    return {key: [_plain(home) for home in found.values()] for key, found in homes.items()}


def _plain(home: Home) -> Home:
    """Return a home without the types, where every member of the union has it."""
    owner = home.path.rpartition(".")[0]
    return home._replace(tags=()) if set(home.tags) == _members().get(owner, set()) else home


@cache
def _members() -> dict[str, set[str]]:
    """Return for each path at which a union stands the types of its members."""
    found: dict[str, set[str]] = {}
    for path, _, tag in _walk(bundle.schema(), "", "", set()):
        if tag:
            found.setdefault(path.rpartition(".")[0], set()).add(tag)
    return found


def tag_of(branch: dict[str, Any]) -> str:
    """Return the type that picks a branch of a union."""
    return str(branch["if"]["properties"]["type"]["const"])


def _walk(node: dict[str, Any], path: str, tag: str, seen: set[tuple[str, str]]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the path of every key below a piece of schema, its schema, and the type of the object it is in."""
    name = bundle.named(node)
    if name in _UNITS or (name, path) in seen:
        return
    if name is not None:
        seen.add((name, path))
    whole = bundle.merged(node)
    for key, field in whole.get("properties", {}).items():
        if key != "type":
            below = f"{path}.{key}" if path else key
            yield below, bundle.merged(field), tag
            yield from _walk(field, below, "", seen)
    for branch in whole.get("allOf", ()):
        yield from _walk(branch["then"], path, tag_of(branch), seen)
    for part in ("then", "else"):
        if part in whole:
            yield from _walk(whole[part], path, tag, seen)
    if "items" in whole:
        yield from _walk(whole["items"], f"{path}[]", tag, seen)
