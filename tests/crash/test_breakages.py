"""The breakages themselves: each can still be put in, none is without a test that exists, no promise is without one.

Whether their tests turn red takes minutes: ``python -m tests.crash.breaking``.
"""

from __future__ import annotations

import ast
from collections import Counter

import pytest
from tests.crash.breakages import BREAKAGES, Breakage
from tests.crash.breaking import ROOT, broken_text


def test_every_promise_is_broken_in_several_ways_and_each_has_a_name_of_its_own() -> None:
    ways = Counter(one.promise for one in BREAKAGES)
    assert set(ways) == set(range(1, 9))
    assert min(ways.values()) >= 3
    assert len({one.name for one in BREAKAGES}) == len(BREAKAGES)


@pytest.mark.parametrize("one", BREAKAGES, ids=lambda one: one.name.replace(" ", "-"))
def test_a_breakage_stands_on_a_text_that_is_there_once_and_is_still_a_program_after_it(one: Breakage) -> None:
    assert ast.dump(ast.parse(broken_text(one))) != ast.dump(ast.parse((ROOT / one.file).read_text(encoding="utf-8")))


@pytest.mark.parametrize("one", BREAKAGES, ids=lambda one: one.name.replace(" ", "-"))
def test_the_tests_of_a_breakage_exist(one: Breakage) -> None:
    for test in one.tests:
        file, _, name = test.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert not name or name.partition("[")[0] in {found.name for found in tree.body if isinstance(found, ast.FunctionDef)}, test
