"""What reaches a terminal fits it, lines up, and cannot drive it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.linter.report.terminal import COLOURED, PLAIN, harmless, named, width, window


@pytest.mark.parametrize("text,cells", [("abc", 3), ("漢字", 4), ("é", 1), ("e\u0301", 1), ("", 0), ("\uff46", 2)])
def test_width_counts_cells_not_characters(text: str, cells: int) -> None:
    assert width(text) == cells


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\x00", "\x7f"])
def test_characters_that_drive_a_terminal_never_reach_it(character: str) -> None:
    assert character not in harmless(f"a{character}b")


def test_harmless_text_stays_on_one_line() -> None:
    assert harmless("a\nb\r\nc\td") == "a b  c    d"


def test_a_short_line_is_shown_whole_with_the_mark_under_the_value() -> None:
    line = '  "learning_rate": 0.5,'
    cut = window(line, 19, 22, 120)
    assert cut.text == line
    assert cut.text[cut.before : cut.before + cut.marked] == "0.5"


def test_the_mark_accounts_for_wide_characters_before_it() -> None:
    line = '"漢字": 1'
    cut = window(line, 6, 7, 120)
    assert cut.before == width('"漢字": ') == 8


def test_tabs_take_the_same_room_in_text_and_mark() -> None:
    cut = window('\t"a": 1', 1, 4, 120)
    assert cut.text[cut.before : cut.before + cut.marked] == '"a"'


def test_a_line_of_a_minified_file_is_cut_around_the_value() -> None:
    line = "x" * 5000 + "HERE" + "y" * 5000
    cut = window(line, 5000, 5004, 120)
    assert width(cut.text) <= 124
    assert cut.text[cut.before : cut.before + cut.marked] == "HERE"


@given(st.text(max_size=300), st.integers(0, 300), st.integers(0, 300), st.integers(40, 160))
def test_the_mark_always_lies_within_a_bounded_line(line: str, one: int, other: int, cells: int) -> None:
    start, end = sorted((min(one, len(line)), min(other, len(line))))
    cut = window(line, start, end, cells)
    assert cut.marked >= 1
    assert cut.before <= width(cut.text)
    assert width(cut.text) <= 2 * cells + 8
    assert cut.text.isprintable()


def test_without_colour_nothing_is_painted() -> None:
    assert PLAIN.paint(PLAIN.error, "x") == "x"
    assert COLOURED.paint(COLOURED.error, "x") == "\x1b[1;31mx\x1b[0m"


def test_no_line_that_begins_with_a_path_is_a_command_to_a_runner() -> None:
    assert named("::error file=a::b.json") == "./::error file=a::b.json"
    assert named("a::b.json") == "a::b.json"
    assert named("\x1b[31m.json") == "\ufffd[31m.json"
