"""Looks after every trainer: a loop that compares what the store says with what runs, and acts on the difference.

It remembers nothing that matters. A server that was killed and started again goes on where the store and the
spools stand, so the way back from a crash is the way of every day. One round is :meth:`Supervisor.tick`; it
never waits, and a job that can not be looked after keeps nobody else waiting.
"""

from __future__ import annotations

import enum
import errno
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from trainyard.service.core.errors import IllegalCommandError, ServiceError, StaleAttemptError, StaleOffsetError, UnknownJobError
from trainyard.service.core.jobs import LOCAL, Job, Lease, TrainerProcess
from trainyard.service.core.jobstore import Batch, JobStore
from trainyard.service.core.ports import Clock
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import Command, State
from trainyard.service.executor import memory, run_folder, spool
from trainyard.service.executor.launching import Launcher, Order, died_how
from trainyard.service.executor.minding import OWING, Cause, Minder
from trainyard.service.executor.notices import Notices
from trainyard.service.executor.patience import Patience
from trainyard.service.executor.slots import Slots
from trainyard.service.executor.walls import Wall
from trainyard.service.wire import RunFolder

_log = structlog.get_logger("supervisor")


class Pace(enum.Enum):
    """When the next round is due."""

    AT_ONCE = 0.0
    """There is more to do."""
    SOON = 0.05
    """Trainers run: their words should not wait long."""
    CALM = 0.25
    """Trainers run, and what they write is told."""
    LATER = 1.0
    """Nothing runs; whatever happens wakes the loop."""


class Supervisor:
    """Starts, watches and ends trainers.

    Args:
        store: where jobs stand.
        launcher: what starts trainers.
        runs: the folder of the run folders.
        slots: how many run at once, and where.
        clock: what time it is.
        patience: how long to wait for what, and what a trainer may.
        lease: whose slots these are, and for how long they are held without a word.
        available_bytes: how much memory the machine has left.
        most_running: how many slots one owner may hold, None for any number.
        most_gpus: how many GPUs a job can have here.
        notices: tells when trainers write; None to look for oneself.
        written: names the jobs whose trainers wrote while a round goes on.
        wall: how long an attempt may last; as the patience says when it is left out.
    """

    def __init__(
        self,
        *,
        store: JobStore,
        launcher: Launcher,
        runs: Path,
        slots: Slots,
        clock: Clock,
        patience: Patience | None = None,
        lease: Lease = LOCAL,
        available_bytes: Callable[[], int] = memory.available_bytes,
        most_running: Callable[[], int | None] = lambda: None,
        most_gpus: int = 0,
        notices: Notices | None = None,
        written: Callable[[], set[str]] = set,
        wall: Wall | None = None,
    ) -> None:
        self._store = store
        self._launcher = launcher
        self._runs = runs
        self._slots = slots
        self._clock = clock
        self._patience = patience or Patience()
        self._lease = lease
        self._minder = Minder(launcher, clock, self._patience, available_bytes, wall)
        self._beat_seconds = min(lease.seconds, self._patience.orphan_seconds) / 4
        self._next_beat = float("-inf")
        self._most_running = most_running
        self._most_gpus = most_gpus
        self._met: set[TrainerProcess] = set()
        self._held: dict[str, TrainerProcess | None] = {}
        # Where spools were read to: a guess that saves a question, and that the store checks.
        self._lately: dict[str, Job] = {}
        self._notices = notices
        self._written = written
        self._full = False
        # With notices a round has little to find.
        self._pace = Pace.SOON if notices is None else Pace.CALM

    def tick(self) -> Pace:
        """Look after every job once, fill free slots, and say when to come again."""
        self._hold_on()
        jobs = self._store.unsettled(self._lease.node)
        self._held = {job.id: job.process for job in jobs if job.held}
        self._lately = {job.id: job for job in jobs if job.held}
        more = [self._attend_safely(job) | self._hear_meanwhile() for job in jobs]
        self._minder.watch_memory((job, job.process) for job in jobs if job.process is not None)
        if self._fill_slots() or any(more):
            return Pace.AT_ONCE
        return self._pace if jobs else Pace.LATER

    def hear(self, job_ids: set[str]) -> bool:
        """Read what the trainers of these jobs wrote; return whether a round is due: one has ended, or there is more."""
        due = False
        for job_id in job_ids:
            with suppress(StaleAttemptError, StaleOffsetError, UnknownJobError):
                due = self._read_on(job_id) or due
        return due

    def full(self) -> bool:
        """Tell whether a job that is queued now has to wait: every slot is taken, and only a round frees one."""
        return self._full

    def _hear_meanwhile(self) -> bool:
        """Read what was written since the round began, so that nobody's word waits for its end."""
        try:
            return self.hear(self._written())
        except ServiceError as error:
            _log.warning("not-heard", why=str(error))
            return False

    def _read_on(self, job_id: str) -> bool:
        """Read a spool on from where it was read to lately, or from where the store says; return whether a round is due."""
        lately = self._lately.pop(job_id, None)
        if lately is not None:
            with suppress(StaleAttemptError, StaleOffsetError):
                return self._is_due(*self._ingest(lately))
        job = self._store.job(job_id)
        return job.held and job.node == self._lease.node and self._is_due(*self._ingest(job))

    def _is_due(self, job: Job, more: bool) -> bool:
        return more or job.state not in OWING

    def run_of(self, job_id: str) -> RunFolder:
        """Return the run folder of a job."""
        return RunFolder(self._runs / job_id)

    def _hold_on(self) -> None:
        """Renew the lease, show the trainers that somebody is there, and take over what nobody has looked after for long.

        A store that does not answer renews nothing, so no trainer sees a sign, and after a while each saves its place.
        """
        if self._clock.monotonic() < self._next_beat:
            return
        renewed = self._store.renew(self._lease, self._clock.now())
        for job_id in renewed:
            run_folder.beat(self.run_of(job_id))
        for job_id in self._held.keys() - renewed:
            self._let_go(job_id, self._held[job_id])
        for job in self._store.adopt(self._lease, self._patience.orphan_seconds, self._clock.now()):
            _log.warning("job-taken-over", job=job.id, attempt=job.attempt, node=self._lease.node)
            if job.process is None and job.state in OWING:
                # Who claimed it may be about to start it still: that attempt is over, this node begins another one.
                self._lost(job, None)
                self._store.release(job.id, job.attempt)
        self._next_beat = self._clock.monotonic() + self._beat_seconds

    def _let_go(self, job_id: str, process: TrainerProcess | None) -> None:
        """Deal with a job that is not held here any more: when another node took it over, nothing of ours may go on with it."""
        with suppress(UnknownJobError):
            job = self._store.job(job_id)
            if not job.held or job.node == self._lease.node:
                return
            _log.warning("job-lost-to-another-node", job=job_id, attempt=job.attempt, node=job.node)
            if process is not None and process != job.process:
                self._launcher.signal(process, signal.SIGKILL)
                self._launcher.gone(process)
                self._minder.leave(process)
                self._met.discard(process)
            if self._notices is not None:
                self._notices.forget(job_id)

    def _attend_safely(self, job: Job) -> bool:
        try:
            return self._attend(job)
        except (StaleAttemptError, StaleOffsetError, IllegalCommandError) as error:
            # Somebody else moved it between the look and the deed: look again.
            _log.debug("job-moved-meanwhile", job=job.id, why=str(error))
            return True
        except ServiceError as error:
            _log.warning("job-waits", job=job.id, why=str(error))
        except Exception:  # noqa: BLE001 - a fault with one job must not stop the others
            _log.exception("job-not-attended", job=job.id)
        return False

    def _attend(self, job: Job) -> bool:
        if not job.held:
            self._clear(job)
            return False
        process = job.process or self._find(job)
        # Looked at before the spool: what a trainer says last it says before it dies, so a death that was seen is read to its end.
        lives = process is not None and self._launcher.alive(process)
        job, more = self._ingest(job)
        if lives and process is not None:
            self._meet(job, process)
            self._minder.mind(job, process, self.run_of(job.id))
            return more
        if more:
            return True
        if process is None:
            return self._without_process(job)
        self._settle(job, process)
        return False

    def _meet(self, job: Job, process: TrainerProcess) -> None:
        """Say once that a trainer of an earlier server was found alive, and listen to it."""
        if self._notices is not None:
            self._notices.watch(job.id, self.run_of(job.id).events)
        if process not in self._met:
            self._met.add(process)
            _log.info("trainer-found", job=job.id, attempt=job.attempt, pid=process.pid, epoch=job.epoch)

    def _settle(self, job: Job, process: TrainerProcess) -> None:
        """Deal with a trainer that is dead and whose spool is read to its end."""
        if job.state in OWING:
            job = self._lost(job, process)
        if not self._launcher.gone(process):
            self._minder.press(process)
            return
        self._minder.leave(process)
        self._met.discard(process)
        self._clear(job)
        if self._notices is not None:
            self._notices.forget(job.id)
        self._store.release(job.id, job.attempt)
        _log.info("slot-free", job=job.id, attempt=job.attempt, state=job.state.value)

    def _without_process(self, job: Job) -> bool:
        """Deal with a slot that no process holds: a server died between claim and start, or before it wrote the start down."""
        if job.state is State.STARTING:
            return self._launch(job)
        if job.state in OWING:
            job = self._lost(job, None)
        self._clear(job)
        self._store.release(job.id, job.attempt)
        return True

    def _ingest(self, job: Job) -> tuple[Job, bool]:
        piece = spool.read(self.run_of(job.id).events, job.spool_offset, self._clock.now())
        if piece.end == piece.start:
            self._lately[job.id] = job
            return job, False
        if piece.junk:
            _log.warning("spool-lines-refused", job=job.id, lines=piece.junk)
        change = self._store.ingest(job.id, Batch(job.attempt, piece.start, piece.end, piece.entries), self._clock.now())
        self._lately[job.id] = change.job
        return change.job, piece.more

    def _find(self, job: Job) -> TrainerProcess | None:
        found = self._launcher.find(self._order(job))
        if found is not None:
            self._store.bind(job.id, job.attempt, found)
        return found

    def _lost(self, job: Job, process: TrainerProcess | None) -> Job:
        status = self._launcher.exit_status(process) if process is not None else None
        how = f"the trainer ended without a word ({died_how(status)}); its log says more"
        known = self._minder.cause(process, status) if process is not None else None
        cause = known or Cause(Reason.TRAINER_LOST, how)
        _log.warning("trainer-lost", job=job.id, attempt=job.attempt, reason=cause.reason.value, why=cause.message)
        return self._store.lose(job.id, job.attempt, self._clock.now(), reason=cause.reason, message=cause.message).job

    def _fail(self, job: Job, reason: Reason, message: str) -> Job:
        _log.warning("job-failed", job=job.id, reason=reason.value, why=message)
        return self._store.move(job.id, Command.FAIL, self._clock.now(), reason=reason, message=message).job

    def _clear(self, job: Job) -> None:
        if job.state is State.CANCELLING:
            run_folder.drop_bundle(self.run_of(job.id))
            self._store.move(job.id, Command.CLEAR, self._clock.now(), reason=Reason.USER, message="cancelled on request")

    def _fill_slots(self) -> bool:
        self._full = False  # until it was looked: who is queued meanwhile must not be missed
        busy = self._store.held_devices(self._lease.node)
        free, started = self._slots.free(len(busy)), False
        self._full = not free
        for queued in self._store.queue(free, self._most_running(), self._most_gpus) if free else ():
            devices = self._slots.choose_all(queued.summary.slots, busy)
            if devices is None:
                # It comes next: what gets free waits for it, or jobs on fewer GPUs would keep it waiting for ever.
                break
            try:
                claimed = self._store.claim(queued.id, ",".join(devices), self._clock.now(), self._lease).job
            except IllegalCommandError:
                continue  # cancelled a moment ago, or somebody else's
            with suppress(StaleAttemptError):
                started = self._launch(claimed) or started
            busy.extend(claimed.devices)
        self._launcher.warm(self._slots.spare(busy))
        return started

    def _launch(self, job: Job) -> bool:
        """Start the trainer of an attempt; what can not be started fails, and others get the slot."""
        try:
            documents = self._store.documents(job.id)
            run_folder.prepare(self.run_of(job.id), documents, self._store.report(job.digests.report).body)
            process = self._launcher.launch(self._order(job))
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            _log.exception("trainer-not-started", job=job.id)
            self._fail(job, Reason.DISK_FULL if full else Reason.SERVER, "the trainer could not be started; the server's log says more")
            self._store.release(job.id, job.attempt)
            return False
        self._met.add(process)
        if self._notices is not None:
            self._notices.watch(job.id, self.run_of(job.id).events)
        try:
            self._store.bind(job.id, job.attempt, process)
        except StaleAttemptError:
            # The job was taken over while this server slept.
            self._launcher.signal(process, signal.SIGKILL)
            raise
        _log.info("trainer-started", job=job.id, attempt=job.attempt, pid=process.pid, device=job.device)
        return True

    def _order(self, job: Job) -> Order:
        return Order(job_id=job.id, attempt=job.attempt, run=self.run_of(job.id), device=job.device)
