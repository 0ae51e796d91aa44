"""Colours can be told from what they lie on: 4.5 : 1 for text, 3 : 1 for marks (WCAG 2.2, 1.4.3 and 1.4.11), in light and dark."""

from __future__ import annotations

import re

import pytest

from trainyard.linter.charts.style import sheet

Colour = tuple[float, float, float, float]
_LIGHT, _DARK = re.split(r"@media", sheet("theme"))
TEXT_ON = [
    *((name, ground) for name in ("ink", "muted", "c0", "good", "care", "bad") for ground in ("card", "paper")),
    *((name, f"{name}-soft") for name in ("good", "care", "bad")),
    ("c0", "soft"),
    ("muted", "grid"),
    ("ink", "soft"),
    ("ink", "care-soft"),
    ("ink", "bad-soft"),
]


def colour(theme: str, name: str) -> Colour:
    match = re.search(rf"--{name}: #([0-9a-f]+)", theme)
    assert match is not None, name
    digits = match[1] if len(match[1]) > 4 else "".join(2 * digit for digit in match[1])
    red, green, blue, *alpha = (int(digits[place : place + 2], 16) / 255 for place in range(0, len(digits), 2))
    return red, green, blue, (alpha[0] if alpha else 1.0)


def over(top: Colour, ground: Colour) -> Colour:
    share = top[3]
    red, green, blue = (share * a + (1 - share) * b for a, b in zip(top[:3], ground[:3], strict=True))
    return red, green, blue, 1.0


def luminance(of: Colour) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in of[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: Colour, second: Colour) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [_LIGHT, _DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name, ground", TEXT_ON)
def test_text_can_be_read(theme: str, name: str, ground: str) -> None:
    assert contrast(colour(theme, name), over(colour(theme, ground), colour(theme, "card"))) >= 4.5


@pytest.mark.parametrize("theme", [_LIGHT, _DARK], ids=["light", "dark"])
@pytest.mark.parametrize("code", range(6))
def test_marks_can_be_seen(theme: str, code: int) -> None:
    assert contrast(colour(theme, f"c{code}"), colour(theme, "card")) >= 3


def test_black_on_white_is_the_largest_contrast() -> None:
    assert contrast((0, 0, 0, 1), (1, 1, 1, 1)) == pytest.approx(21)
