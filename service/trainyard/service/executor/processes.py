"""Processes as the kernel knows them, read from /proc: who lives, since when, in whose group.

A process is named by boot, pid and start in clock ticks. Libraries give the start as a time of day,
computed from a boot time that moves when the clock is set; a server that re-attaches after that would not
know its own trainers. Zombies count as gone: nobody may be there to reap them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trainyard.service.core.jobs import TrainerProcess

PROC = Path("/proc")
_ZOMBIES = frozenset("ZXx")


@dataclass(frozen=True, slots=True)
class Running:
    """A process that runs: its group, its session, and its start in clock ticks since boot."""

    pid: int
    group: int
    session: int
    start_ticks: int


def boot_id() -> str:
    """Name this boot of this machine."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def look(pid: int) -> Running | None:
    """Return the process ``pid`` if it runs; None when it is gone or a zombie."""
    state, found = _stat(pid)
    return None if state in _ZOMBIES else found


def start_ticks(pid: int) -> int:
    """Return the start of a process, a zombie's too; 0 when it is gone."""
    _, found = _stat(pid)
    return found.start_ticks if found else 0


def _stat(pid: int) -> tuple[str, Running | None]:
    try:
        raw = (PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return "X", None
    # The name stands in parentheses and may hold anything, parentheses too. proc(5) numbers the fields from 1.
    fields = raw.rpartition(b")")[2].split()
    found = Running(pid=pid, group=int(fields[2]), session=int(fields[3]), start_ticks=int(fields[19]))
    return fields[0].decode(), found


def everybody() -> Iterator[Running]:
    """Return all processes that run."""
    for name in os.listdir(PROC):  # noqa: PTH208 - names are all that is wanted
        if name.isdecimal() and (found := look(int(name))) is not None:
            yield found


def arguments(pid: int) -> list[str]:
    """Return the command line of a process; empty when it is gone or not ours to read."""
    try:
        raw = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(argument) for argument in raw.split(b"\0")[:-1]]


def age_seconds(process: TrainerProcess) -> float:
    """Return how long a process has existed, on a clock that nobody sets."""
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - process.start_ticks / os.sysconf("SC_CLK_TCK"))


def alive(process: TrainerProcess) -> bool:
    """Tell whether this very process runs on this boot of this machine."""
    found = look(process.pid)
    return found is not None and found.start_ticks == process.start_ticks and process.boot_id == boot_id()


def company(process: TrainerProcess) -> list[int]:
    """Return the pids of what is left of a session leader's group and session, itself included.

    The kernel gives a pid to nobody else while a group or session bears it, so a stranger that has the
    leader's pid with another start proves that nothing is left.
    """
    if process.boot_id != boot_id():
        return []
    leader = look(process.pid)
    if leader is not None and leader.start_ticks != process.start_ticks:
        return []
    return [found.pid for found in everybody() if process.pid in (found.group, found.session)]


def send_leader(process: TrainerProcess, number: signal.Signals) -> None:
    """Signal the leader alone."""
    if alive(process):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)


def send(process: TrainerProcess, number: signal.Signals) -> None:
    """Signal everything that is left of a session leader's group and session."""
    for pid in company(process):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
