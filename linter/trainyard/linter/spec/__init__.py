"""The language: schema, typed model, defaults, digest. Knows nothing of rules.

faults   = spec.check(value)        what the schema finds wrong, with pointers
resolved = spec.resolve(value)      every default in place, every shorthand spelt out
typed    = spec.typed(resolved)     named tuples
digest   = spec.digest(resolved)    SHA-256 of what decides the weights
"""

from trainyard.linter.spec.bundle import VERSION, schema_text
from trainyard.linter.spec.canonical import canonical, digest
from trainyard.linter.spec.resolution import resolve, typed, wrote
from trainyard.linter.spec.validity import check

__all__ = ["VERSION", "canonical", "check", "digest", "resolve", "schema_text", "typed", "wrote"]
