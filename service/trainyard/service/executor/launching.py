"""Starting trainers, and knowing them again: the port of the supervisor, and trainers on this machine.

A trainer is started by exec in a session of its own, never by fork of the server's code: a forked gRPC
server hangs, and a forked TensorFlow too. It inherits no descriptor but its log, so a trainer that outlives
its server does not hold the server's port. Trainers elsewhere (actors of a Ray cluster, say) are another
:class:`Launcher`: everything that the supervisor knows of a trainer goes through that port.
"""

from __future__ import annotations

import resource
import signal
import socket
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from trainyard.service.core.jobs import TrainerProcess
from trainyard.service.executor import memory, processes, run_folder
from trainyard.service.executor.standby import Standbys, dismiss, hand_over
from trainyard.service.wire import RunFolder


@dataclass(frozen=True, slots=True)
class Order:
    """What to start: an attempt of a job, in its run folder, on a device (``cpu``, or GPUs' UUIDs with commas between)."""

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

    def age_seconds(self, process: TrainerProcess) -> float:
        """Return how long the trainer has existed, whatever the time of day."""

    def memory_bytes(self, process: TrainerProcess) -> int:
        """Return how much of this machine's memory it holds, children included; 0 when it runs elsewhere."""

    def warm(self, devices: Sequence[str]) -> None:
        """Get ready for trainers on these free slots, named by their devices; may do nothing, and returns at once."""


class LocalLauncher:
    """Starts trainers on this machine.

    Args:
        command: makes the command line of an order.
        environment: makes the whole environment of an order; nothing of the server's own is added.
        standbys: trainers that have imported Keras already; None for none.
        on_device: names the processes that hold memory of a GPU.
        file_bytes: how long a file of a trainer may become, enforced by the kernel; None for no limit.
    """

    def __init__(
        self,
        command: Callable[[Order], Sequence[str]],
        environment: Callable[[Order], Mapping[str, str]],
        *,
        standbys: Standbys | None = None,
        on_device: Callable[[], Collection[int]] = frozenset,
        file_bytes: int | None = None,
    ) -> None:
        self._command = command
        self._environment = environment
        self._standbys = standbys
        self._on_device = on_device
        self._file_bytes = file_bytes
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._statuses: dict[TrainerProcess, int] = {}
        self._members: dict[TrainerProcess, set[int]] = {}

    def launch(self, order: Order) -> TrainerProcess:
        """Start a trainer in a session of its own, its output in its log; a standby takes the order when one waits."""
        return self._from_standby(order) or self._afresh(order)

    def find(self, order: Order) -> TrainerProcess | None:
        """Look for the order's command line among the leaders of sessions, and for the standby that was given it."""
        noted = run_folder.noted_process(order.run, order.attempt, socket.gethostname())
        if noted is not None and processes.alive(noted):
            return noted
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
        """Tell whether nothing of its group and session is left, neither in the kernel nor on a GPU."""
        self._reap(process)
        company = processes.company(process)
        members = self._members.setdefault(process, {process.pid})
        members.update(company)
        if company or not members.isdisjoint(self._on_device()):
            return False
        self._statuses.pop(process, None)
        self._members.pop(process, None)
        return True

    def signal(self, process: TrainerProcess, number: signal.Signals) -> None:
        """Signal all that is left of its group and session; a dump of stacks goes to the trainer itself only."""
        if number is signal.SIGUSR1:
            processes.send_leader(process, number)
        else:
            processes.send(process, number)

    def exit_status(self, process: TrainerProcess) -> int | None:
        """Return the exit status of a trainer that this very server started and saw end."""
        self._reap(process)
        return self._statuses.get(process)

    def age_seconds(self, process: TrainerProcess) -> float:
        """Return how long the trainer has existed."""
        return processes.age_seconds(process)

    def memory_bytes(self, process: TrainerProcess) -> int:
        """Return what its group and session hold in memory."""
        return memory.resident_bytes(processes.company(process))

    def warm(self, devices: Sequence[str]) -> None:
        """Keep a standby for each free slot, where standbys are wanted."""
        if self._standbys is not None:
            self._standbys.keep(devices)

    def close(self) -> None:
        """Leave running trainers alone: they outlive the server. Standbys do not."""
        if self._standbys is not None:
            self._standbys.close()
        for child in self._children.values():
            # Popen warns about a child that nobody waits for; here that is the purpose.
            child.returncode = child.returncode or 0
        self._children.clear()

    def _afresh(self, order: Order) -> TrainerProcess:
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
        return self._ours(child)

    def _from_standby(self, order: Order) -> TrainerProcess | None:
        standby = self._standbys.take(order.device) if self._standbys else None
        if standby is None:
            return None
        process = _named(standby.pid, processes.start_ticks(standby.pid))
        try:
            run_folder.note_process(order.run, order.attempt, process)
        except OSError:
            dismiss(standby)  # nobody else knows it any more
            raise
        arguments, environment = list(self._command(order)), dict(self._environment(order))
        try:
            hand_over(standby, arguments=arguments[arguments.index(str(order.run.path)) :], environment=environment, log=order.run.log)
        except OSError:
            dismiss(standby)
            return None
        return self._ours(standby)

    def _ours(self, child: subprocess.Popen[bytes]) -> TrainerProcess:
        self._children[child.pid] = child
        with suppress(OSError, ValueError):  # it may be dead already
            resource.prlimit(child.pid, resource.RLIMIT_CORE, (0, 0))
            if self._file_bytes is not None:
                resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (self._file_bytes, self._file_bytes))
        return _named(child.pid, processes.start_ticks(child.pid))

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
