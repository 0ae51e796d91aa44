"""The schema file is the source of names, defaults and sentences; this holds it to its own promises."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest

from trainyard.linter import spec as language
from trainyard.linter.spec import bundle
from trainyard.linter.spec.model import registry

Node = dict[str, Any]
SCHEMA = bundle.schema()
DEFINITIONS: dict[str, Node] = SCHEMA["$defs"]
UNIONS = {name: node for name, node in DEFINITIONS.items() if "allOf" in node}
OBJECTS = {name: node for name, node in DEFINITIONS.items() if "properties" in node and "allOf" not in node}
# What a cnn takes as a shorthand and spreads over its blocks and head has no class of its own.
CLASSLESS = {"CnnDropout"}
CLASSES = {"Spec": SCHEMA} | {name: node for name, node in OBJECTS.items() if name not in CLASSLESS}


def pieces(node: object) -> Iterator[Node]:
    """Yield every piece of schema at or below a node."""
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in {"default", "examples", "enum", "const", "x-presets"}:
                yield from pieces(value)
    elif isinstance(node, list):
        for value in node:
            yield from pieces(value)


def subschema(node: Node) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({"$defs": DEFINITIONS, **node})


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_every_object_is_closed(name: str) -> None:
    assert DEFINITIONS[name]["additionalProperties"] is False


def test_alternatives_are_told_apart_and_never_tried_out() -> None:
    for piece in pieces(SCHEMA):
        assert "oneOf" not in piece
        if "anyOf" in piece:
            assert all(list(branch) == ["required"] for branch in piece["anyOf"])


def test_numbers_have_no_bounds() -> None:
    for piece in pieces(SCHEMA):
        assert not {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern"} & set(piece)


def test_references_stay_inside_and_reach_every_definition() -> None:
    referred = {piece["$ref"] for piece in pieces(SCHEMA) if "$ref" in piece}
    assert referred == {f"#/$defs/{name}" for name in DEFINITIONS}


@pytest.mark.parametrize("name", sorted(UNIONS))
def test_the_types_of_a_union_are_its_branches(name: str) -> None:
    node = UNIONS[name]
    tags = [branch["if"]["properties"]["type"]["const"] for branch in node["allOf"]]
    assert node["properties"]["type"]["enum"] == tags
    assert node["required"] == ["type"]
    for tag, branch in zip(tags, node["allOf"], strict=True):
        member = DEFINITIONS[branch["then"]["$ref"].rpartition("/")[2]]
        assert member["properties"]["type"] == {"const": tag}
        assert member["required"][0] == "type"


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_field_says_what_it_is_and_what_stands_in_for_it(name: str) -> None:
    for key, field in CLASSES[name]["properties"].items():
        whole = bundle.merged(field)
        if "const" in whole:
            continue
        assert whole["title"][0].isupper(), key
        assert whole["description"].endswith((".", "`")), key
        if name not in {"Length", "Part", "SampleCount"}:
            required = key in CLASSES[name].get("required", ())
            optional = "default" in whole or "x-default" in whole or "x-spread" in field or key == "$schema"
            assert required != optional, key


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_every_definition_says_what_it_is(name: str) -> None:
    node = DEFINITIONS[name]
    assert node["title"][0].isupper()
    assert node["description"].endswith((".", "`"))


def test_every_default_and_example_is_a_value_of_its_field() -> None:
    checked = 0
    for piece in pieces(SCHEMA):
        for value in [*piece.get("examples", ()), *([piece["default"]] if "default" in piece else [])]:
            assert subschema(piece).is_valid(value), (piece.get("title"), value)
            checked += 1
        for transforms in piece.get("x-presets", {}).values():
            assert subschema(piece).is_valid(transforms)
    assert checked > 200


def test_annotations_are_of_the_known_kinds() -> None:
    known = {
        "x-class",
        "x-default",
        "x-list",
        "x-plain",
        "x-presets",
        "x-repeat",
        "x-shorthand",
        "x-spread",
        "x-unit",
        "x-usual-range",
        "x-usual-values",
        "x-when-on",
    }
    used = {key for piece in pieces(SCHEMA) for key in piece if key.startswith("x-")}
    assert used == known


def test_a_usual_range_is_two_numbers_in_order() -> None:
    ranges = [piece["x-usual-range"] for piece in pieces(SCHEMA) if "x-usual-range" in piece]
    assert len(ranges) > 20
    assert all(low < high for low, high in ranges)


def test_the_printed_schema_is_the_file() -> None:
    assert json.loads(language.schema_text()) == SCHEMA
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def class_of(name: str) -> Any:
    return registry.find(DEFINITIONS[name].get("x-class", name) if name in DEFINITIONS else name)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_class_has_the_fields_of_its_definition(name: str) -> None:
    keys = [key for key, field in CLASSES[name]["properties"].items() if "x-spread" not in field and key != "$schema"]
    assert list(class_of(name)._fields) == [{"$lint": "lint"}.get(key, key) for key in keys]


def test_every_class_of_the_model_is_in_the_schema() -> None:
    used = {class_of(name) for name in CLASSES}
    for module in registry._MODULES:
        for name, found in vars(import_module(f"{registry._PACKAGE}.{module}")).items():
            if inspect.isclass(found) and hasattr(found, "_fields"):
                assert found in used, name


@pytest.mark.parametrize("name", sorted(UNIONS))
def test_a_union_of_classes_is_the_union_of_the_schema(name: str) -> None:
    home = import_module(class_of(UNIONS[name]["allOf"][0]["then"]["$ref"].rpartition("/")[2]).__module__)
    members = {class_of(branch["then"]["$ref"].rpartition("/")[2]) for branch in UNIONS[name]["allOf"]}
    union = getattr(home, name)
    assert set(get_args(union) or (union,)) == members


_PYTHON: dict[str, type] = {"string": str, "integer": int, "number": float, "boolean": bool, "null": type(None)}
_NAMESPACE = {name: getattr(import_module(f"{registry._PACKAGE}.{module}"), name) for module, name in (("layers", "Layer"),)}


@pytest.mark.parametrize("name", sorted(CLASSES.keys() - {"Spec"}))
def test_a_field_of_a_class_has_the_types_of_the_schema(name: str) -> None:
    hints = get_type_hints(class_of(name), localns=_NAMESPACE)
    for key, field in CLASSES[name]["properties"].items():
        whole = bundle.merged(field)
        if "x-spread" not in field and "const" not in whole:
            assert kinds_of_hint(hints[key]) == kinds_of_schema(name, key, whole), key


def kinds_of_schema(name: str, key: str, whole: Node) -> set[str]:
    """Return what a resolved value may be: JSON kinds with every shorthand gone."""
    if "enum" in whole:
        return {"null" if value is None else "string" for value in whole["enum"]}
    types = whole.get("type", "object")
    kinds = {types} if isinstance(types, str) else set(types)
    kinds -= set(whole.get("x-shorthand", {})) if "x-plain" not in whole else set()
    if "x-repeat" in whole or whole.get("description") == DEFINITIONS["dense_dropout"]["description"]:
        kinds -= {"integer", "number"}
    # What a resolved spec still leaves open, or no longer does.
    kinds |= {"null"} if (name, key) == ("Output", "units") or name in {"Length", "Part", "SampleCount"} else set()
    return kinds - ({"null"} if (name, key) == ("Callbacks", "tensorboard") else set())


def kinds_of_hint(hint: Any) -> set[str]:
    arguments = get_args(hint) if type(hint).__name__ in {"UnionType", "_UnionGenericAlias"} else (hint,)
    names = {python: word for word, python in _PYTHON.items()}
    return {names.get(each) or ("array" if getattr(each, "__origin__", None) is tuple else "object") for each in arguments}
