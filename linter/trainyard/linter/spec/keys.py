"""What to say of a key that the language does not know at its place: what it should be called, or where it belongs."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from trainyard.linter.source import Fault, Suggestion
from trainyard.linter.spec import bundle, faults
from trainyard.linter.spec.aliases import KEYS
from trainyard.linter.spec.conversion import fits
from trainyard.linter.spec.nearest import Near, like, plainly
from trainyard.linter.spec.places import Place, shortened
from trainyard.linter.spec.wording import listed

_MOST_HOMES = 3
# Their keys are units and bounds of a value, never the place for something written elsewhere.
_UNITS = frozenset({"Length", "Range", "SampleCount"})


class Home(NamedTuple):
    """Where a key belongs: the path from the top, the types of the union members that have it, and its schema."""

    path: str
    tags: tuple[str, ...]
    field: dict[str, Any]


def unknown_key(place: Place, node: dict[str, Any], key: str, taken: Container[str] = (), *, guess: bool = True) -> Fault:
    """Return the fault of ``key`` in the object at ``place``.

    Args:
        place: where the object stands.
        node: the schema of the object.
        key: the key that it does not know.
        taken: pointers that other faults suggest already.
        guess: look for similar names, too.
    """
    free = [name for name in node["properties"] if name not in place.value and place.below(name).pointer not in taken]
    near = like(key, free) if guess else None
    if (same := _renamed(key, list(node["properties"]), place)) is not None:
        return _unknown(place, key, same) if same.word in free else _twice(place, key, same.word)
    if near is not None and near.certain:
        return _unknown(place, key, near)
    elsewhere = _elsewhere(node, key, place)
    if elsewhere is not None:
        return elsewhere
    return _unknown(place, key, near) if near is not None else _nowhere(place, node, key)


def _unknown(place: Place, key: str, near: Near) -> Fault:
    here = place.below(key)
    renamed = Suggestion(place.below(near.word).pointer, here.value)
    message = f'unknown key "{shortened(key)}" in {place.tagged}; did you mean "{near.word}"?'
    return faults.UNKNOWN_KEY.fault(here.pointer, message, target="key", suggestion=renamed, safe=near.certain)


def _twice(place: Place, key: str, known: str) -> Fault:
    message = f'unknown key "{shortened(key)}" in {place.tagged}; it means "{known}", which is written already: remove one of them'
    return faults.UNKNOWN_KEY.fault(place.below(key).pointer, message, target="key")


def _nowhere(place: Place, node: dict[str, Any], key: str) -> Fault:
    known = f"known keys: {listed(list(node['properties']))}" if node["properties"] else "it takes no keys"
    message = f'unknown key "{shortened(key)}" in {place.tagged}; {known}'
    return faults.UNKNOWN_KEY.fault(place.below(key).pointer, message, target="key")


def _renamed(key: str, names: Sequence[str], place: Place) -> Near | None:
    """Return the known key that is the same but for case and separators, or of which this one is an alias."""
    plain = plainly(key)
    alias = KEYS.get(plain, "").removeprefix(place.words + ".")
    return next((Near(name, certain=True) for name in names if plainly(name) == plain or name == alias), None)


def _elsewhere(node: dict[str, Any], key: str, place: Place) -> Fault | None:
    """Return the fault of a key that belongs to another member of the union, or to another section."""
    here = place.below(key)
    if owners := _owners(node, key):
        message = f'"{shortened(key)}" has no effect in {place.tagged}: it belongs to {listed(owners)}; remove it or change the type'
        return faults.KEY_WITHOUT_EFFECT.fault(here.pointer, message, target="key")
    homes = _homes_of(key, place)
    if not homes:
        return None
    move = _move(here, homes[0]) if len(homes) == 1 else None
    homes_shown = " or ".join(home.path + _tags(home) for home in homes[:_MOST_HOMES])
    message = f'unknown key "{shortened(key)}" in {place.tagged}; its place is {homes_shown}'
    return faults.UNKNOWN_KEY.fault(here.pointer, message, target="key", suggestion=move)


def _owners(node: dict[str, Any], key: str) -> list[str]:
    """Return the types of the same union that have this key."""
    union = _unions().get(id(node))
    return _owners_by_key(union).get(plainly(key), []) if union is not None else []


@cache
def _unions() -> dict[int, str]:
    """Return the name of the union that each member belongs to, by the identity of the member's schema."""
    unions = {name: each for name, each in bundle.schema()["$defs"].items() if "allOf" in each}
    return {id(bundle.definition(bundle.named(branch["then"]) or "")): name for name, each in unions.items() for branch in each["allOf"]}


@cache
def _owners_by_key(union: str) -> dict[str, list[str]]:
    owners: dict[str, list[str]] = {}
    for branch in bundle.definition(union)["allOf"]:
        for key in bundle.merged(branch["then"])["properties"]:
            owners.setdefault(plainly(key), []).append(_tag(branch))
    return owners


def _tag(branch: dict[str, Any]) -> str:
    return str(branch["if"]["properties"]["type"]["const"])


def _homes_of(key: str, place: Place) -> list[Home]:
    """Return the nearest places in the language for a key of this name, or of the name it is an alias for."""
    name = KEYS.get(plainly(key), key)
    path, _, leaf = name.rpartition(".")
    homes = [home for home in homes_by_key().get(leaf, ()) if not path or home.path == name]
    section = place.tokens[0] if place.tokens else ""

    def distance(home: Home) -> tuple[bool, int]:
        return home.path.split(".")[0] != section, home.path.count(".")

    nearest = min(map(distance, homes), default=None)
    return [home for home in homes if distance(home) == nearest]


def _move(here: Place, home: Home) -> Suggestion | None:
    """Return the move of a value to its home, where its type fits and the way there is an object or free."""
    if home.tags or "[" in home.path or not fits(here.value, home.field):
        return None
    tokens = home.path.split(".")
    owner: Any = here.root
    for depth, token in enumerate(tokens):
        if not isinstance(owner, dict):
            return None
        if token not in owner:
            value = here.value
            for missing in reversed(tokens[depth + 1 :]):
                value = {missing: value}
            return Suggestion("/" + "/".join(tokens[: depth + 1]), value)
        owner = owner[token]
    return None


def _tags(home: Home) -> str:
    return f" ({', '.join(home.tags[:_MOST_HOMES])})" if home.tags else ""


@cache
def homes_by_key() -> dict[str, list[Home]]:
    """Return for each key of the language the places that have it."""
    homes: dict[str, dict[str, Home]] = {}
    for path, field, tag in _walk(bundle.schema(), "", "", set()):
        found = homes.setdefault(path.rpartition(".")[2], {})
        tags = found[path].tags if path in found else ()
        found[path] = Home(path, (*tags, tag) if tag else tags, field)
    return {key: list(found.values()) for key, found in homes.items()}


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
        yield from _walk(branch["then"], path, _tag(branch), seen)
    for part in ("then", "else"):
        if part in whole:
            yield from _walk(whole[part], path, tag, seen)
    if "items" in whole:
        yield from _walk(whole["items"], f"{path}[]", tag, seen)
