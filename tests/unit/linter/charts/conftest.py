"""One chart of every kind, harmless and hostile."""

from __future__ import annotations

import pytest

from trainyard.linter.charts.models import (
    Axis,
    Band,
    Bar,
    BarChart,
    Chart,
    Event,
    Lane,
    Limit,
    LineChart,
    Mark,
    Matrix,
    Pointer,
    RangeStrip,
    Series,
    Span,
    StackChart,
    StackRow,
    Term,
    TimeLine,
    Tone,
    Unit,
    Zone,
)

HOSTILE = "</text><script>alert(1)</script>&\"'\x1b[2J\x00\u202egpj\ud800 \u0645\u0631\u062d\u0628\u0627 \U0001f9ea"


def charts(name: str) -> dict[str, Chart]:
    """Return one chart of every kind, with ``name`` wherever a user's text can stand."""
    return {
        "lines": LineChart(
            name,
            name,
            Axis(name),
            Axis(name, Unit.RATE, log=True),
            (
                Series(name, ((0, 0.1), (1, None), (2, 0.01), (3, 0.001))),
                Series(name, ((0, 0.2), (3, 0.002)), 1, dashed=True),
            ),
            (Band(name, ((0, 0.001, 0.1), (3, 0.0001, 0.1)), 2),),
            (Mark(2, 0.01, name),),
            (Limit(0.005, name),),
        ),
        "bars": BarChart(name, name, Unit.COUNT, name, (Bar(name, 30, 10, name, Tone.CARE), Bar("plain", 0, 10)), name),
        "strip": RangeStrip(
            name,
            name,
            Unit.RATE,
            (Zone(name, 1e-6, 1e-4, Tone.BAD), Zone("usual", 1e-4, 1e-2, Tone.GOOD)),
            (Pointer(1e-3, name), Pointer(1e-5, name, main=False)),
        ),
        "stack": StackChart(
            name, name, Unit.BYTES, (StackRow(name, (Term(name, 10, 20), Term("other", 5, 5))), StackRow("none", ())), (Limit(40, name),)
        ),
        "timeline": TimeLine(
            name, name, name, 20, (Lane(name, (Span(0, 20, name, Tone.CARE, open=True),), (Event(3, name), Event(4, "crowded", Tone.BAD))),)
        ),
        "matrix": Matrix(name, name, name, name, (name, "other"), ((5, 1), (0, 9))),
    }


KINDS = sorted(charts("plain"))


@pytest.fixture(params=KINDS)
def plain(request: pytest.FixtureRequest) -> Chart:
    return charts("plain words")[request.param]


@pytest.fixture(params=KINDS)
def hostile(request: pytest.FixtureRequest) -> Chart:
    return charts(HOSTILE)[request.param]
