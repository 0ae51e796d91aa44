"""The server's home: who owns it now, and what lies in it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trainyard.linter.cli.exits import Refusal


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below the home folder."""

    path: Path

    @property
    def database(self) -> Path:
        """Jobs and events."""
        return self.path / "jobs.sqlite"

    @property
    def runs(self) -> Path:
        """One folder for each job."""
        return self.path / "runs"

    @property
    def lock(self) -> Path:
        """Locked while a server runs."""
        return self.path / "lock"


@contextmanager
def owned(path: Path) -> Iterator[Home]:
    """Make the home folder and own it; raises Refusal when another server does."""
    home = Home(path)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.runs.mkdir(mode=0o700, exist_ok=True)
        lock = home.lock.open("a")
    except OSError as error:
        raise Refusal(f"--home {path} can not be used: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refusal(f"--home {path}: another server uses it") from error
        yield home
