"""Real servers, real trainers, real data: everything is started as a user starts it, in a home that goes away.

What a store may change is tried on each of ``STORES``: on a file of the home, and on a PostgreSQL that the session shares.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.conftest import new_schema

WAIT_SECONDS = 120.0
STORES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Machine:
    """A user's machine: a home folder, a state folder, and the examples; ``store`` is the URL of a database for its servers."""

    folder: Path
    examples: Path
    environment: dict[str, str]
    store: str = "sqlite"
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "trainyard.client.main", *arguments]

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*arguments),
            input=stdin,
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            encoding="utf-8",
            timeout=WAIT_SECONDS * 2,
            check=False,
        )

    def start(self, *arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self.argv(*arguments), env=self.environment, cwd=self.folder, **streams)
        self.started.append(process)
        return process

    def clear(self) -> None:
        """End whatever a failed test left."""
        for process in self.started:
            process.kill()
            process.wait()
        for left in self.processes():
            left.kill()

    def processes(self) -> list[psutil.Process]:
        """List every process that names this machine's folder: servers and trainers do."""
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(str(self.folder) in word for word in process.info["cmdline"] or ())
        ]

    def files(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}

    @contextmanager
    def serving(self, *options: str, home: str = "home") -> Iterator[Serving]:
        """Run a server until it is left, and in good order."""
        ready, log = self.folder / f"{home}.ready.json", self.folder / f"{home}.log"
        arguments: tuple[str, ...] = ("--home", str(self.folder / home), "--data-root", str(self.examples), "--ready-file", str(ready))
        arguments += () if self.store == "sqlite" else ("--store", self.store)
        free = ("--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
        with log.open("ab") as output:
            process = self.start("serve", *arguments, *(options or free), stdout=output, stderr=output)
        try:
            wait_until(lambda: ready.exists() or process.poll() is not None)
            assert ready.exists(), log.read_text()
            told = json.loads(ready.read_text())
            server = Serving(process, told["listen"], told["metrics"])
            self.environment["TRAINYARD_SERVER"] = server.listen
            yield server
            assert server.end() == 0, log.read_text()
        finally:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Serving:
    """A server that answers."""

    process: subprocess.Popen[bytes]
    listen: str
    metrics: str

    def end(self) -> int:
        """Ask it to go and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_SECONDS)


def wait_until(condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Wait until ``condition`` holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def make_machine(folder: Path, examples: Path, store: str = "sqlite") -> Machine:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV", "PYTHONPATH") if name in os.environ}
    (folder / "user").mkdir()
    return Machine(folder, examples, {**kept, "HOME": str(folder / "user"), "XDG_STATE_HOME": str(folder / "state")}, store)


@contextmanager
def tidy(machine: Machine) -> Iterator[Machine]:
    """Clear up behind a test, however it ended."""
    try:
        yield machine
    finally:
        machine.clear()


@pytest.fixture
def store() -> str:
    """Where servers of ``machine`` keep jobs; a module for which the store matters makes it ``each_store``'s."""
    return "sqlite"


@pytest.fixture(params=STORES)
def each_store(request: pytest.FixtureRequest) -> str:
    """A store of each kind, empty; skips where there is none."""
    return "sqlite" if request.param == "sqlite" else new_schema(request.getfixturevalue("postgresql"))


@pytest.fixture
def machine(tmp_path: Path, repository: Path, store: str) -> Iterator[Machine]:
    with tidy(make_machine(tmp_path, repository / "examples", store)) as made:
        yield made


@pytest.fixture(scope="module")
def serving_machines(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[dict[str, Machine]]:
    """Machines on which a server runs, by the kind of its store: all live as long as the module, in whatever order tests come."""
    with ExitStack() as running:
        yield _Started(running, tmp_path_factory, repository / "examples")


class _Started(dict[str, Machine]):
    """Starts a machine and its server when it is first asked for; the key is ``sqlite`` or the URL of a PostgreSQL."""

    def __init__(self, running: ExitStack, folders: pytest.TempPathFactory, examples: Path) -> None:
        super().__init__()
        self._running, self._folders, self._examples = running, folders, examples

    def __missing__(self, store: str) -> Machine:
        url = "sqlite" if store == "sqlite" else new_schema(store)
        made = self._running.enter_context(tidy(make_machine(self._folders.mktemp("served"), self._examples, url)))
        self._running.enter_context(made.serving())
        self[store] = made
        return made


@pytest.fixture(params=STORES)
def served(request: pytest.FixtureRequest, serving_machines: dict[str, Machine]) -> Machine:
    """A machine on which a server runs, once with each kind of store."""
    return serving_machines["sqlite" if request.param == "sqlite" else request.getfixturevalue("postgresql")]
