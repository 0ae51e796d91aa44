"""The reference of the language tells of every field what it holds, its default, its unit and an example that is right where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from trainyard.linter.spec import bundle

Node = dict[str, Any]
SCHEMA = bundle.schema()
DEFINITIONS: dict[str, Node] = SCHEMA["$defs"]
OBJECTS = {"The top": SCHEMA} | {name: node for name, node in DEFINITIONS.items() if "properties" in node and "allOf" not in node}
CELL = re.compile(r"(?<!\\)\|")


@pytest.fixture(scope="module")
def tables(repository: Path) -> dict[str, dict[str, list[str]]]:
    """Every row of the page by heading and key: holds, default, example, meaning."""
    text = (repository / "docs/reference/spec.md").read_text(encoding="utf-8")
    sections = dict(section.partition("\n")[::2] for section in text.split("\n## ")[1:])
    return {heading: dict(rows(body)) for heading, body in sections.items()}


def rows(body: str) -> Iterator[tuple[str, list[str]]]:
    for line in body.splitlines():
        if line.startswith("| `"):
            key, *cells = (cell.strip() for cell in CELL.split(line)[1:-1])
            yield key.strip("`"), cells


def fields(name: str) -> Iterator[tuple[str, Node, Node]]:
    """Yield key, field as written, and field with what it refers to."""
    for key, field in OBJECTS[name]["properties"].items():
        yield key, field, bundle.merged(field)


def subschema(node: Node) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({"$defs": DEFINITIONS, **node})


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_every_field_has_an_example_that_is_right_in_its_place(name: str) -> None:
    for key, field, whole in fields(name):
        if "const" in whole:
            continue
        assert whole.get("examples"), key
        assert all(subschema(field).is_valid(example) for example in whole["examples"]), key


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_an_example_shows_more_than_the_default(name: str) -> None:
    for key, _, whole in fields(name):
        if "default" in whole:
            assert any(example != whole["default"] for example in whole["examples"]), key


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_the_page_shows_default_unit_and_example_of_every_field(name: str, tables: dict[str, dict[str, list[str]]]) -> None:
    required = OBJECTS[name].get("required", ())
    for key, _, whole in fields(name):
        holds, default, example, meaning = tables[name][key]
        assert holds, key
        shown = json.loads(example.replace("\\|", "|").strip("`"))
        assert shown in ([whole["const"]] if "const" in whole else whole["examples"]), key
        assert shown != whole.get("default", object()), key
        assert (default == "required") == (key in required), key
        if "default" in whole and key not in required:
            assert json.dumps(whole["default"]) in default.replace("\\|", "|"), key
        if "x-unit" in whole:
            assert f"Unit: {whole['x-unit']}." in meaning, key
        assert meaning or "const" in whole, key
