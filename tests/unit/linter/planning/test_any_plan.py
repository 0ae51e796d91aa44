"""Whatever a spec holds, it gets a plan in every face: no crash, no line too wide, JSON in its shape, a page that parses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.linter.planning.conftest import GENERATED, generated_plan, plan_of

import trainyard.linter.planning as room
from trainyard.linter.charts.text import Screen
from trainyard.linter.planning import comparison
from trainyard.linter.planning.consequences import consequences
from trainyard.linter.planning.machine import document
from trainyard.linter.planning.page import page
from trainyard.linter.planning.text import text
from trainyard.linter.report.terminal import width

SCHEMA = jsonschema.Draft202012Validator(json.loads((Path(room.__file__).parent / "plan.schema.json").read_text(encoding="utf-8")))
NUMBERS = st.sampled_from([0, -1, 1, 2, 7, 10**9, 2**53 - 1, -(2**53) + 1, 0.0, -0.0, 0.5, 1e-320, 1e-300, 1e-9, 1e300, 1e308, -1e308])
WORDS = st.sampled_from(["", "none", "adam", "val_loss", "relu", "a/b~c", "漢字", "\u202e", "</td><script>", "\ud800", "x" * 300])
VALUES = st.one_of(NUMBERS, WORDS, st.none(), st.booleans(), st.lists(NUMBERS, max_size=3), st.dictionaries(WORDS, NUMBERS, max_size=2))


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [place]
    for key, member in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(member, (*place, key))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A healthy spec with a few members replaced or removed."""
    spec: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(list(GENERATED.values()))))
    for _ in range(draw(st.integers(1, 4))):
        *above, key = draw(st.sampled_from([place for place in places(spec) if place]))
        owner: Any = spec
        for step in above:
            owner = owner[step]
        if draw(st.integers(0, 4)) == 0:
            del owner[key]
        else:
            owner[key] = draw(VALUES)
    return spec


@settings(max_examples=60, deadline=None)
@given(mutated(), st.sampled_from([None, "t4"]))
def test_any_spec_is_planned_in_every_face(written: dict[str, Any], card: str | None) -> None:
    plan = plan_of(json.dumps(written), card)
    for screen in (Screen(80), Screen(40, unicode=False)):
        assert [line for line in text(plan, "a", screen).splitlines() if width(line) > screen.cells] == []
    SCHEMA.validate(json.loads(json.dumps(document(plan, "a"), allow_nan=False)))
    assert ET.fromstring(page(plan, "a").removeprefix("<!DOCTYPE html>\n")) is not None  # noqa: S314 - our own
    follows = consequences(generated_plan("seed"), plan)
    assert [line for line in comparison.text(follows, ("a", "b"), Screen(78)) if width(line) > 78] == []
    assert json.dumps(comparison.document(follows))
