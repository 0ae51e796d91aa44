"""docs/seed.md accounts for every item of the page that Trainyard grew from: what shows it, what holds it.

A row that names a command or a test which does not exist is worse than "not yet": it would be believed.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from trainyard.client.main import trainyard
from trainyard.linter.cli.main import trainlint

NOT_YET = "not yet"
# How many bullets, options, pictures and measurements each section of the page has.
ITEMS = {"0": 2, "1": 14, "2": 14, "3": 12, "4": 7, "5": 8, "6": 9, "7": 15, "8": 6}
PROGRAMS: dict[str, click.Group] = {"trainlint": trainlint, "trainyard": trainyard}
PAGE = Path(__file__).parents[2] / "docs/seed.md"


class Row(NamedTuple):
    number: str
    item: str
    shown_by: str
    held_by: str


def rows() -> list[Row]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines if re.match(r"\| \d+\.\d+ \|", line)]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def functions(path: Path) -> frozenset[str]:
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


DONE = [row for row in rows() if row.shown_by != NOT_YET]


def test_no_item_of_the_page_is_left_out() -> None:
    numbers = [row.number for row in rows()]
    assert Counter(number.partition(".")[0] for number in numbers) == ITEMS
    assert numbers == [f"{section}.{index}" for section, count in ITEMS.items() for index in range(1, count + 1)]
    assert len({row.item for row in rows()}) == len(numbers)


def test_the_page_says_how_far_it_is() -> None:
    assert f"{len(DONE)} of {len(rows())}" in PAGE.read_text(encoding="utf-8")


def test_an_item_is_done_only_when_something_shows_it_and_a_test_holds_it() -> None:
    assert [row.number for row in rows() if (row.shown_by == NOT_YET) != (row.held_by == NOT_YET)] == []
    assert [row.number for row in DONE if not quoted(row.shown_by) or not quoted(row.held_by)] == []


@pytest.mark.parametrize("command", sorted({command for row in DONE for command in quoted(row.shown_by)}))
def test_a_command_that_is_named_exists(command: str) -> None:
    program, name, *arguments = command.split()
    group = PROGRAMS[program]
    found = group.get_command(click.Context(group), name)
    assert found is not None, f"{program} has no command {name}"
    options = {option for parameter in found.params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= options


@pytest.mark.parametrize("node", sorted({node for row in DONE for node in quoted(row.held_by)}))
def test_a_test_that_is_named_exists(repository: Path, node: str) -> None:
    path, _, name = node.partition("::")
    assert (repository / path).is_file(), f"no file {path}"
    assert name in functions(repository / path), f"{path} has no test {name}"
