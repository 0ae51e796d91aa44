"""The language: schema, typed model, defaults, digest. Knows nothing of rules.

faults   = spec.check(value)        what the schema finds wrong, with pointers and what to write
resolved = spec.resolve(value)      every default in place, every shorthand spelt out
typed    = spec.typed(resolved)     named tuples
digest   = spec.digest(resolved)    SHA-256 of what decides the weights
field    = spec.field(pointer)      what the schema says about a field
"""

from trainyard.linter.spec.bundle import VERSION, schema_text
from trainyard.linter.spec.canonical import canonical, digest
from trainyard.linter.spec.resolution import resolve, typed, wrote
from trainyard.linter.spec.validity import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from trainyard.linter.spec.faults import KINDS, Kind
    from trainyard.linter.spec.reference import Field, field, fields

__all__ = [
    "KINDS",
    "VERSION",
    "Field",
    "Kind",
    "canonical",
    "check",
    "digest",
    "field",
    "fields",
    "resolve",
    "schema_text",
    "typed",
    "wrote",
]
_LATER = {"KINDS": "faults", "Kind": "faults", "Field": "reference", "field": "reference", "fields": "reference"}


def __getattr__(name: str) -> object:
    """Import what only ``explain``, editors and broken documents need when it is first asked for."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    return found
