"""The editor's hint ``$schema``: whether it names a schema of this language. Nothing is ever read from there."""

from __future__ import annotations

import re

from trainyard.linter.source import Fault, Suggestion
from trainyard.linter.spec import bundle, faults
from trainyard.linter.spec.places import shown

_OURS = "trainspec"
_VERSION = re.compile(r"(?<![A-Za-z0-9])v[0-9]+(?![A-Za-z0-9])")
_LOCAL = f"./{_OURS}.{bundle.VERSION}.json"


def schema_named(value: object) -> tuple[Fault, ...]:
    """Return what is wrong with the value of ``$schema``: nothing for whatever is called trainspec, of our version or of none."""
    if not isinstance(value, str):
        return ()  # the schema has spoken
    versions = set(_VERSION.findall(value.rpartition("/")[2]))
    if _OURS in value.lower() and versions <= {bundle.VERSION}:
        return ()
    if _OURS in value.lower():
        said = f"names version {', '.join(sorted(versions))} of the language; this trainlint reads {bundle.VERSION}"
    else:
        said = "is no schema of training specs, and editors complete from it"
    message = f'$schema {shown(value)} {said}; write "{_LOCAL}", which `trainlint schema` prints, or remove the key'
    return (faults.UNKNOWN_SCHEMA.fault("/$schema", message, suggestion=Suggestion("/$schema", _LOCAL)),)
