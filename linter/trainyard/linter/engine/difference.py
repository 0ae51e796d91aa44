"""What differs between two specs, once every default is written out: what a run would do otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class _Absent:
    """Stands where one of the two has nothing; JSON has no such value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


class Difference(NamedTuple):
    """One pointer at which the two differ; ``ABSENT`` where one has nothing there."""

    pointer: str
    left: Any
    right: Any


def differences(left: Any, right: Any, pointer: str = "") -> Iterator[Difference]:
    """Yield where two JSON values differ, in the order of the left one, then what only the right one has.

    Members of a tagged union with different ``type`` differ as a whole: their keys mean different things.
    """
    if isinstance(left, dict) and isinstance(right, dict) and left.get("type") == right.get("type"):
        for key in [*left, *(key for key in right if key not in left)]:
            below = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            yield from differences(left.get(key, ABSENT), right.get(key, ABSENT), below)
    elif isinstance(left, list) and isinstance(right, list) and any(isinstance(element, dict | list) for element in (*left, *right)):
        for index in range(max(len(left), len(right))):
            yield from differences(_at(left, index), _at(right, index), f"{pointer}/{index}")
    elif left is not right and (isinstance(left, bool) != isinstance(right, bool) or left != right):
        yield Difference(pointer, left, right)


def _at(elements: list[Any], index: int) -> Any:
    return elements[index] if index < len(elements) else ABSENT
