"""What happens to jobs, in numbers: listens to what is committed and keeps what a scrape needs.

Live jobs are known one by one, finished ones only for a while after their end, so that their last values are
scraped at least once. What a scrape needs is therefore in memory, and bounded by what is alive.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from trainyard.service.core.events import (
    Body,
    CheckpointSaved,
    Diagnosis,
    EarlyStopped,
    EpochFinished,
    Event,
    LearningRateChanged,
    StateChanged,
)
from trainyard.service.core.jobs import Change, Job
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State
from trainyard.service.metrics.instruments import DIAGNOSES, Instruments

LINGER_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A job as a scrape shows it; counts and the peak of memory are what this server has heard of.

    ``since`` is when the job came into its state. A server that has just started did not see that and takes the job's last
    event, which is not earlier: nothing that waits or hangs is called late too soon.
    """

    job: Job
    since: datetime
    last_epoch: EpochFinished | None = None
    last_epoch_at: datetime | None = None
    samples: int = 0
    nonfinite_epochs: int = 0
    memory_peak_bytes: int = 0


class Board:
    """An :class:`Observer` that counts, and knows the jobs worth series of their own."""

    def __init__(self, instruments: Instruments, monotonic: Callable[[], float]) -> None:
        self._instruments = instruments
        self._monotonic = monotonic
        self._samples: dict[str, Sample] = {}
        self._ended: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    def seed(self, jobs: Iterable[Job]) -> None:
        """Take over the jobs that were alive when the server started; they are not counted again."""
        with self._lock:
            for job in jobs:
                self._samples[job.id] = Sample(job, job.updated_at)
                self._instruments.gauge("jobs").labels(state=job.state.value).inc()

    def committed(self, change: Change) -> None:
        """Count what happened."""
        with self._lock:
            sample = replace(self._samples.get(change.job.id) or Sample(change.job, change.job.updated_at), job=change.job)
            for event in change.events:
                sample = self._count(sample, event)
            self._samples[change.job.id] = sample
            if change.job.state.terminal:
                self._ended.append((self._monotonic(), change.job.id))
            self._forget()

    def samples(self) -> list[Sample]:
        """Return the jobs worth series: those that run first, then those that just ended, then those that wait."""
        with self._lock:
            self._forget()
            return sorted(self._samples.values(), key=_worth)

    def _forget(self) -> None:
        horizon = self._monotonic() - LINGER_SECONDS
        while self._ended and self._ended[0][0] < horizon:
            self._samples.pop(self._ended.popleft()[1], None)

    def _count(self, sample: Sample, event: Event) -> Sample:
        body = event.body
        if isinstance(body, StateChanged):
            self._moved(sample, body)
            return replace(sample, since=event.at)
        if isinstance(body, EpochFinished):
            return self._epoch(sample, event, body)
        if isinstance(body, Diagnosis):
            self._instruments.counter("diagnoses_total").labels(diagnosis=body.name if body.name in DIAGNOSES else DIAGNOSES[-1]).inc()
        elif type(body) in _ACTIONS:
            self._instruments.counter("callback_actions_total").labels(action=_ACTIONS[type(body)]).inc()
        return sample

    def _moved(self, sample: Sample, body: StateChanged) -> None:
        job = sample.job
        jobs = self._instruments.gauge("jobs")
        if body.before is None:
            self._instruments.counter("jobs_submitted_total").inc()
        else:
            jobs.labels(state=body.before.value).dec()
        if body.after.terminal:
            self._finished(sample)
        else:
            jobs.labels(state=body.after.value).inc()
        if body.after is State.STARTING and job.attempt == 1 and job.started_at is not None:
            self._instruments.histogram("queue_wait_seconds").observe(_seconds(job.created_at, job.started_at))

    def _finished(self, sample: Sample) -> None:
        job = sample.job
        outcome, reason = job.state.value, job.reason.value if job.reason else ""
        self._instruments.counter("jobs_finished_total").labels(outcome=outcome, reason=reason).inc()
        self._instruments.histogram("job_duration_seconds").labels(outcome=outcome).observe(_seconds(job.created_at, job.ended_at))
        self._compared(sample)

    def _compared(self, sample: Sample) -> None:
        """Hold a job that went all its way to what was predicted for it."""
        job, ratio = sample.job, self._instruments.histogram("prediction_ratio")
        low, high = job.prediction.memory_low_bytes, job.prediction.memory_high_bytes
        if sample.memory_peak_bytes and low is not None and high:
            ratio.labels(kind="memory").observe(2 * sample.memory_peak_bytes / (low + high))
        whole = job.reason is Reason.COMPLETED and job.attempt == 1
        if whole and job.prediction.seconds:
            ratio.labels(kind="time").observe(_seconds(job.started_at, job.ended_at) / job.prediction.seconds)

    def _epoch(self, sample: Sample, event: Event, body: EpochFinished) -> Sample:
        samples = sample.job.trainer.train_samples if sample.job.trainer else 0
        self._instruments.counter("epochs_completed_total").inc()
        self._instruments.counter("samples_processed_total").inc(samples)
        self._instruments.histogram("epoch_duration_seconds").observe(body.seconds)
        nonfinite = not math.isfinite(body.metrics.get("loss", 0.0))
        return replace(
            sample,
            last_epoch=body,
            last_epoch_at=event.at,
            samples=sample.samples + samples,
            nonfinite_epochs=sample.nonfinite_epochs + nonfinite,
            memory_peak_bytes=max(sample.memory_peak_bytes, body.device_memory_bytes),
        )


_ACTIONS: dict[type[Body], str] = {
    CheckpointSaved: "checkpoint_saved",
    LearningRateChanged: "lr_reduced",
    EarlyStopped: "early_stopped",
}


def _seconds(start: datetime | None, end: datetime | None) -> float:
    """Return a duration; a clock that was set back makes none, nor does one that was not read."""
    if start is None or end is None:
        return 0.0
    return max(0.0, (end - start).total_seconds())


def _worth(sample: Sample) -> tuple[int, int]:
    state = sample.job.state
    rank = 2 if state in {State.QUEUED, State.PAUSED} else 1 if state.terminal else 0
    return rank, -sample.job.number
