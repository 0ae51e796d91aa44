"""The reference of the spec language, from its JSON Schema.

One heading per definition, in the order in which a reader meets them from the top of a spec; fields as tables. A definition
that is no object (a name, a number) is told where it is used and gets no heading.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Node = dict[str, Any]
SCHEMA = Path(__file__).parents[2] / "linter/trainyard/linter/spec/schema/v1.json"
INTRODUCTION = """# The spec language, version 1

A spec is one strict JSON object in a file named `*.trainspec.json`. Unknown keys are errors at every depth. What is left out has the
default that stands here, and `trainlint resolve FILE` shows a spec with all of them filled in. The example of a field is another value
than its default. Usual ranges are hints for editors; the [rules](rules/README.md) judge values. `trainlint schema` prints the JSON
Schema from which this page is written.
"""


class Language:
    """The schema, with references followed."""

    def __init__(self, schema: Node) -> None:
        self.schema = schema
        self.definitions: dict[str, Node] = schema["$defs"]

    def follow(self, node: Node) -> Node:
        """Return a node with what it refers to merged in; what stands beside a reference goes first."""
        while name := referred(node):
            beside = {key: value for key, value in node.items() if key != "$ref"}
            node = {**self.definitions[name], **beside}
        return node

    def order(self) -> list[str]:
        """Return the definitions that are objects, as met from the top, breadth first."""
        found: dict[str, None] = {}
        queue = [self.schema]
        while queue:
            for name in references(queue.pop(0)):
                if name not in found:
                    found[name] = None
                    queue.append(self.definitions[name])
        return [name for name in found if self.is_heading(name)]

    def is_heading(self, name: str) -> bool:
        """Tell whether a definition has fields of its own, or members to choose from."""
        return "properties" in self.definitions[name]


def referred(node: Node) -> str | None:
    """Return the name of the definition that a node refers to."""
    return str(node["$ref"]).rpartition("/")[2] if "$ref" in node else None


def references(node: object) -> Iterator[str]:
    """Yield every definition named anywhere below a node, in order."""
    if isinstance(node, dict):
        if name := referred(node):
            yield name
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def page() -> str:
    """Return the whole page."""
    language = Language(json.loads(SCHEMA.read_text(encoding="utf-8")))
    parts = [INTRODUCTION, "## The top", fields(language, language.schema)]
    parts += [section(language, name) for name in language.order()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def section(language: Language, name: str) -> str:
    """Return heading, description and fields (or members) of one definition."""
    node = language.definitions[name]
    members = [str(referred(branch["then"])) for branch in node.get("allOf", ()) if referred(branch.get("then", {}))]
    body = choices(language, members) if members else fields(language, node)
    return f"## {name}\n\n{node.get('description', '')}\n\n{body}{example(node)}"


def choices(language: Language, members: list[str]) -> str:
    """Return the members of a tagged union as a table."""
    rows = [
        f"| `{tag(language, name)}` | [{name}](#{name.lower()}) | {cell(language.definitions[name]['description'])} |" for name in members
    ]
    return "\n".join(["| `type` | | |", "|---|---|---|", *rows])


def tag(language: Language, name: str) -> str:
    """Return the ``type`` that picks a member."""
    return str(language.definitions[name]["properties"]["type"]["const"])


def fields(language: Language, node: Node) -> str:
    """Return an object's fields as a table."""
    rows = ["| key | holds | default | example | meaning |", "|---|---|---|---|---|"]
    required = set(node.get("required", ()))
    for key, raw in node["properties"].items():
        full = language.follow(raw)
        facts = (kind(language, raw), default(full, required=key in required), illustration(full), meaning(full))
        rows.append(f"| `{key}` | {' | '.join(facts)} |")
    return "\n".join(rows)


def kind(language: Language, raw: Node) -> str:
    """Return what a field holds: a definition's name, the allowed words, or the JSON types."""
    full = language.follow(raw)
    if "const" in full:
        return f"`{full['const']}`"
    if "enum" in full:
        return ", ".join(f"`{json.dumps(value)}`" if value is None else f"`{value}`" for value in full["enum"])
    types = full.get("type", "object")
    names = [types] if isinstance(types, str) else list(types)
    linked = [f"[{name}](#{name.lower()})" for name in dict.fromkeys(named(language, raw))]
    if linked and {"object", "array"} <= set(names):
        return f"{' or '.join(linked)}, or a list of them"
    plain = [name for name in names if not (linked and name == "object")]
    return " or ".join([*plain, *linked]).replace("array or [", "array of [")


def named(language: Language, raw: Node) -> Iterator[str]:
    """Yield the headings that a field leads to, through names and lists that have none of their own."""
    for name in references(raw):
        if language.is_heading(name):
            yield name
        else:
            yield from named(language, language.definitions[name])


def default(node: Node, *, required: bool) -> str:
    """Return the default as a reader would write it."""
    if required:
        return "required"
    if "x-default" in node:
        return cell(node["x-default"])
    return f"`{json.dumps(node['default'])}`" if "default" in node else ""


def illustration(node: Node) -> str:
    """Return an example of a field as a reader would write it, another value than the default; of a fixed word, the word."""
    shown = [node["const"]] if "const" in node else [value for value in node["examples"] if value != node.get("default")]
    return cell(f"`{json.dumps(shown[0], ensure_ascii=False)}`")


def meaning(node: Node) -> str:
    """Return the description with unit, usual range and what switching on means."""
    notes = [node.get("description", "")]
    if "x-unit" in node:
        notes.append(f"Unit: {node['x-unit']}.")
    if "x-usual-range" in node:
        low, high = node["x-usual-range"]
        notes.append(f"Usual: {low:g} to {high:g}.")
    if "x-when-on" in node:
        notes.append(f"When on: {node['x-when-on']}.")
    return cell(" ".join(filter(None, notes)))


def example(node: Node) -> str:
    """Return the first example of a definition."""
    return f"\n\nExample: `{json.dumps(node['examples'][0])}`" if node.get("examples") else ""


def cell(text: str) -> str:
    """Return text that cannot break a table."""
    return text.replace("|", "\\|").replace("\n", " ")
