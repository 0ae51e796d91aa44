"""Pictures as SVG: well-formed, named for those who cannot see them, safe against any text, and inside their own edges."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from trainyard.linter.charts.models import Axis, Bar, BarChart, Chart, LineChart, Matrix, Series, Unit
from trainyard.linter.charts.svg import draw
from trainyard.linter.charts.svg.bars import MOST_BARS

SVG = "{http://www.w3.org/2000/svg}"


def parsed(chart: Chart, width: int = 640) -> ET.Element:
    return ET.fromstring(draw(chart, width, "a"))  # noqa: S314 - our own


def texts(picture: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]


@pytest.mark.parametrize("width", [312, 864])
def test_every_picture_is_named_and_told_in_a_sentence(plain: Chart, width: int) -> None:
    picture = parsed(plain, width)
    title, told = picture[0], picture[1]
    assert (title.tag, told.tag) == (f"{SVG}title", f"{SVG}desc")
    assert picture.get("aria-labelledby") == f"{title.get('id')} {told.get('id')}"
    assert (title.text, told.text) == (plain.title, plain.summary)
    assert picture.get("role") == "img"


def test_any_text_of_a_user_stays_text(hostile: Chart) -> None:
    picture = parsed(hostile)
    assert not list(picture.iter(f"{SVG}script"))
    assert not list(picture.iter("script"))
    shown = ET.tostring(picture, encoding="unicode")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e\ud800]", shown)


@pytest.mark.parametrize("width", [200, 312, 640, 864, 1600])
def test_nothing_is_drawn_outside_of_the_picture(plain: Chart, width: int) -> None:
    picture = parsed(plain, width)
    height = float(picture.get("height", "0"))
    for element in picture.iter():
        for name, most in (
            ("x", width),
            ("x1", width),
            ("x2", width),
            ("cx", width),
            ("y", height),
            ("y1", height),
            ("y2", height),
            ("cy", height),
        ):
            if element.get(name) is not None:
                assert -0.5 <= float(element.get(name, "")) <= most + 0.5, ET.tostring(element)


def test_the_same_chart_gives_the_same_bytes(plain: Chart) -> None:
    assert draw(plain, 640, "a") == draw(plain, 640, "a")


def test_a_picture_that_stands_alone_brings_its_colours_and_one_in_a_page_does_not(plain: Chart) -> None:
    assert "prefers-color-scheme" in draw(plain, 640, "a", alone=True)
    assert "<style" not in draw(plain, 640, "a")


def test_a_gap_in_a_line_is_a_gap() -> None:
    series = Series("loss", ((0, 1.0), (1, 2.0), (2, None), (3, 1.0), (4, 2.0)))
    chart = LineChart("t", "s", Axis("epoch"), Axis("loss"), (series,))
    assert len([path for path in parsed(chart).iter(f"{SVG}path") if "curve" in path.get("class", "")]) == 2


def test_two_lines_differ_in_more_than_colour() -> None:
    lines = (Series("train", ((0, 1.0), (1, 2.0))), Series("validation", ((0, 2.0), (1, 3.0)), dashed=True))
    chart = LineChart("t", "s", Axis("epoch"), Axis("loss"), lines)
    kinds = {path.get("class") for path in parsed(chart).iter(f"{SVG}path") if "curve" in path.get("class", "")}
    assert any(" d1" in str(kind) for kind in kinds)
    assert any(" d1" not in str(kind) for kind in kinds)
    assert {"train", "validation"} <= set(texts(parsed(chart)))


def test_of_very_many_bars_the_first_and_last_are_drawn_and_the_rest_is_counted() -> None:
    chart = BarChart("t", "s", Unit.COUNT, "samples", tuple(Bar(f"class {number}", 300 - number) for number in range(300)))
    shown = texts(parsed(chart))
    assert {"class 0", "class 299"} <= set(shown)
    assert "class 150" not in shown
    assert f"… {300 - MOST_BARS} more, in the table …" in shown


def test_a_large_confusion_matrix_keeps_its_cells_and_leaves_its_numbers_to_the_table() -> None:
    names = tuple(f"class {number}" for number in range(100))
    chart = Matrix("t", "s", "true", "predicted", names, tuple(tuple(int(row == column) for column in range(100)) for row in range(100)))
    picture = parsed(chart)
    assert len([box for box in picture.iter(f"{SVG}rect") if "heat-10" in box.get("class", "")]) == 100
    assert "1" not in texts(picture)
