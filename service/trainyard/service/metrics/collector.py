"""Series of single jobs, made at the scrape from what the board knows: they end with their job, whatever happens.

A gauge with a child per job would keep the child for ever, or bring it back with a late event. Here a series
exists because its job is among those that have a place; there are ``limit`` places.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from trainyard.service.core.states import State
from trainyard.service.metrics.board import Board, Sample
from trainyard.service.metrics.catalogue import FLEET, PER_JOB, Metric, Type
from trainyard.service.metrics.instruments import COMPUTED

DEFAULT_LIMIT = 50
MAX_METRICS = 8
MAX_TEXT = 64
_log = structlog.get_logger("metrics")
_METRIC_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_VALIDATION = "val_"

# Label values and a number: one series of a row.
Series = tuple[tuple[str, ...], float]


class JobCollector(Collector):
    """Makes the rows of :data:`PER_JOB` and the fleet rows that are computed at a scrape."""

    def __init__(
        self,
        board: Board,
        limit: int = DEFAULT_LIMIT,
        monotonic: Callable[[], float] = time.perf_counter,
        memory: Mapping[str, int] | None = None,
    ) -> None:
        """Args: ``memory`` is how many bytes each device has, by its key; devices that do not say are left out."""
        self._board = board
        self._limit = limit
        self._monotonic = monotonic
        self._memory = dict(memory or {})
        self._errors = 0

    def describe(self) -> list[Family]:
        """Nothing beforehand: registration must not ask the board."""
        return []

    def collect(self) -> Iterator[Family]:
        """Make all families."""
        began = self._monotonic()
        samples = self._board.samples()
        shown = [sample for sample in samples if sample.job.state is not State.QUEUED]
        yield from self._per_job(shown[: self._limit])
        queued = [sample.since.timestamp() for sample in samples if sample.job.state is State.QUEUED]
        computed: dict[str, list[Series]] = {
            "queue_oldest_submit_timestamp_seconds": [((), min(queued))] if queued else [],
            "exported_jobs_limit": [((), self._limit)],
            "jobs_not_exported": [((), max(0, len(shown) - self._limit))],
            "collect_errors_total": [((), self._errors)],
            "collect_duration_seconds": [((), self._monotonic() - began)],
        }
        yield from (_family(row, computed[row.name]) for row in FLEET if row.name in COMPUTED)

    def _per_job(self, samples: list[Sample]) -> Iterator[Family]:
        for row in PER_JOB:
            try:
                yield _family(row, list(self._series(row, samples)))
            except Exception:  # noqa: BLE001 - one series that can not be made must not cost the operator all others
                self._errors += 1
                _log.exception("series-failed", metric=row.full_name)

    def _series(self, row: Metric, samples: Iterable[Sample]) -> Iterator[Series]:
        if row.name == "job_gpu_memory_limit_bytes":
            for sample in samples:
                for device in sample.job.devices:
                    if limit := self._memory.get(device, 0):
                        yield (sample.job.id, _text(device)), limit
        else:
            yield from _series(row, samples)


def _family(row: Metric, series: Iterable[Series]) -> Family:
    kind = CounterMetricFamily if row.type is Type.COUNTER else GaugeMetricFamily
    made = kind(row.full_name.removesuffix("_total"), row.meaning, labels=row.labels)
    for labels, value in series:
        made.add_metric(labels, value)
    return made


def _series(row: Metric, samples: Iterable[Sample]) -> Iterator[Series]:
    make = _ROWS[row.name]
    for sample in samples:
        for labels, value in make(sample):
            yield (sample.job.id, *labels), value


def _info(sample: Sample) -> Iterator[Series]:
    job = sample.job
    texts = (job.summary.experiment, job.summary.model, job.summary.dataset, job.summary.optimizer, job.digests.spec)
    yield tuple(map(_text, texts)), 1


def _state(sample: Sample) -> Iterator[Series]:
    yield from (((state.value,), float(state is sample.job.state)) for state in State)


def _loss(sample: Sample) -> Iterator[Series]:
    metrics = sample.job.last_metrics
    yield from (((split,), metrics[name]) for name, split in (("loss", "train"), ("val_loss", "val")) if name in metrics)


def _metrics(sample: Sample) -> Iterator[Series]:
    kept = 0
    for name, value in sample.job.last_metrics.items():
        bare = name.removeprefix(_VALIDATION)
        if bare == "loss" or not _METRIC_NAME.fullmatch(bare) or kept == MAX_METRICS:
            continue
        kept += 1
        yield (bare, "val" if bare != name else "train"), value


def _gpu_memory(sample: Sample) -> Iterator[Series]:
    if sample.last_epoch and sample.last_epoch.device_memory_bytes and sample.job.device != "cpu":
        # A trainer on several tells the fullest.
        yield from (((_text(device),), sample.last_epoch.device_memory_bytes) for device in sample.job.devices)


def _predicted(sample: Sample) -> Iterator[Series]:
    ends = (("low", sample.job.prediction.memory_low_bytes), ("high", sample.job.prediction.memory_high_bytes))
    yield from (((end,), size) for end, size in ends if size is not None)


def _number(read: Callable[[Sample], float | None]) -> Callable[[Sample], Iterator[Series]]:
    def make(sample: Sample) -> Iterator[Series]:
        value = read(sample)
        if value is not None:
            yield (), value

    return make


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


_ROWS: dict[str, Callable[[Sample], Iterator[Series]]] = {
    "job_info": _info,
    "job_state": _state,
    "job_epoch": _number(lambda sample: sample.job.epoch),
    "job_epochs_planned": _number(lambda sample: sample.job.epochs_planned),
    "job_loss": _loss,
    "job_metric_value": _metrics,
    "job_learning_rate": _number(lambda sample: sample.last_epoch.learning_rate if sample.last_epoch else None),
    "job_start_timestamp_seconds": _number(lambda sample: _seconds(sample.job.started_at)),
    "job_running_timestamp_seconds": _number(lambda sample: _seconds(sample.since if sample.job.state is State.RUNNING else None)),
    "job_last_epoch_timestamp_seconds": _number(lambda sample: _seconds(sample.last_epoch_at)),
    "job_last_epoch_duration_seconds": _number(lambda sample: sample.last_epoch.seconds if sample.last_epoch else None),
    "job_samples_processed_total": _number(lambda sample: sample.samples),
    "job_nonfinite_epochs_total": _number(lambda sample: sample.nonfinite_epochs),
    "job_gpu_memory_used_bytes": _gpu_memory,
    "job_predicted_memory_bytes": _predicted,
}


def _text(text: str) -> str:
    """Return a label value: short, and without control characters."""
    return "".join(sign if sign.isprintable() else " " for sign in text[:MAX_TEXT])
