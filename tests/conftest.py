"""What holds for every test: benchmarks run only when asked for, since a shared machine makes them say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

BENCH = Path(__file__).parent / "bench"
ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-bench", action="store_true", help="run the measurements below tests/bench (make bench)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--run-bench"):
        return
    skip = pytest.mark.skip(reason="a measurement: run it with 'make bench'")
    for item in items:
        if BENCH in item.path.parents:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder with pyproject.toml."""
    return ROOT
