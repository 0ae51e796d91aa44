"""Starting trainers, and knowing them again: the port of the supervisor, and trainers on this machine.

A trainer is started by exec in a session of its own, never by fork of the server's code: a forked gRPC
server hangs, and a forked TensorFlow too. It inherits no descriptor but its log, so a trainer that outlives
its server does not hold the server's port.
"""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from trainyard.service.core.jobs import TrainerProcess
from trainyard.service.executor import processes
from trainyard.service.wire import RunFolder


@dataclass(frozen=True, slots=True)
class Order:
    """What to start: an attempt of a job, in its run folder, on a device (``cpu`` or a GPU's UUID)."""

    job_id: str
    attempt: int
    run: RunFolder
    device: str


class Launcher(Protocol):
    """Starts trainers somewhere and knows what became of them."""

    def launch(self, order: Order) -> TrainerProcess:
        """Start a trainer; raises OSError when that can not be done."""

    def find(self, order: Order) -> TrainerProcess | None:
        """Return the trainer of this order if it runs: somebody may have started it and not lived to write that down."""

    def alive(self, process: TrainerProcess) -> bool:
        """Tell whether the trainer itself runs."""

    def gone(self, process: TrainerProcess) -> bool:
        """Tell whether nothing of it is left, children and grandchildren included."""

    def signal(self, process: TrainerProcess, number: signal.Signals) -> None:
        """Signal all that is left of it."""

    def exit_status(self, process: TrainerProcess) -> int | None:
        """Return the exit status, negative for a signal; None when it is not known."""


class LocalLauncher:
    """Starts trainers on this machine.

    Args:
        command: makes the command line of an order.
        environment: makes the whole environment of an order; nothing of the server's own is added.
    """

    def __init__(self, command: Callable[[Order], Sequence[str]], environment: Callable[[Order], Mapping[str, str]]) -> None:
        self._command = command
        self._environment = environment
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._statuses: dict[TrainerProcess, int] = {}

    def launch(self, order: Order) -> TrainerProcess:
        """Start a trainer in a session of its own, its output in its log."""
        with order.run.log.open("ab") as log:
            child = subprocess.Popen(
                list(self._command(order)),
                cwd=order.run.path,
                env=dict(self._environment(order)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                close_fds=True,
                start_new_session=True,
            )
        self._children[child.pid] = child
        return _named(child.pid, processes.start_ticks(child.pid))

    def find(self, order: Order) -> TrainerProcess | None:
        """Look for the order's command line among the leaders of sessions."""
        wanted = list(self._command(order))
        for found in processes.everybody():
            if found.session == found.pid and processes.arguments(found.pid) == wanted:
                return _named(found.pid, found.start_ticks)
        return None

    def alive(self, process: TrainerProcess) -> bool:
        """Tell whether the trainer itself runs; reaps it when it does not.

        A child of ours counts as running until it can be reaped: a leader is a zombie while its threads still end, and who
        settled it then would never learn how it died.
        """
        self._reap(process)
        return process.pid in self._children or processes.alive(process)

    def gone(self, process: TrainerProcess) -> bool:
        """Tell whether nothing of its group and session is left."""
        self._reap(process)
        if processes.company(process):
            return False
        self._statuses.pop(process, None)
        return True

    def signal(self, process: TrainerProcess, number: signal.Signals) -> None:
        """Signal all that is left of its group and session."""
        processes.send(process, number)

    def exit_status(self, process: TrainerProcess) -> int | None:
        """Return the exit status of a trainer that this very server started and saw end."""
        self._reap(process)
        return self._statuses.get(process)

    def close(self) -> None:
        """Leave running trainers alone: they outlive the server."""
        for child in self._children.values():
            # Popen warns about a child that nobody waits for; here that is the purpose.
            child.returncode = child.returncode or 0
        self._children.clear()

    def _reap(self, process: TrainerProcess) -> None:
        child = self._children.get(process.pid)
        if child is not None and (status := child.poll()) is not None:
            del self._children[process.pid]
            self._statuses[process] = status


def _named(pid: int, start_ticks: int) -> TrainerProcess:
    return TrainerProcess(host=socket.gethostname(), boot_id=processes.boot_id(), pid=pid, start_ticks=start_ticks)


def died_how(status: int | None) -> str:
    """Say in words how a trainer ended: ``exit status 1``, ``killed by SIGKILL``, or that nobody saw it."""
    if status is None:
        return "nobody saw how"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"
