"""Recipes that reach their published figure: no error and no warning on any of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainyard.linter import spec
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.index import RULES
from trainyard.linter.source.severity import Severity

RECIPES = sorted(Path(__file__).with_name("published").glob("*.trainspec.json"))
# What is said all the same, and why it may stay.
EXCEPTIONS: dict[str, set[str]] = {}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name.partition(".")[0])
def test_a_published_recipe_draws_no_warning(path: Path) -> None:
    written = json.loads(path.read_text(encoding="utf-8"))
    assert spec.check(written) == ()
    case = Case(spec.typed(spec.resolve(written)), written)
    found = {
        f"{rule.name}: {violation.message}"
        for rule in RULES
        for violation in rule.check(case)
        if (violation.severity or rule.severity) > Severity.INFO and rule.name not in EXCEPTIONS.get(path.name, set())
    }
    assert found == set()


def test_there_are_recipes() -> None:
    assert len(RECIPES) >= 16
