"""The digest of a spec: equal for specs that train the same, whatever they are called.

RFC 8785 (JSON canonicalization) makes the bytes: keys sorted, 1.0 and 1 alike, no spaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What a run is called and which findings are accepted changes no weight; the seed does.
_OUTSIDE = frozenset({"$schema", "$lint", "experiment"})


def digest(resolved: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a resolved spec without names, notes and suppressions, as 64 hex digits."""
    import hashlib

    return hashlib.sha256(canonical(resolved)).hexdigest()


def canonical(resolved: Mapping[str, Any]) -> bytes:
    """Return the bytes that are digested."""
    import rfc8785

    counted = {key: value for key, value in resolved.items() if key not in _OUTSIDE}
    counted["experiment"] = {"seed": resolved["experiment"]["seed"]}
    return rfc8785.dumps(counted)
