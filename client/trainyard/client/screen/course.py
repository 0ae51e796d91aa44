"""How a job has gone so far, gathered from its events: what the monitor draws. Knows no terminal and no clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from trainyard.client.screen import phrases
from trainyard.client.values import event as kinds
from trainyard.client.values.event import EpochFinished, Event, Progress
from trainyard.client.values.history import History
from trainyard.client.values.job import Job, JobState

_KEPT = 40
# The first epoch pays for tracing and compiling; those that come last tell how long the next will take.
_LAST = 5
_PLAIN = frozenset({"loss"})


@dataclass(slots=True)
class Course:
    """A job's standing, its epochs, and what was told about it in words."""

    job: Job
    state: JobState = JobState.UNSPECIFIED
    epochs: dict[int, EpochFinished] = field(default_factory=dict)
    running: Progress | None = None
    told: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    best_epoch: int = 0
    monitor: str = ""

    def __post_init__(self) -> None:
        self.state = self.job.state

    def take(self, item: Event | Progress) -> None:
        """Take in what has happened."""
        if isinstance(item, Progress):
            self.running = item
            return
        what = item.what
        if isinstance(what, kinds.EpochFinished):
            self._epoch(what)
        elif isinstance(what, kinds.EpochRevised):
            self._epoch(what.result)
        elif isinstance(what, kinds.StateChanged):
            self.state, self.running = what.after, None
        elif isinstance(what, kinds.CheckpointSaved) and what.best:
            self.best_epoch, self.monitor = what.epoch, what.monitor
        self._tell(item)

    def look(self, job: Job) -> None:
        """Take in a fresher look at the job: its place in the queue is in no event."""
        self.job = job

    @property
    def last(self) -> EpochFinished | None:
        """The epoch that ended last."""
        return self.epochs[max(self.epochs)] if self.epochs else None

    @property
    def standing(self) -> str:
        """The state in words, with the place in the queue."""
        if self.state is JobState.QUEUED and self.job.state is JobState.QUEUED:
            return phrases.standing(self.job)
        return self.state.value

    @property
    def planned(self) -> int:
        """Epochs planned."""
        last = self.last
        return last.epochs_planned if last else self.job.epochs_planned

    @property
    def done(self) -> float:
        """Epochs that are done, the running one in part."""
        finished, running = max(self.epochs, default=0), self.running
        if running is None or running.epoch <= finished or not running.steps:
            return float(finished)
        return running.epoch - 1 + min(1.0, running.step / running.steps)

    @property
    def seconds_left(self) -> float | None:
        """What the rest takes at most, if epochs go on as the last ones did; None before the first and after the end."""
        if not self.epochs or self.state is not JobState.RUNNING:
            return None
        seconds = sorted(self.epochs[epoch].seconds for epoch in sorted(self.epochs)[-_LAST:])
        return max(0.0, (self.planned - self.done) * seconds[len(seconds) // 2])

    def history(self) -> History:
        """Return the epochs in order."""
        return History(self.job.id, tuple(self.epochs[epoch] for epoch in sorted(self.epochs)))

    def _epoch(self, epoch: EpochFinished) -> None:
        self.epochs[epoch.epoch] = epoch
        self.running = None
        # What came after an epoch that is told again belongs to a past that was undone.
        for later in [number for number in self.epochs if number > epoch.epoch]:
            del self.epochs[later]

    def _tell(self, item: Event) -> None:
        line, what = phrases.happening(item), item.what
        if isinstance(what, kinds.EpochFinished):
            return
        if isinstance(what, kinds.CheckpointSaved) and what.best:
            line = f"best so far: {what.monitor} {phrases.number(what.value)} in epoch {what.epoch}"
            if self.told and self.told[-1][1].startswith("best so far: "):
                self.told.pop()
        if line is not None:
            self.told.append((f"{item.time.astimezone():%H:%M:%S}" if item.time else "", line))
