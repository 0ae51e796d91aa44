"""A spec as written to the spec as meant: every default in place, every shorthand spelt out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainyard.linter.spec import derivation
from trainyard.linter.spec.grammar import root

if TYPE_CHECKING:
    from trainyard.linter.spec.model.spec import Spec


def resolve(value: Mapping[str, Any], *, classes: int | None = None) -> dict[str, Any]:
    """Return the complete spec: a new JSON object that satisfies the schema and means the same.

    Resolving what was resolved changes nothing. Output units stay absent while the number of classes is
    unknown. In what is left of a partial spec, the required sections that are missing are ``null``.

    Args:
        value: a spec in which ``check`` found no errors; left untouched.
        classes: number of classes that was read from the data; goes before the declared one.
    """
    spec: dict[str, Any] = root().fill(value)
    derivation.derive(spec, classes)
    if spec["loss"] is None:
        del spec["loss"]
    return spec


def typed(resolved: Mapping[str, Any]) -> Spec:
    """Return a resolved spec as named tuples; what a partial spec lacks is ``None``."""
    spec: Spec = root().build(resolved)
    return spec


def wrote(written: object, pointer: str) -> bool:
    """Tell whether the author wrote something (null included) at this JSON pointer; a default does not count."""
    value = written
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~") if "~" in token else token
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return False
    return True
