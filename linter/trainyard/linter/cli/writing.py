"""Specs as people write them: sections over several lines, small things on one."""

from __future__ import annotations

import json
from typing import Any

_CELLS = 100


def pretty(value: Any, indent: str = "", used: int = 0) -> str:
    """Return JSON in which whatever is small stays on its line.

    Args:
        value: a JSON value.
        indent: white space before the line that the value begins on.
        used: cells already used on that line.
    """
    flat = _flat(value)
    if not isinstance(value, dict | list) or not value or (indent and len(indent) + used + len(flat) <= _CELLS):
        return flat
    inner = indent + "  "
    if isinstance(value, list):
        rows = [f"{inner}{pretty(element, inner)}" for element in value]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]"
    rows = []
    for key, member in value.items():
        name = json.dumps(key, ensure_ascii=False)
        rows.append(f"{inner}{name}: {pretty(member, inner, len(name) + 2)}")
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        members = ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {_flat(member)}" for key, member in value.items())
        return f"{{ {members} }}" if members else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_flat(element) for element in value) + "]"
    return json.dumps(value, ensure_ascii=False)
