"""Positions of an editor and offsets of the linter: there and back."""

from __future__ import annotations

import pytest

pytest.importorskip("pygls")

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from trainyard.linter.lsp.text import ClientText
from trainyard.linter.source.places import Lines

ENCODINGS = ["utf-8", "utf-16", "utf-32"]
TEXTS = st.text(alphabet=st.sampled_from('a{"\n\r\u2028\x85é日𝜂\ufeff\ud800'), max_size=40)


@given(TEXTS, st.sampled_from(ENCODINGS))
def test_every_offset_comes_back_from_its_position(text: str, encoding: str) -> None:
    whole = ClientText(text, encoding)
    for offset in range(len(text) + 1):
        inside_line_end = text[offset - 1 : offset + 1] == "\r\n"
        if not inside_line_end:
            assert whole.offset(whole.position(offset)) == offset


@given(TEXTS)
def test_bytes_and_offsets_agree(text: str) -> None:
    whole = ClientText(text)
    for offset in range(len(text) + 1):
        assert whole.from_byte(len(text[:offset].encode(errors="surrogatepass"))) == offset


@given(TEXTS.filter(lambda text: "\ud800" not in text))
def test_lines_are_those_of_the_linter(text: str) -> None:
    whole, lines = ClientText(text, "utf-32"), Lines(text)
    for offset in range(len(text) + 1):
        expected = lines.position(offset)
        assert whole.position(offset) == types.Position(expected.line - 1, expected.column - 1)


@given(TEXTS, st.integers(0, 60), st.integers(0, 60), st.sampled_from(ENCODINGS))
def test_any_position_has_an_offset(text: str, line: int, character: int, encoding: str) -> None:
    assert 0 <= ClientText(text, encoding).offset(types.Position(line, character)) <= len(text)


@pytest.mark.parametrize("encoding,units", [("utf-8", 4), ("utf-16", 2), ("utf-32", 1), ("utf-7", 2)])
def test_a_wide_character_takes_the_units_of_the_encoding(encoding: str, units: int) -> None:
    whole = ClientText("𝜂x", encoding)
    assert whole.position(1) == types.Position(0, units)
    assert whole.offset(types.Position(0, units)) == 1
    if units > 1:
        assert whole.offset(types.Position(0, units - 1)) == 0
