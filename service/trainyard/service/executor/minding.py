"""Looks at a trainer that lives: passes on what was asked of it, and finds what must not go on.

Decides nothing about the job: it presses the ladder and remembers why, and when the process is gone the supervisor asks for
that cause. What it remembers is lost with the server, and found again by looking.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from trainyard.service.core.jobs import Job, TrainerProcess
from trainyard.service.core.ports import Clock
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State
from trainyard.service.executor import memory, run_folder
from trainyard.service.executor.ladder import Ladder
from trainyard.service.executor.launching import Launcher
from trainyard.service.executor.patience import Patience
from trainyard.service.executor.walls import Wall
from trainyard.service.wire import CANCEL, PAUSE, STOP, RunFolder

MAX_EVENTS = 200_000
# Looking at files and sizes costs more than looking at a process.
LOOK_SECONDS = 1.0
# Registered by the trainer's start with faulthandler: every thread's stack goes into trainer.log.
DUMP = signal.SIGUSR1
_DUMP_SECONDS = 2.0
_LEAST_DESCRIPTION = 60
# States in which a trainer owes a last word.
OWING = frozenset({State.STARTING, State.RUNNING, State.PAUSING, State.STOPPING})
_WORDS = {State.PAUSING: PAUSE, State.STOPPING: STOP, State.CANCELLING: CANCEL}
_log = structlog.get_logger("supervisor")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the supervisor ended a trainer."""

    reason: Reason
    message: str


@dataclass(slots=True)
class _Watched:
    """What is remembered of a trainer from look to look."""

    signature: tuple[tuple[int, int], ...]
    changed: float
    kills: int
    looked: float = 0.0
    told: str = ""
    cause: Cause | None = None


class Minder:
    """Looks after trainers that live.

    Args:
        launcher: what signals them and knows their age.
        clock: time that nobody sets.
        patience: what they may.
        available_bytes: how much memory the machine has left.
        wall: how long an attempt may last; as the patience says when it is left out.
    """

    def __init__(
        self,
        launcher: Launcher,
        clock: Clock,
        patience: Patience,
        available_bytes: Callable[[], int] = memory.available_bytes,
        wall: Wall | None = None,
    ) -> None:
        self._launcher = launcher
        self._clock = clock
        self._monotonic = clock.monotonic
        self._patience = patience
        self._available_bytes = available_bytes
        self._wall = wall or Wall(lambda: patience.wall_seconds, patience.stop_seconds)
        self._ladder = Ladder(launcher.signal, clock.monotonic, patience.grace_seconds)
        self._watched: dict[TrainerProcess, _Watched] = {}
        self._looked_at_memory = float("-inf")

    def mind(self, job: Job, process: TrainerProcess, run: RunFolder) -> None:
        """Do what is due now for a trainer that lives."""
        watched = self._watched.get(process)
        if watched is None:
            watched = self._watched[process] = _Watched(_signature(run), self._monotonic(), memory.kills())
        self._pass_on(job, watched, run)
        if watched.cause is not None:
            self._ladder.press(process, _DUMP_SECONDS)
        elif job.state is State.CANCELLING:
            self._ladder.press(process)
        elif job.state not in OWING:
            self._ladder.press(process, self._patience.exit_seconds)
        elif job.state is State.PAUSING:
            self._ladder.press(process, self._patience.pause_seconds, self._patience.late_seconds)
        elif job.state is State.STOPPING:
            self._ladder.press(process, self._patience.stop_seconds, self._patience.late_seconds)
        if watched.cause is None and job.state in OWING:
            self._look(job, process, run, watched)

    def press(self, process: TrainerProcess) -> None:
        """End what is left of a trainer that is dead itself."""
        self._ladder.press(process)

    def leave(self, process: TrainerProcess) -> None:
        """Forget a trainer of which nothing is left."""
        self._ladder.leave(process)
        self._watched.pop(process, None)

    def cause(self, process: TrainerProcess, status: int | None) -> Cause | None:
        """Say why a dead trainer had to go; None when nobody here ended it."""
        watched = self._watched.get(process)
        if watched is not None and watched.cause is not None:
            return watched.cause
        if status == -signal.SIGALRM:
            return self._timeout()
        killed = watched is not None and not self._ladder.pressed(process) and status == -signal.SIGKILL
        if killed and watched is not None and memory.kills() > watched.kills:
            return Cause(Reason.OOM_HOST, "the machine ran out of memory and the kernel ended the trainer: lower training.batch_size")
        return None

    def watch_memory(self, trainers: Iterable[tuple[Job, TrainerProcess]]) -> None:
        """End the largest trainer when the machine is about to run out of memory, before the kernel chooses somebody."""
        now = self._monotonic()
        if now - self._looked_at_memory < LOOK_SECONDS:
            return
        self._looked_at_memory = now
        owing = [(job, process) for job, process in trainers if job.state in OWING and process in self._watched]
        if not owing or (left := self._available_bytes()) >= self._patience.reserve_bytes:
            return
        if any(self._watched[process].cause is not None for _, process in owing):
            return  # one is going already
        job, process = max(owing, key=lambda pair: self._launcher.memory_bytes(pair[1]))
        held = self._launcher.memory_bytes(process)
        message = f"the machine was about to run out of memory ({left >> 20} MiB left) and this trainer held most ({held >> 20} MiB)"
        self._condemn(job, process, self._watched[process], Cause(Reason.OOM_HOST, f"{message}: lower training.batch_size"))
        self._launcher.signal(process, signal.SIGKILL)

    def _pass_on(self, job: Job, watched: _Watched, run: RunFolder) -> None:
        """Leave in the control file what was asked of the job; once for each word and server."""
        word = _WORDS.get(job.state)
        if word is not None and watched.told != word:
            with suppress(OSError):  # a full disk; the ladder will say it
                run_folder.ask(run, word)
                watched.told = word

    def _look(self, job: Job, process: TrainerProcess, run: RunFolder, watched: _Watched) -> None:
        now = self._monotonic()
        if now - watched.looked < LOOK_SECONDS:
            return
        watched.looked = now
        run_folder.cap_log(run.log, self._patience.log_bytes)
        signature = _signature(run)
        if signature != watched.signature:
            watched.signature, watched.changed = signature, now
        cause = self._too_much(job, run) or self._too_long(process, run) or self._too_still(process, now - watched.changed)
        if cause is not None:
            self._condemn(job, process, watched, cause)

    def _condemn(self, job: Job, process: TrainerProcess, watched: _Watched, cause: Cause) -> None:
        watched.cause = cause
        _log.warning("trainer-ended", job=job.id, pid=process.pid, reason=cause.reason.value, why=cause.message)

    def _too_much(self, job: Job, run: RunFolder) -> Cause | None:
        if job.last_seq > MAX_EVENTS:
            return Cause(Reason.SERVER, f"the trainer wrote more than {MAX_EVENTS} events")
        if _size(run.events) > self._patience.spool_bytes:
            return Cause(Reason.SERVER, f"the trainer wrote more than {self._patience.spool_bytes >> 20} MiB of events")
        return None

    def _too_long(self, process: TrainerProcess, run: RunFolder) -> Cause | None:
        limit = self._wall.least()
        if limit is None or self._launcher.age_seconds(process) <= limit + LOOK_SECONDS:
            return None
        # The process may be older than its order, when it waited for one; the folder was made ready for the order.
        ordered = self._clock.now().timestamp() - run.resolved.stat().st_mtime if run.resolved.exists() else 0.0
        # The trainer's own alarm comes first; this one is for a trainer that does not hear it.
        lasted = min(ordered, self._launcher.age_seconds(process))
        return self._timeout() if lasted > (self._wall.seconds(run) or limit) + LOOK_SECONDS else None

    def _timeout(self) -> Cause:
        hours = (self._wall.least() or 0.0) / 3600
        return Cause(Reason.TIMEOUT, f"the server allows an attempt {hours:.2g} hours; training.max_hours ends a run with its best model")

    def _too_still(self, process: TrainerProcess, still_seconds: float) -> Cause | None:
        if still_seconds <= self._patience.stall_seconds:
            return None
        self._launcher.signal(process, DUMP)
        still = f"{still_seconds:.0f} s" if still_seconds < _LEAST_DESCRIPTION else f"{still_seconds / 60:.0f} min"
        return Cause(Reason.TRAINER_LOST, f"the trainer showed no sign of life for {still}; the stacks of its threads are in its log")


def _signature(run: RunFolder) -> tuple[tuple[int, int], ...]:
    """Return what changes when a trainer does anything."""
    return tuple(_stamp(path) for path in (run.events, run.progress, run.log))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_size, found.st_mtime_ns)


def _size(path: Path) -> int:
    return _stamp(path)[0]
