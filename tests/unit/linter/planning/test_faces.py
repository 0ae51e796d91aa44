"""The three faces of a plan: text that fits, JSON in its promised shape, a page that is well-formed and names nothing outside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from tests.unit.linter.planning.conftest import GENERATED, generated_plan

import trainyard.linter.planning as room
from trainyard.linter.charts.text import Screen
from trainyard.linter.planning.machine import document
from trainyard.linter.planning.page import page
from trainyard.linter.planning.text import text
from trainyard.linter.report.terminal import COLOURED, width

SCHEMA = jsonschema.Draft202012Validator(json.loads((Path(room.__file__).parent / "plan.schema.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", GENERATED)
@pytest.mark.parametrize("cells", [40, 80, 100, 200])
def test_no_line_of_the_text_is_wider_than_the_screen(name: str, cells: int) -> None:
    shown = text(generated_plan(name), "a.trainspec.json", Screen(cells))
    assert [line for line in shown.splitlines() if width(line) > cells] == []


@pytest.mark.parametrize("name", GENERATED)
def test_where_only_ascii_can_be_shown_only_ascii_is(name: str) -> None:
    shown = text(generated_plan(name), "a.trainspec.json", Screen(80, unicode=False))
    assert shown.isascii()
    assert [line for line in shown.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("name", GENERATED)
def test_colours_change_no_character(name: str) -> None:
    plain, coloured = (text(generated_plan(name), "a", Screen(80, palette=palette)) for palette in (Screen().palette, COLOURED))
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize("name", GENERATED)
def test_the_json_keeps_its_promised_shape(name: str) -> None:
    told = json.loads(json.dumps(document(generated_plan(name), "a.trainspec.json"), allow_nan=False))
    SCHEMA.validate(told)


def test_the_schema_is_a_schema_and_closed_at_every_level() -> None:
    SCHEMA.check_schema(SCHEMA.schema)
    told = document(generated_plan("seed"), "a")
    for broken in ({**told, "verdict": "maybe"}, {**told, "unknown": 1}, {key: value for key, value in told.items() if key != "steps"}):
        assert not SCHEMA.is_valid(broken)


@pytest.mark.parametrize("name", GENERATED)
def test_the_page_is_well_formed_and_says_every_id_once(name: str) -> None:
    root = ET.fromstring(page(generated_plan(name), "a").removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 - our own
    idents = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(idents) == len(set(idents))
    assert {element.get("href", "").removeprefix("#") for element in root.iter("a")} <= set(idents)
