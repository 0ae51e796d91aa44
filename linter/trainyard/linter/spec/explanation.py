"""Why a document is no spec: the errors of jsonschema-rs as faults that a reader can act on.

jsonschema-rs reports each failed keyword by itself. Here they become one fault per mistake: a wrong type
hides what else failed at that place, members of a union that were not chosen stay silent (the schema asks
``if``/``then``, never ``oneOf``), and an object's unknown keys are a fault each.

The pure-Python ``jsonschema`` is not used, not even to explain: importing it costs 130 ms, and 64 KiB of
junk keep it busy for 6 s, where all of this takes 20 ms. A test holds the two to the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter.source import Fault
from trainyard.linter.spec import bundle
from trainyard.linter.spec.keys import unknown_key
from trainyard.linter.spec.lists import unequal_lists
from trainyard.linter.spec.places import Place, Ranks
from trainyard.linter.spec.wording import missing_key, value_not_allowed, wrong_size, wrong_type

if TYPE_CHECKING:
    from trainyard.linter.spec.validity import Validator

MOST_FAULTS = 200
# An error costs jsonschema-rs 7 us to make and 30 us to word here: a list of junk is judged by its first
# elements, and more errors than can ever be shown are not looked at.
_MOST_ELEMENTS = 500
_MOST_ERRORS = 1000
# Looking for a similar name costs up to 1 ms; an object with more unknown keys than this is no slip of the pen.
_MOST_GUESSES = 20
_SIZES = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})


class Failure(NamedTuple):
    """One failed keyword: where in the document, which keyword of which piece of schema, and its own facts."""

    place: Place
    keyword: str
    node: dict[str, Any]
    kind: Any


def explain(value: object, judge: Validator) -> tuple[Fault, ...]:
    """Return the faults of a value that ``judge`` refuses, at most 200 of them."""
    errors = list(judge.iter_errors(_shortened(value))) or list(judge.iter_errors(value))
    failures = _telling([_failure(value, error) for error in errors[:_MOST_ERRORS]])
    told = (fault for failure in failures for fault in _faults(failure))
    return tuple(islice(chain(told, unequal_lists(value)), MOST_FAULTS))


def _shortened(value: Any) -> Any:
    if isinstance(value, list):
        return [_shortened(element) for element in value[:_MOST_ELEMENTS]]
    if isinstance(value, dict):
        return {key: _shortened(member) for key, member in value.items()}
    return value


def _failure(root: object, error: Any) -> Failure:
    path = list(error.schema_path)
    node: Any = bundle.schema()
    for step in path[:-1]:
        node = node[step]
    return Failure(Place(root, tuple(error.instance_path)), path[-1], node, error.kind)


def _telling(failures: list[Failure]) -> list[Failure]:
    """Return the failures that tell something: at each place the widest type, or what failed besides the type."""
    widest: dict[str, Failure] = {}
    for failure in failures:
        if failure.keyword == "type":
            known = widest.get(failure.place.pointer)
            if known is None or len(failure.kind.types) > len(known.kind.types):
                widest[failure.place.pointer] = failure
    told: dict[tuple[Any, ...], Failure] = {}
    for failure in failures:
        best = widest.get(failure.place.pointer, failure)
        subject = best.kind.property if best.keyword == "required" else None
        told.setdefault((best.place.pointer, best.keyword, subject), best)
    ranks = Ranks()
    return sorted(told.values(), key=lambda failure: ranks.of(failure.place))


def _faults(failure: Failure) -> Iterator[Fault]:
    if failure.keyword == "additionalProperties":
        keys = failure.kind.unexpected[:MOST_FAULTS]
        taken: set[str] = set()
        for key in keys:
            fault = unknown_key(failure.place, failure.node, key, taken, guess=len(keys) <= _MOST_GUESSES)
            if fault.suggestion is not None:
                taken.add(fault.suggestion.pointer)
            yield fault
    elif failure.keyword in _SIZES:
        yield wrong_size(failure.place, failure.keyword, failure.node)
    else:
        yield _WORDING[failure.keyword](failure)


_WORDING: dict[str, Callable[[Failure], Fault]] = {
    "required": lambda failure: missing_key(failure.place, failure.node, failure.kind.property),
    "type": lambda failure: wrong_type(failure.place, failure.node, failure.kind.types),
    "enum": lambda failure: value_not_allowed(failure.place, failure.kind.options),
    "const": lambda failure: value_not_allowed(failure.place, [failure.node["const"]]),
}
