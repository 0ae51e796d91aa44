"""The bundled schema: the one source of every name, default, unit and sentence of the language.

Read from beside this module, once, when first needed. Nothing is ever fetched.
"""

from __future__ import annotations

from functools import cache
from typing import Any

VERSION = "v1"
_REFERENCE = "#/$defs/"


def schema_text() -> str:
    """Return the schema file as it stands, for ``trainlint schema`` and for editors."""
    from pathlib import Path

    return (Path(__file__).parent / "schema" / f"{VERSION}.json").read_text(encoding="utf-8")


@cache
def schema() -> dict[str, Any]:
    """Return the parsed schema. It is shared: nobody changes it."""
    import json

    document: dict[str, Any] = json.loads(schema_text())
    return document


def definition(name: str) -> dict[str, Any]:
    """Return one entry of ``$defs``."""
    found: dict[str, Any] = schema()["$defs"][name]
    return found


def named(node: dict[str, Any]) -> str | None:
    """Return the name of the definition that ``node`` refers to, or ``None``."""
    reference = node.get("$ref")
    return None if reference is None else reference.removeprefix(_REFERENCE)


def merged(node: dict[str, Any]) -> dict[str, Any]:
    """Return ``node`` with what it refers to; what stands beside a ``$ref`` goes before what is behind it."""
    while "$ref" in node:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**definition(node["$ref"].removeprefix(_REFERENCE)), **beside}
    return node
