"""Specs by the thousand: written from the schema, and then broken."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trainyard.linter.spec import bundle

Node = dict[str, Any]
_NUMBERS = (0, 1, -1, 2, 0.5, 1e-7, -0.25, 100, 1e300, 3.0)
_WORDS = ("", "a", "val_loss", "x", "classes", "input", "é", "a b")
_JUNK: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10.0,
    "",
    "adam",
    "none",
    [],
    {},
    [1],
    {"type": "adam"},
    {"type": "nope"},
    {"epochs": 1, "steps": 2},
    [[1, 2]],
)
_KEYS = ("type", "lr", "learning_rate", "epochs", "path", "momentum", "units", "", "x/y", "~", "$schema")


class Writer:
    """Writes random values that satisfy a piece of schema."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def spec(self) -> Node:
        """Return a whole spec."""
        written: Node = self.value(bundle.schema(), 0)
        return written

    def value(self, node: Node, depth: int) -> Any:
        """Return a value for a piece of schema; the deeper, the smaller."""
        whole = bundle.merged(node)
        if "const" in whole:
            return whole["const"]
        if "enum" in whole:
            return self.random.choice(whole["enum"])
        if "allOf" in whole:
            return self.value(self.random.choice(whole["allOf"])["then"], depth)
        if "if" in whole:
            return self._conditional(whole, depth)
        if "properties" in whole:
            return self._object(whole, depth)
        types = whole.get("type")
        kind = self.random.choice(types) if isinstance(types, list) else types
        return self._of_kind(kind, whole, depth)

    def _conditional(self, whole: Node, depth: int) -> Any:
        kinds = whole["type"] if isinstance(whole["type"], list) else [whole["type"]]
        kind = self.random.choice(kinds)
        if "anyOf" in whole["if"]:
            branch = self.random.choice([whole["then"], whole["else"]["then"]]) if kind == "object" else None
        else:
            branch = whole["then"] if kind == whole["if"]["type"] else whole.get("else")
        if branch is None or not self._describes(branch, kind):
            return self._of_kind(kind, whole, depth)
        return self.value({**branch, "type": "array"} if "items" in branch else branch, depth)

    @staticmethod
    def _describes(branch: Node, kind: str) -> bool:
        return kind in {"object", "array"} or (kind == "string" and "enum" in branch) or (kind == "null" and None in branch.get("enum", ()))

    def _object(self, whole: Node, depth: int) -> Node:
        properties: Node = whole["properties"]
        required = set(whole.get("required", ()))
        share = 0.5 if depth < 2 else 0.25
        chosen = [key for key in properties if key in required or self.random.random() < share]
        if "minProperties" in whole and not chosen:
            chosen = [self.random.choice(list(properties))]
        chosen = chosen[: whole.get("maxProperties", len(chosen))]
        return {key: self.value(properties[key], depth + 1) for key in chosen}

    def _of_kind(self, kind: str | None, whole: Node, depth: int) -> Any:
        if kind == "array":
            count = self.random.randint(whole.get("minItems", 0), whole.get("maxItems", 3))
            return [self.value(whole["items"], depth + 1) for _ in range(count)]
        if kind == "object":
            return {word: self.value(whole["additionalProperties"], depth + 1) for word in self.random.sample(_WORDS, 2)}
        if kind == "string":
            return self.random.choice(_WORDS[1:4])[: whole.get("maxLength", 99)]
        if kind == "integer":
            return self.random.choice([number for number in _NUMBERS if float(number).is_integer() and number < 1e9])
        simple: dict[str | None, Any] = {"number": self.random.choice(_NUMBERS), "boolean": self.random.random() < 0.5, "null": None}
        return simple[kind]

    def broken(self, spec: Node) -> Node:
        """Return a copy with one to three members removed, added or replaced."""
        damaged = copy.deepcopy(spec)
        for _ in range(self.random.randint(1, 3)):
            self._break(damaged)
        return damaged

    def _break(self, spec: Node) -> None:
        owner: Any = self.random.choice(list(_containers(spec)))
        junk = copy.deepcopy(self.random.choice(_JUNK))
        if isinstance(owner, list):
            owner.insert(self.random.randint(0, len(owner)), junk)
        elif not owner or self.random.random() < 0.25:
            owner[self.random.choice(_KEYS)] = junk
        elif self.random.random() < 0.4:
            del owner[self.random.choice(list(owner))]
        else:
            owner[self.random.choice(list(owner))] = junk


def _containers(value: Any) -> Iterator[Any]:
    if isinstance(value, (dict, list)):
        yield value
        for member in value.values() if isinstance(value, dict) else value:
            yield from _containers(member)


@pytest.fixture
def writer() -> Callable[[int], Writer]:
    """Return a maker of writers, one per seed."""
    return Writer


@pytest.fixture
def minimal() -> Callable[..., Node]:
    """Return a maker of the smallest spec there is, with sections added or replaced."""

    def made(**sections: Any) -> Node:
        smallest = {
            "version": "v1",
            "task": "classification",
            "dataset": {"type": "image_directory", "path": "digits/images"},
            "model": {"type": "mlp", "hidden": [8]},
        }
        return smallest | sections

    return made
