"""The guide's page on hardware profiles says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from trainyard.linter.estimate.hardware import _FIGURES, _REMARKS, Peaks, built_in, profile

PAGE = Path(__file__).parents[4] / "docs/guide/hardware.md"


@pytest.fixture(scope="module")
def page() -> str:
    """The page's text."""
    return PAGE.read_text(encoding="utf-8")


def test_every_card_stands_in_the_table_with_its_figures(page: str) -> None:
    rows = {row[0]: row[1:] for row in re.findall(r"^\| `([\w-]+)` \| (NVIDIA[^|]*) \|(.*)\|$", page, re.MULTILINE)}
    assert list(rows) == [card.name for card in built_in()]
    for card in built_in():
        device, figures = rows[card.name]
        assert device == card.device
        assert isinstance(card.rates, Peaks)
        memory, usable, *peaks = (float(cell.replace(",", "")) for cell in figures.split("|"))
        assert memory == pytest.approx(card.memory_bytes / 2**30, abs=0.05)
        assert usable == pytest.approx(card.usable_bytes / 2**30, abs=0.05)
        assert peaks == list(card.rates)


def test_the_example_is_a_profile_and_every_key_is_explained(page: str) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    box = profile(json.loads(example))
    assert box.compiles_on_cpu
    assert box.speed.step == (0.001, 0.003)
    explained = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE))))
    assert {*_FIGURES, *_REMARKS} <= explained
