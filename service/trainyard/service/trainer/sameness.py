"""Whether two resolved specs train the same, and where they do not. What a run is called does not count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_OUTSIDE = ("$schema", "$lint")
_NAMED = 3
_MISSING = object()


def changes(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Say what changed, at most three of it: ``/training/epochs is 30 and was 20``; empty when nothing did."""
    found = list(_differences(_counted(before), _counted(after), ""))
    more = f", and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def _counted(spec: dict[str, Any]) -> dict[str, Any]:
    named = spec.get("experiment")
    seed = named.get("seed") if isinstance(named, dict) else None
    return {**{key: value for key, value in spec.items() if key not in _OUTSIDE}, "experiment": {"seed": seed}}


def _differences(before: Any, after: Any, pointer: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from _differences(before.get(key, _MISSING), after.get(key, _MISSING), f"{pointer}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, f"{pointer}/{place}")
    elif before != after:
        yield f"{pointer} is {_shown(after)} and was {_shown(before)}"


def _shown(value: Any) -> str:
    if value is _MISSING:
        return "not there"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
