"""A server of the demonstration's own: ports that were free, a home and a state folder that go away again.

Nothing of the user's is touched, and nothing is left: at the end it looks for every process that the home
ever had, and says so when one is still there.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trainyard.client.demo.promises import BrokenPromiseError
from trainyard.client.demo.stage import argv

if TYPE_CHECKING:
    import psutil

READY_SECONDS = 60.0
SHUTDOWN_SECONDS = 30.0
# A process that was killed needs a moment to be gone.
LEFT_SECONDS = 10.0
POLL_SECONDS = 0.05


class Doors(NamedTuple):
    """Where a server answers."""

    listen: str
    metrics: str


class House:
    """A server with its home in ``folder`` and its data in ``data_root``; ``environment`` is the one its clients have too."""

    def __init__(self, folder: Path, data_root: str, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._ready = folder / "ready.json"
        self._log = folder / "server.log"
        self.command: tuple[str, ...] = (
            "trainyard", "serve", "--home", str(folder / "home"), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0",
            "--data-root", data_root, "--ready-file", str(self._ready),
        )  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def open(self) -> Doors:
        """Start the server and wait until it answers; raises with the end of its log when it does not."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                argv(self.command), env=dict(self._environment), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        if not until(lambda: self._ready.exists() or self._ended(), READY_SECONDS) or not self._ready.exists():
            raise BrokenPromiseError(f"the server did not come up; it said:\n{self._last_words()}")
        told = json.loads(self._ready.read_text(encoding="utf-8"))
        return Doors(told["listen"], told["metrics"])

    def close(self) -> float:
        """End the server in good order and return how long it took, in seconds; raises when anything is left."""
        process = self._process
        if process is None:
            return 0.0
        inhabitants = self._inhabitants()
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            raise BrokenPromiseError(f"the server has not ended within {SHUTDOWN_SECONDS:.0f} s of SIGTERM") from None
        if code != 0:
            raise BrokenPromiseError(f"the server ended with exit code {code}; it said:\n{self._last_words()}")
        took = time.monotonic() - began
        if not until(lambda: not self._left(inhabitants), LEFT_SECONDS):
            left = ", ".join(str(process.pid) for process in self._left(inhabitants))
            raise BrokenPromiseError(f"processes are left behind: {left}")
        return took

    def evacuate(self) -> None:
        """Leave nothing behind, however it went: end what is still there, by force."""
        inhabitants = self._inhabitants()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            until(self._ended, SHUTDOWN_SECONDS)
            self._process.kill()
            self._process.wait()
        for process in self._left(inhabitants):
            process.kill()
        until(lambda: not self._left(inhabitants), LEFT_SECONDS)

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _inhabitants(self) -> list[psutil.Process]:
        """List the server, what it started, and whatever names the folder on its command line."""
        import psutil

        found = []
        if self._process is not None and psutil.pid_exists(self._process.pid):
            server = psutil.Process(self._process.pid)
            found = [server, *server.children(recursive=True)]
        return list({*found, *self._named()})

    def _named(self) -> list[psutil.Process]:
        import psutil

        mark = str(self._folder)
        return [process for process in psutil.process_iter(["cmdline"]) if any(mark in word for word in process.info["cmdline"] or ())]

    def _left(self, inhabitants: list[psutil.Process]) -> list[psutil.Process]:
        return [process for process in {*inhabitants, *self._named()} if _lives(process)]

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def _lives(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until ``condition`` holds; returns False when it did not within ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True
