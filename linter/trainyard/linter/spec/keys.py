"""What to say of a key that the language does not know at its place: what it should be called, or where it belongs."""

from __future__ import annotations

from collections.abc import Container
from functools import cache
from typing import Any

from trainyard.linter.source import Fault, Suggestion
from trainyard.linter.spec import bundle, faults, homes
from trainyard.linter.spec.aliases import KEYS
from trainyard.linter.spec.conversion import fits
from trainyard.linter.spec.nearest import Near, like, nearest_word, plainly
from trainyard.linter.spec.places import Place, shortened, shown
from trainyard.linter.spec.wording import listed


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
    if (same := _renamed(key, node, place)) is not None:
        return _unknown(place, node, key, same) if same.word in free else _twice(place, key, same.word)
    if near is not None and near.certain:
        return _unknown(place, node, key, near)
    if near is None and guess and (again := like(key, node["properties"])) is not None and again.certain and again.word in place.value:
        return _twice(place, key, again.word)
    elsewhere = _elsewhere(node, key, place)
    if elsewhere is not None:
        return elsewhere
    return _unknown(place, node, key, near) if near is not None else _nowhere(place, node, key)


def _unknown(place: Place, node: dict[str, Any], key: str, near: Near) -> Fault:
    here = place.below(key)
    field = bundle.merged(node["properties"][near.word])
    fitting = near.certain or fits(here.value, field)
    renamed = Suggestion(place.below(near.word).pointer, here.value) if fitting else None
    message = f'unknown key "{shortened(key)}" in {place.tagged}; did you mean "{near.word}"?'
    if not fitting and "enum" in field:
        message += f" It takes {listed(field['enum'])}, not {shown(here.value)}"
    return faults.UNKNOWN_KEY.fault(here.pointer, message, target="key", suggestion=renamed, safe=near.certain)


def _twice(place: Place, key: str, known: str) -> Fault:
    message = f'unknown key "{shortened(key)}" in {place.tagged}; it means "{known}", which is written already: remove one of them'
    return faults.UNKNOWN_KEY.fault(place.below(key).pointer, message, target="key")


def _nowhere(place: Place, node: dict[str, Any], key: str) -> Fault:
    known = f"known keys: {listed(list(node['properties']))}" if node["properties"] else "it takes no keys"
    message = f'unknown key "{shortened(key)}" in {place.tagged}; {known}'
    return faults.UNKNOWN_KEY.fault(place.below(key).pointer, message, target="key")


def _renamed(key: str, node: dict[str, Any], place: Place) -> Near | None:
    """Return the known key that is the same but for case and separators, or of which this one is an alias.

    What has another name elsewhere may take other words there, too: where the value is none of ours, it is not certain.
    """
    names, plain = list(node["properties"]), plainly(key)
    same = next((name for name in names if plainly(name) == plain), None)
    if same is not None:
        return Near(same, certain=True)
    alias = KEYS.get(plain, "").removeprefix(place.words + ".")
    if alias not in names:
        return None
    words = bundle.merged(node["properties"][alias]).get("enum")
    value = place.below(key).value
    return Near(alias, certain=words is None or value in words or (isinstance(value, str) and nearest_word(value, words) is not None))


def _elsewhere(node: dict[str, Any], key: str, place: Place) -> Fault | None:
    """Return the fault of a key that belongs to another member of the union, or to another section."""
    here = place.below(key)
    if owners := _owners(node, key):
        message = f'"{shortened(key)}" has no effect in {place.tagged}: it belongs to {listed(owners)}; remove it or change the type'
        return faults.KEY_WITHOUT_EFFECT.fault(here.pointer, message, target="key")
    found = homes.of(key, place)
    if not found:
        return None
    message = f'unknown key "{shortened(key)}" in {place.tagged}; '
    if len(found) == 1 and homes.is_written(found[0], place.root):
        message += f"its place is {homes.words(found[0], place.root)}, which is written already: remove one of them"
        return faults.UNKNOWN_KEY.fault(here.pointer, message, target="key")
    move = homes.move(here, found[0]) if len(found) == 1 else None
    message += f"its place is {' or '.join(homes.words(home, place.root) for home in found)}"
    if move is None and len(found) == 1:
        message += homes.instead(found[0], here.value)
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
            owners.setdefault(plainly(key), []).append(homes.tag_of(branch))
    return owners
