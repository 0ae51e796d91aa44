"""What a half-written text says, and what the cursor in it is about."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("pygls")

from hypothesis import given
from hypothesis import strategies as st

from trainyard.linter.lsp import tolerant
from trainyard.linter.lsp.outline import Spot

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def spot(marked: str) -> Spot | None:
    before, _, after = marked.partition("|")
    return tolerant.read(before + after).spot(len(before))


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4), st.sampled_from([None, 1]))
def test_whole_json_is_read_as_it_is(value: dict[str, Any], indent: int | None) -> None:
    assert tolerant.read(json.dumps(value, indent=indent)).value == value


@given(st.text(alphabet='{}[]",:\\/*#\n a1é', max_size=60), st.integers(0, 60))
def test_any_text_has_an_outline(text: str, offset: int) -> None:
    outline = tolerant.read(text)
    json.dumps(outline.value)
    outline.spot(min(offset, len(text)))
    outline.under(min(offset, len(text)))


@pytest.mark.parametrize(
    "text,value",
    [
        ('{"a": 1', {"a": 1}),
        ('{"a": {"b": [1, 2', {"a": {"b": [1, 2]}}),
        ('{"a": 1 "b": 2}', {"a": 1, "b": 2}),
        ('{"a": , "b": 2}', {"b": 2}),
        ('{"a": \n"b": 2}', {"b": 2}),
        ('{"a" "b": 2}', {"b": 2}),
        ("{a: 1, // note\n b: tru}", {"a": 1}),
        ('{"a": "x\n, "b": 2}', {"a": "x", "b": 2}),
        ('{"a": [1, {"b": 2]}, "c": 3}', {"a": [1, {"b": 2}]}),
        ('{"a": 1}} {"b": 2}', {"a": 1}),
        ('{"a": NaN1, "b": [nope]}', {"b": [None]}),
        ("", {}),
    ],
)
def test_what_is_missing_is_guessed(text: str, value: Any) -> None:
    assert tolerant.read(text).value == value


@pytest.mark.parametrize(
    "marked,role,tokens,written",
    [
        ("{|}", "key", (), ""),
        ('{"a|"}', "key", (), '"a"'),
        ('{"a"|}', "key", (), '"a"'),
        ('{"a|', "key", (), '"a'),
        ("{a|}", "key", (), "a"),
        ('{"a": |}', "value", ("a",), ""),
        ('{"a":|}', "value", ("a",), ""),
        ('{"a": "x|"}', "value", ("a",), '"x"'),
        ('{"a": "x|', "value", ("a",), '"x'),
        ('{"a": {|}}', "key", ("a",), ""),
        ('{"a": [|]}', "value", ("a", "0"), ""),
        ('{"a": [1, |]}', "value", ("a", "1"), ""),
        ('{"a": [1, 2|]}', "value", ("a", "1"), "2"),
        ('{"a": [{"b": 1}, {"|"}]}', "key", ("a", "1"), '""'),
        ('{"a": {"b": 1}, |}', "key", (), ""),
    ],
)
def test_the_cursor_knows_what_it_writes(marked: str, role: str, tokens: tuple[str, ...], written: str) -> None:
    found = spot(marked)
    assert found is not None
    assert (found.role, found.tokens) == (role, tokens)
    assert marked.replace("|", "")[found.start : found.end] == written


@pytest.mark.parametrize("marked", ["|", "|{}", "{}|", '{"a"| : 1}'.replace('"a"|', '"a" |'), '{"a" |}'])
def test_some_places_take_nothing(marked: str) -> None:
    assert spot(marked) is None


@pytest.mark.parametrize("marked,after", [('{"a": 1|}', None), ('{"a": 1 |}', 7), ('{"a": 1, |}', None), ('{"a": [1 |]}', 8)])
def test_a_missing_comma_is_noticed(marked: str, after: int | None) -> None:
    found = spot(marked)
    assert found is not None
    assert found.after == after


def test_keys_that_are_there_are_taken_but_not_the_one_at_the_cursor() -> None:
    found = spot('{"a": 1, "b|": 2, "c": 3}')
    assert found is not None
    assert found.taken == {"a", "c"}
    assert found.has_colon
