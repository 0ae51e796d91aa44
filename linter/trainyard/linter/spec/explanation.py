"""Why a document is no spec: the errors of jsonschema-rs as faults that a reader can act on.

jsonschema-rs reports each failed keyword by itself. Here they become one fault per mistake: a wrong type
hides what else failed at that place, members of a union that were not chosen stay silent (the schema asks
``if``/``then``, never ``oneOf``), a slip in the name of a member does not hide what else is wrong in it, and
an object's unknown keys are a fault each.

The pure-Python ``jsonschema`` is not used, not even to explain: importing it costs 130 ms, and 64 KiB of
junk keep it busy for 6 s, where all of this takes 20 ms. A test holds the two to the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from trainyard.linter.source import Fault
from trainyard.linter.spec import bundle
from trainyard.linter.spec.keys import unknown_key
from trainyard.linter.spec.lists import unequal_lists
from trainyard.linter.spec.nearest import nearest_word
from trainyard.linter.spec.places import Place, Ranks
from trainyard.linter.spec.wording import missing_key, value_not_allowed, wrong_size, wrong_type

if TYPE_CHECKING:
    from trainyard.linter.spec.validity import Validator

MOST_FAULTS = 200
# An error costs jsonschema-rs 7 us to make and 30 us to word here: a list of junk is judged by its first
# elements, and more errors than can ever be shown are not looked at.
_MOST_ELEMENTS = 500
_MOST_DOUBLINGS = 12  # then a list holds more elements than the largest file has bytes
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
    failures = _failures(value, _errors(value, judge))
    corrected = _with_certain_types(value, failures)
    if corrected is not None:
        seen = {(failure.place.pointer, failure.keyword) for failure in failures}
        failures += [each for each in _failures(corrected, judge.iter_errors(corrected)) if (each.place.pointer, each.keyword) not in seen]
    taken: dict[str, set[str]] = {}
    told = [(failure, _fault(failure, taken)) for failure in islice(_telling(failures), MOST_FAULTS)]
    renamed = {fault.suggestion.pointer for failure, fault in told if failure.keyword == "additionalProperties" and fault.suggestion}
    once = (fault for failure, fault in told if _missing(failure) not in renamed)
    return tuple(islice(chain(once, unequal_lists(value)), MOST_FAULTS))


def _missing(failure: Failure) -> str | None:
    """Return the pointer of a key that is missing; where it is misspelt beside it, that has been told."""
    return failure.place.below(failure.kind.property).pointer if failure.keyword == "required" else None


def _errors(value: object, judge: Validator) -> list[Any]:
    """Return the errors in the first elements of each list, or in as many more as it takes to find one."""
    for doublings in range(_MOST_DOUBLINGS):
        errors = list(judge.iter_errors(_shortened(value, _MOST_ELEMENTS << doublings)))
        if errors:
            return errors
    return []


def _failures(value: object, errors: Iterable[Any]) -> list[Failure]:
    return list(islice(chain.from_iterable(_failed(value, error) for error in errors), _MOST_ERRORS))


def _with_certain_types(value: object, failures: list[Failure]) -> Any:
    """Return the value with misspelt types mended, so that what else is wrong in their objects comes to light, too."""
    mended: Any = None
    for failure in failures:
        place = failure.place
        if failure.keyword == "enum" and place.tokens[-1:] == ("type",) and isinstance(place.value, str):
            near = nearest_word(place.value, [word for word in failure.kind.options if isinstance(word, str)])
            if near is not None and near.certain:
                mended = _shortened(value, _MOST_ELEMENTS) if mended is None else mended
                Place(mended, place.tokens[:-1]).value["type"] = near.word
    return mended


def _shortened(value: Any, most: int) -> Any:
    """Return a copy whose lists end after so many elements."""
    if isinstance(value, list):
        return [_shortened(element, most) for element in value[:most]]
    if isinstance(value, dict):
        return {key: _shortened(member, most) for key, member in value.items()}
    return value


def _failed(root: object, error: Any) -> Iterator[Failure]:
    """Yield what an error of jsonschema-rs says: one failure, or one per unknown key, at the place of the key."""
    path = list(error.schema_path)
    node: Any = bundle.schema()
    for step in path[:-1]:
        node = node[step]
    place = _located(root, error.instance_path)
    if path[-1] != "additionalProperties":
        yield Failure(place, path[-1], node, error.kind)
        return
    for key in error.kind.unexpected[:MOST_FAULTS]:
        yield Failure(place.below(key), path[-1], node, error.kind)


def _located(root: object, path: list[str | int]) -> Place:
    """Return the place that jsonschema-rs names; a key such as "007" arrives from it as the number 7."""
    tokens: list[str | int] = []
    found: Any = root
    for token in path:
        if isinstance(found, dict) and token not in found:
            token = next(key for key in found if key.isdecimal() and int(key) == token)  # noqa: PLW2901 - the same token, as it was written
        tokens.append(token)
        found = found[token]
    return Place(root, tuple(tokens))


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


def _fault(failure: Failure, taken: dict[str, set[str]]) -> Fault:
    if failure.keyword == "additionalProperties":
        return _unknown(failure, taken)
    if failure.keyword in _SIZES:
        return wrong_size(failure.place, failure.keyword, failure.node)
    return _WORDING[failure.keyword](failure)


def _unknown(failure: Failure, taken: dict[str, set[str]]) -> Fault:
    """Return the fault of an unknown key; ``taken`` keeps two keys of one object from being told the same name."""
    *above, key = failure.place.tokens
    owner = Place(failure.place.root, tuple(above))
    names = taken.setdefault(owner.pointer, set())
    fault = unknown_key(owner, failure.node, str(key), names, guess=len(failure.kind.unexpected) <= _MOST_GUESSES)
    if fault.suggestion is not None:
        names.add(fault.suggestion.pointer)
    return fault


_WORDING: dict[str, Callable[[Failure], Fault]] = {
    "required": lambda failure: missing_key(failure.place, failure.node, failure.kind.property),
    "type": lambda failure: wrong_type(failure.place, failure.node, failure.kind.types),
    "enum": lambda failure: value_not_allowed(failure.place, failure.kind.options),
    "const": lambda failure: value_not_allowed(failure.place, [failure.node["const"]]),
}
