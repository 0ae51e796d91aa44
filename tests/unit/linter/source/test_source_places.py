"""Every key and value has a place: line and column in code points, offset in bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard.linter.source import Document, Target, tokens
from trainyard.linter.source.limits import Limits
from trainyard.linter.source.places import Lines
from trainyard.linter.source.reader import Reader

RAW = """{
  "name": "漢字 é",\r
  "list": [10, {"deep": true}, "x"],
  "a/b": {"m~n": 1}
}""".encode()


@pytest.mark.parametrize(
    "pointer,target,text",
    [
        ("/name", "value", '"漢字 é"'),
        ("/name", "key", '"name"'),
        ("/list/0", "value", "10"),
        ("/list/1/deep", "value", "true"),
        ("/list/1/deep", "key", '"deep"'),
        ("/list/2", "key", '"x"'),
        ("/a~1b/m~0n", "key", '"m~n"'),
        ("/a~1b/m~0n", "value", "1"),
    ],
)
def test_a_span_covers_exactly_the_key_or_the_value(pointer: str, target: Target, text: str) -> None:
    start, end = Document.parse(RAW).span(pointer, target)
    assert RAW[start.offset : end.offset].decode() == text


def test_lines_and_columns_count_code_points_from_one() -> None:
    start, end = Document.parse(RAW).span("/name")
    assert (start.line, start.column) == (2, 11)
    assert (end.line, end.column) == (2, 17)
    assert Document.parse(RAW).span("/list")[0].line == 3


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_counts_once(line_end: str) -> None:
    raw = f'{{{line_end}"a": 1,{line_end}"b": 2{line_end}}}'.encode()
    assert Document.parse(raw).span("/b")[0][:2] == (3, 6)


@pytest.mark.parametrize(
    "pointer,text",
    [("/name/nothing", '"name"'), ("/list/9", '"list"'), ("/list/1/absent/further", "{"), ("/absent", "{"), ("/list/1/deep/x", '"deep"')],
)
def test_what_is_not_there_is_placed_at_what_should_hold_it(pointer: str, text: str) -> None:
    start, end = Document.parse(RAW).span(pointer)
    assert RAW[start.offset : end.offset].decode() == text


def test_asking_for_a_place_finds_the_last_of_two_equal_keys() -> None:
    raw = b'{"a": 1, "a": 22}'
    start, end = Document.parse(raw).span("/a")
    assert raw[start.offset : end.offset] == b"22"


def test_a_document_without_a_value_still_answers() -> None:
    for raw in (b"", b"\xff", b"{", b"[1]"):
        assert Document.parse(raw).span("/a/b")[0].line == 1


SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=5)


def _walk(value: Any, pointer: str = "") -> Any:
    yield pointer, value
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _walk(member, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
    if isinstance(value, list):
        for index, element in enumerate(value):
            yield from _walk(element, f"{pointer}/{index}")


@settings(deadline=None)
@given(OBJECTS, st.sampled_from([None, 1, 4]), st.booleans())
def test_the_text_at_every_place_is_the_value_there(value: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    document = Document.parse(raw)
    assert document.faults == ()
    assert document.value == value
    for pointer, member in _walk(value):
        start, end = document.span(pointer)
        assert json.loads(raw[start.offset : end.offset]) == member
        lines = raw[: start.offset].decode().split("\n")
        if "\r" not in raw.decode():
            assert (start.line, start.column) == (len(lines), len(lines[-1]) + 1)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200) | st.text(alphabet="{}[]\",:\\/*#\n ab01.eE+-tfnNI'\ud7ff", max_size=60).map(str.encode))
def test_any_bytes_give_a_value_or_a_fault_and_the_two_parsers_agree(raw: bytes) -> None:
    document = Document.parse(raw)
    if document.value is None:
        assert document.faults
    if not document.faults:
        assert document.value == json.loads(raw)
    for fault in document.faults:
        assert fault.span is not None
        assert 0 <= fault.span.start.offset <= fault.span.end.offset <= len(raw)


KEYS = st.text(alphabet='ab/~"\\é漢 \t{}[],:0', max_size=4)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-99, 99), st.floats(allow_nan=False, allow_infinity=False), KEYS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from([None, 1, "\t"]), st.sampled_from([(",", ":"), (" , ", " : ")]))
def test_the_quick_pass_over_a_clean_text_finds_the_places_that_the_reader_finds(
    value: dict[str, Any], indent: int | str | None, separators: tuple[str, str]
) -> None:
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False)
    reader = Reader(text, Lines(text), Limits())
    assert reader.read() == value
    assert tokens.places(text) == reader.places
