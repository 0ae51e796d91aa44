"""What holds for every test: measurements run only when asked for, since a busy machine makes most of them say nothing."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path

import pytest

BENCH = Path(__file__).parent / "bench"
ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-bench", action="store_true", help="run the measurements below tests/bench in full (make bench)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gate: a measurement that is short and steady enough to hold in every run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--run-bench"):
        return
    skip = pytest.mark.skip(reason="a measurement: run it with 'make bench'")
    for item in items:
        if BENCH in item.path.parents and item.get_closest_marker("gate") is None:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder with pyproject.toml."""
    return ROOT


@pytest.fixture
def cost() -> Callable[[Callable[[], object]], float]:
    """Cost of a call in yardsticks: its CPU time over that of adding up a million squares (30 ms where the bounds were set).

    The least of three tries on both sides, without garbage collection: the heap that thousands of tests leave behind
    would be paid by whoever is measured.
    """

    def spent(call: Callable[[], object]) -> float:
        started = time.process_time()
        call()
        return time.process_time() - started

    def in_yardsticks(call: Callable[[], object]) -> float:
        gc.disable()
        try:
            yardstick = min(spent(lambda: sum(number * number for number in range(1_000_000))) for _ in range(3))
            return min(spent(call) for _ in range(3)) / yardstick
        finally:
            gc.enable()

    return in_yardsticks
