"""The server's home: who owns it now, and what lies in it."""

from __future__ import annotations

import fcntl
import secrets
import socket
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
    def node_file(self) -> Path:
        """What this home is called in the leases of a shared store."""
        return self.path / "node"

    @property
    def lock(self) -> Path:
        """Locked while a server runs."""
        return self.path / "lock"


@contextmanager
def owned(path: Path) -> Iterator[Home]:
    """Make the home folder and own it; raises Refusal when another server does.

    Owning it is what makes the node's name safe: no two servers bear it at once.
    """
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


def node(home: Home) -> str:
    """Return the name of this home's node, made at its first start; raises Refusal. The home must be owned."""
    try:
        if not home.node_file.exists() or not home.node_file.read_text(encoding="utf-8").strip():
            temporary = home.path / ".node.new"
            temporary.write_text(f"{socket.gethostname()[:64]}-{secrets.token_hex(6)}\n", encoding="utf-8")
            temporary.replace(home.node_file)
        return home.node_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{home.node_file} can not be used: {error}") from error
