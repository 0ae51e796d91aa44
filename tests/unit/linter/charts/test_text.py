"""Pictures as characters: they fit the screen, in Braille and in ASCII, and colour is never the only sign."""

from __future__ import annotations

import re

import pytest

from trainyard.linter.charts.models import Axis, Chart, LineChart, Series, Unit
from trainyard.linter.charts.tables import Table, table
from trainyard.linter.charts.text import Screen, draw
from trainyard.linter.charts.text.bars import bar
from trainyard.linter.charts.text.grid import grid
from trainyard.linter.charts.text.screen import cut, folded, left, packed, right
from trainyard.linter.charts.text.spark import spark
from trainyard.linter.report.terminal import COLOURED, width

ESCAPES = re.compile("\x1b\\[[0-9;]*m")


@pytest.mark.parametrize("cells", [40, 78, 80, 120, 200])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_screen(plain: Chart, cells: int, unicode: bool) -> None:
    for line in draw(plain, Screen(cells, unicode)):
        assert width(line) <= cells, line


def test_hostile_names_neither_widen_a_line_nor_drive_the_terminal(hostile: Chart) -> None:
    for line in draw(hostile, Screen(60)):
        assert width(line) <= 60, line
        assert not re.search("[\x00-\x1f\u202e\ud800]", line)


def test_without_braille_everything_shown_is_ascii(plain: Chart) -> None:
    screen = Screen(80, unicode=False)
    assert all(screen.shown(line).isascii() for line in draw(plain, screen))


def test_colour_changes_no_character(plain: Chart) -> None:
    coloured = draw(plain, Screen(80, palette=COLOURED))
    assert [ESCAPES.sub("", line) for line in coloured] == draw(plain, Screen(80))


def test_two_lines_differ_in_more_than_colour() -> None:
    points = ((0.0, 1.0), (10.0, 1.0))
    alone = [
        "".join(draw(LineChart("t", "s", Axis("epoch"), Axis("loss", Unit.NUMBER, low=0.0, high=3.0), lines), Screen(60)))
        for lines in (
            (Series("a", points), Series("b", ((0.0, 9.0), (1.0, 9.0)))),
            (Series("b", ((0.0, 9.0), (1.0, 9.0))), Series("a", points)),
        )
    ]
    assert alone[0] != alone[1]


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("value, filled", [(0, 0), (1, 1), (500, 5), (1000, 10)])
def test_a_bar_is_as_long_as_its_share_and_never_vanishes(value: float, filled: int, unicode: bool) -> None:
    drawn = bar(value, 1000, 10, Screen(80, unicode))
    assert len(drawn) == 10
    assert len(drawn.rstrip()) == filled


def test_a_table_too_wide_is_cut_in_its_widest_columns_and_loses_none() -> None:
    wide = Table(("name", "count"), (("x" * 200, "1,000"), ("y", "2")), frozenset({1}))
    lines = grid(wide, Screen(40))
    assert all(width(line) <= 40 for line in lines)
    assert "1,000" in lines[1]
    assert "…" in lines[1]


def test_a_table_too_long_shows_both_ends_and_says_how_many_are_left_out() -> None:
    long = Table(("n",), tuple((str(number),) for number in range(100)))
    lines = grid(long, Screen(60), most=10)
    assert lines[1] == "0"
    assert lines[-1] == "99"
    assert any("90 more" in line for line in lines)


@pytest.mark.parametrize("text", ["plain", "漢字漢字漢字漢字", "e\u0301" * 30, "\u0645\u0631\u062d\u0628\u0627", "a\tb\nc"])
def test_text_is_cut_by_the_cells_that_it_takes(text: str) -> None:
    for cells in range(1, 12):
        assert width(cut(text, cells)) <= cells
        assert width(left(text, cells)) == cells
        assert width(right(text, cells)) == cells


def test_a_sentence_is_folded_between_words_and_a_long_word_is_cut() -> None:
    assert folded("one two three", 8, 2) == ["one two", "  three"]
    assert packed(["a" * 50, "b"], 10) == ["aaaaaaaaa…", "b"]


def test_a_sparkline_has_one_character_for_each_number() -> None:
    assert spark([1, 2, 3, float("nan")], Screen()) == "▁▅█ "
    assert spark([1, 10, 100], Screen(unicode=False), log=True) == "_+@"
    assert spark([5, 5], Screen()) == "▄▄"


def test_the_table_of_a_chart_holds_its_numbers(plain: Chart) -> None:
    made = table(plain)
    assert made.rows
    assert all(len(row) == len(made.columns) for row in made.rows)
