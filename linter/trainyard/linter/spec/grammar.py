"""The schema as a tree of nodes, compiled once.

Members of tagged unions are compiled when a document first uses them, so that a small spec pays for nothing
but its own sections. Which node a piece of schema becomes follows from its keywords and from these of ours:
``x-shorthand`` (which key a bare word or number stands for), ``x-plain`` (words that stay words), ``x-repeat``
(one number for every axis), ``x-presets``, ``x-list`` (one or many), ``x-spread`` (a shorthand that
``derivation`` spreads over other sections), ``x-class`` (the class, where several members share one).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from trainyard.linter.spec import bundle
from trainyard.linter.spec.nodes import (
    DERIVED,
    ByType,
    Choice,
    HeldBy,
    Many,
    Mapping,
    Node,
    OneOrMany,
    Preset,
    Record,
    Repeated,
    Shorthand,
    Span,
    Whole,
)

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
}


@cache
def root() -> Record:
    """Return the node of the whole spec."""
    return _record("Spec", bundle.schema())


@cache
def record(name: str) -> Node:
    """Return the node of one definition."""
    return compiled({"$ref": f"#/$defs/{name}"})


def compiled(node: dict[str, Any]) -> Node:
    """Return the node for a piece of schema."""
    name = bundle.named(node)
    whole = bundle.merged(node)
    inner = _dispatched(name, whole)
    if "x-list" in whole:
        inner = OneOrMany(inner)
    if "x-presets" in whole:
        inner = Preset(inner, whole["x-presets"])
    if "x-shorthand" in whole:
        keys = {kind: key for word, key in whole["x-shorthand"].items() for kind in _TYPES[word]}
        inner = Shorthand(inner, keys, frozenset(whole.get("x-plain", ())))
    return inner


def _dispatched(name: str | None, whole: dict[str, Any]) -> Node:
    if "x-repeat" in whole:
        return Repeated(whole["x-repeat"])
    if "if" in whole:
        return _conditional(whole)
    if "allOf" in whole:
        branches = {branch["if"]["properties"]["type"]["const"]: branch["then"] for branch in whole["allOf"]}
        return Choice(lambda tag: compiled(branches[tag]))
    if "properties" in whole:
        return _record(name or "", whole)
    words = whole.get("type", ())
    return _typed([words] if isinstance(words, str) else words, whole)


def _typed(words: list[str], whole: dict[str, Any]) -> Node:
    nodes: dict[type, Node] = {}
    if "array" in words:
        nodes[list] = Many(compiled(whole.get("items", {})))
    if "object" in words:
        nodes[dict] = Mapping(compiled(whole.get("additionalProperties") or {}))
    if "integer" in words:
        nodes[float] = Whole()
    if not nodes:
        return Node()
    return next(iter(nodes.values())) if len(words) == 1 else ByType(nodes)


def _conditional(whole: dict[str, Any]) -> Node:
    """Return the node of a value whose JSON type decides: what is no object and no list passes as it is."""
    condition, then, other = whole["if"], whole["then"], whole.get("else", {})
    if "anyOf" in condition:
        keys = frozenset(key for branch in condition["anyOf"] for key in branch["required"])
        return ByType({dict: HeldBy(keys, compiled(then), compiled(other["then"]))})
    nodes: dict[type, Node] = {}
    for branch in (then, other):
        if "items" in branch:
            nodes[list] = Many(compiled(branch["items"]))
        elif "$ref" in branch:
            nodes[dict] = compiled(branch)
        elif "properties" in branch:
            nodes[dict] = Mapping(Whole())
    return ByType(nodes)


def _record(name: str, whole: dict[str, Any]) -> Record:
    properties = whole["properties"]
    spread = next((key for key, node in properties.items() if "x-spread" in node), None)
    fields = {key: _field(node) for key, node in properties.items() if key not in {spread, "$schema"}}
    spans = "minProperties" in whole and not any("default" in bundle.merged(node) for node in properties.values())
    return (Span if spans else Record)(whole.get("x-class", name), fields, spread)


def _field(node: dict[str, Any]) -> tuple[Node, Any]:
    whole = bundle.merged(node)
    default = DERIVED if "x-default" in whole and "default" not in whole else whole.get("default")
    return compiled(node), default
