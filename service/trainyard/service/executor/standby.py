"""Trainers that have imported Keras already and wait for an order: half a gibibyte each, and seconds saved at every start.

One waits per free slot, on the device of that slot. It is no trainer yet: it holds a pipe of the server's and ends when that
is closed, so a server that dies takes its standbys with it and its trainers not. The order comes as one line through the
pipe, after which it is a trainer like any other: :mod:`trainyard.service.trainer.start` is the other end.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

_MOST_FAILURES = 3
_log = structlog.get_logger("standby")


class Standbys:
    """Keeps one standby for each free slot.

    Args:
        command: starts one.
        environment: its whole environment on a device.
        monotonic: seconds since some moment.
        quiet_seconds: how long nothing must have been asked for before one is started: an import takes seconds of all cores.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Callable[[str], Mapping[str, str]],
        folder: Path,
        monotonic: Callable[[], float],
        quiet_seconds: float = 3.0,
    ) -> None:
        self._command = list(command)
        self._environment = environment
        self._folder = folder
        self._monotonic = monotonic
        self._quiet_seconds = quiet_seconds
        self._waiting: dict[str, list[subprocess.Popen[bytes]]] = {}
        self._calm_since = monotonic()
        self._failures = 0

    def keep(self, devices: Sequence[str]) -> None:
        """Have one standby for each of these free slots, named by their devices; those of others end."""
        for device in list(self._waiting):
            dead = [one for one in self._waiting[device] if one.poll() is not None]
            for one in dead:
                self._waiting[device].remove(one)
                dismiss(one)
            self._failures += len(dead)
            while len(self._waiting[device]) > devices.count(device):
                dismiss(self._waiting[device].pop())
        if self._failures >= _MOST_FAILURES or self._monotonic() - self._calm_since < self._quiet_seconds:
            return
        missing = next((device for device in devices if len(self._waiting.get(device, ())) < devices.count(device)), None)
        if missing is not None:
            if self._failures == _MOST_FAILURES - 1:
                _log.warning("standbys-given-up", why="they end by themselves; standby.log says more")
            self._start(missing)
            self._calm_since = self._monotonic()

    def take(self, device: str) -> subprocess.Popen[bytes] | None:
        """Return a standby of a device, which is the caller's from now on; None when none waits."""
        self._calm_since = self._monotonic()
        waiting = self._waiting.get(device, [])
        while waiting:
            one = waiting.pop()
            if one.poll() is None:
                return one
            dismiss(one)
        return None

    def close(self) -> None:
        """End all of them."""
        for waiting in self._waiting.values():
            for one in waiting:
                dismiss(one)
        self._waiting.clear()

    def pids(self) -> list[int]:
        """Name the processes that wait."""
        return [one.pid for waiting in self._waiting.values() for one in waiting]

    def _start(self, device: str) -> None:
        try:
            with (self._folder / "standby.log").open("ab") as log:
                one = subprocess.Popen(
                    self._command,
                    cwd=self._folder,
                    env=dict(self._environment(device)),
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    close_fds=True,
                    start_new_session=True,
                )
        except OSError as error:
            _log.warning("standby-not-started", why=str(error.strerror))
            return
        self._waiting.setdefault(device, []).append(one)


def hand_over(standby: subprocess.Popen[bytes], *, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Give a standby its order. Raises OSError when it is dead."""
    order = {"arguments": list(arguments), "environment": dict(environment), "log": str(log)}
    if standby.stdin is None:
        raise BrokenPipeError
    standby.stdin.write(json.dumps(order).encode() + b"\n")
    standby.stdin.close()


def dismiss(one: subprocess.Popen[bytes]) -> None:
    """End a standby and let go of its pipe."""
    with suppress(OSError):
        if one.stdin is not None:
            one.stdin.close()
    one.kill()
    one.wait()
