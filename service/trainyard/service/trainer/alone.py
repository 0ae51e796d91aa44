"""A trainer on its own: started in a process as a server would, watched from its event log, ended on request.

Ctrl-C once asks it to pause: it ends at the next boundary, with a bundle, and can be gone on from. Ctrl-C again ends it at
once. SIGTERM asks once, and does not wait for long.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from trainyard.service import wire
from trainyard.service.trainer.following import Follower

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 10.0


class Alone:
    """One attempt at the run in ``folder``; ``options`` go to the trainer, ``tell`` takes lines for people."""

    def __init__(self, folder: wire.RunFolder, options: list[str], tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._options = options
        self._tell = tell
        self._asked = 0
        self._ended_by: signal.Signals | None = None
        self._deadline: float | None = None

    @property
    def interrupted(self) -> signal.Signals | None:
        """The signal that asked for the end; None when nobody did."""
        return self._ended_by

    def run(self, show: Callable[[wire.Body], None]) -> wire.Ended:
        """Train to the end, whatever it is; ``show`` gets every event as it is written."""
        follower = Follower(self._folder.events, whole=False)
        self._folder.control.unlink(missing_ok=True)
        command = [sys.executable, "-P", "-m", "trainyard.service.trainer", str(self._folder.path), *self._options]
        with self._folder.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches this command, and this command asks the trainer.
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._watch(process, follower, show)
        except BaseException:
            self._end(process)
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        lost = f"The trainer ended without a word ({_died(process.returncode)}); {self._folder.log} says more."
        return follower.ended or wire.Ended(wire.FAILED, "trainer_lost", lost)

    def _watch(self, process: subprocess.Popen[bytes], follower: Follower, show: Callable[[wire.Body], None]) -> None:
        while process.poll() is None:
            for body in follower.read():
                show(body)
            if self._asked > 1 or (self._deadline is not None and time.monotonic() > self._deadline):
                self._end(process)
            time.sleep(_POLL_SECONDS)
        for body in follower.read():
            show(body)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self._asked += 1
        self._ended_by = signal.Signals(number)
        if self._asked == 1:
            self._pause(self._ended_by)
        if number == signal.SIGTERM:
            self._deadline = time.monotonic() + _GRACE_SECONDS

    def _pause(self, asked: signal.Signals) -> None:
        try:
            self._folder.control.write_text(wire.PAUSE + "\n", encoding="utf-8")
        except OSError as error:
            self._asked += 1
            self._tell(f"{asked.name}: ending it at once, as it can not be told to pause ({error.strerror})")
            return
        again = "Ctrl-C again ends it at once" if asked == signal.SIGINT else f"in {_GRACE_SECONDS:g} s it is ended"
        self._tell(f"{asked.name}: pausing at the next step; {again}")

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def last_attempt(events: Path) -> tuple[int, wire.Ended | None]:
    """Return the number of the newest attempt in an event log, 0 when there is none, and how it ended, if it said so."""
    attempt, ended = 0, None
    try:
        lines = events.read_bytes().splitlines()
    except FileNotFoundError:
        lines = []
    for raw in lines:
        try:
            line = wire.decode(raw)
        except wire.WireError:
            continue
        if line.attempt > attempt:
            attempt, ended = line.attempt, None
        if isinstance(line.body, wire.Ended):
            ended = line.body
    return attempt, ended


def _died(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
