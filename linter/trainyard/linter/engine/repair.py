"""Cuts the parts of a spec that failed the schema, so that rules can still judge the rest.

A rule is never shown a value that failed: what is cut is remembered, and rules that read it are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from trainyard.linter.source.faults import Fault

# Each round cuts a level higher; a spec is about ten levels deep.
_MAX_ROUNDS = 12

# Stand in for required sections that are missing or had to be cut. No rule that reads them runs.
_STAND_INS: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "csv", "path": "absent.csv", "target": "absent"},
    "model": {"type": "mlp", "hidden": []},
}


class Usable(NamedTuple):
    """What is left of a spec: valid, or None when nothing is; and the pointers that failed."""

    value: dict[str, Any] | None
    failed: frozenset[str]


def usable(
    value: dict[str, Any],
    faults: Sequence[Fault],
    check: Callable[[dict[str, Any]], Sequence[Fault]],
    broken: Iterable[str] = (),
) -> Usable:
    """Cut what ``faults`` point at until ``check`` is content.

    Args:
        value: the spec as written; left untouched.
        faults: what ``check`` said about it.
        check: the schema.
        broken: pointers whose value the source could not keep.
    """
    # A key that the language does not know is read by no rule; the key that was probably meant is.
    failed = {fault.pointer for fault in faults if fault.target == "value"}
    failed.update(fault.suggestion.pointer for fault in faults if fault.suggestion is not None)
    failed.update(broken)
    rest = _copy(value)
    pointers = {fault.pointer for fault in faults} | set(broken)
    unknown = {fault.pointer for fault in faults if fault.target == "key"}
    for _ in range(_MAX_ROUNDS):
        cut = {_cut(rest, pointer) for pointer in pointers}
        failed |= cut - unknown
        if "" in cut:
            _stand_in(rest, failed)
        remaining = check(rest)
        if not remaining:
            # What failed at the root is told by the sections that were cut or stood in for.
            return Usable(rest, frozenset(failed - {""}))
        pointers = {fault.pointer for fault in remaining}
    return Usable(None, frozenset(failed))


def touches(reads: Iterable[str], failed: Iterable[str]) -> bool:
    """Tell whether one of the pointers in ``reads`` lies at, above or below one that failed."""
    return any(_related(read, pointer) for read in reads for pointer in failed)


def lies_in(pointer: str, places: frozenset[str]) -> bool:
    """Tell whether ``pointer`` is one of the places, or below one."""
    while pointer not in places:
        if not pointer:
            return False
        pointer = pointer.rpartition("/")[0]
    return True


def _related(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _stand_in(rest: dict[str, Any], failed: set[str]) -> None:
    for section, healthy in _STAND_INS.items():
        if section not in rest:
            rest[section] = healthy
            failed.add("/" + section)


def _cut(value: dict[str, Any], pointer: str) -> str:
    """Delete the member at ``pointer``, or the nearest one above it that is a member; return what was cut."""
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    owner: Any = value
    member: tuple[dict[str, Any], str, int] | None = None
    for depth, token in enumerate(tokens, 1):
        if isinstance(owner, dict) and token in owner:
            member = (owner, token, depth)
            owner = owner[token]
        elif isinstance(owner, list) and token.isdecimal() and int(token) < len(owner):
            owner = owner[int(token)]
        else:
            break
    if member is None:
        return ""
    container, key, depth = member
    del container[key]
    return "/" + "/".join(pointer.split("/")[1 : depth + 1])


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_copy(element) for element in value]
    return value
