"""Whether a document is a spec.

jsonschema-rs decides, in microseconds; only where it says no is anything explained. The schema is compiled
once per process. References are never followed out of the schema.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

from trainyard.linter.source import Fault
from trainyard.linter.spec import bundle
from trainyard.linter.spec.lists import unequal_lists


class Validator(Protocol):
    """What is used of jsonschema-rs, which ships no types that mypy reads."""

    def is_valid(self, instance: object) -> bool:
        """Tell whether the schema accepts a value."""

    def iter_errors(self, instance: object) -> Any:
        """Yield what is wrong with it."""


def check(value: object, *, partial: bool = False) -> tuple[Fault, ...]:
    """Return what is wrong with a JSON value as a spec, in the order of the document; nothing means that it is one.

    Args:
        value: any JSON value with finite numbers.
        partial: do not ask for what is missing (the tags of unions excepted): the spec is still being written.

    Returns:
        At most 200 faults, and as many warnings about numbers such as 10.0. A value whose faults are all
        below ``ERROR`` can be resolved: what has no effect is left out, and 10.0 is read as 10.
    """
    judge = validator(partial=partial)
    if judge.is_valid(value):
        found = unequal_lists(value)
    else:
        from trainyard.linter.spec import explanation

        found = explanation.explain(value, judge)
    if _has_whole_float(value):
        found += _whole_floats(value)
    return found + _schema_named(value) if isinstance(value, dict) and "$schema" in value else found


def _has_whole_float(value: object) -> bool:
    """Tell whether a number such as 10.0 is anywhere in a value; a third of the cost of judging it."""
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        kind = type(member)
        if kind is float:
            if member.is_integer():
                return True
        elif (kind is dict or kind is list) and _has_whole_float(member):
            return True
    return False


def _whole_floats(value: object) -> tuple[Fault, ...]:
    from trainyard.linter.spec import fractions

    return fractions.whole_floats(value)


def _schema_named(value: dict[str, Any]) -> tuple[Fault, ...]:
    from trainyard.linter.spec import hints

    return hints.schema_named(value["$schema"])


@cache
def validator(*, partial: bool = False) -> Validator:
    """Return the compiled schema."""
    import jsonschema_rs

    # With an $id, jsonschema-rs takes twice the time to compile; nothing refers to it.
    schema = {key: part for key, part in bundle.schema().items() if key not in {"$id", "$schema"}}
    judge: Validator = jsonschema_rs.Draft202012Validator(_undemanding(schema) if partial else schema, validate_formats=False, offline=True)
    return judge


def _undemanding(node: Any) -> Any:
    """Return the schema without demands for keys, except for the tags that unions are told apart by.

    Conditions stay as they are: an ``if`` demands nothing, it chooses.
    """
    if isinstance(node, list):
        return [_undemanding(part) for part in node]
    if not isinstance(node, dict):
        return node
    rest = {
        key: part if key == "if" else _undemanding(part) for key, part in node.items() if not (key == "required" and isinstance(part, list))
    }
    return rest | {"required": ["type"]} if "type" in node.get("required", ()) else rest
