"""Whether a document is a spec."""

from __future__ import annotations

from functools import cache
from typing import Any

from trainyard.linter.source import Fault
from trainyard.linter.spec import bundle


@cache
def _validator() -> Any:
    import jsonschema_rs

    schema = {key: part for key, part in bundle.schema().items() if key not in {"$id", "$schema"}}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=False, offline=True)


def check(value: Any) -> tuple[Fault, ...]:
    """Return what is wrong with a document."""
    validator = _validator()
    if validator.is_valid(value):
        return ()
    return tuple(
        Fault("SPEC001", "invalid", "".join(f"/{part}" for part in error.instance_path), error.message)
        for error in validator.iter_errors(value)
    )
