"""The fleet's instruments, made from the catalogue, in a registry of their own.

Every label combination that is known beforehand starts at 0: a counter that appears with its first failure
makes ``increase()`` miss it.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from trainyard.service.core import reasons
from trainyard.service.core.states import LIVE, TERMINAL
from trainyard.service.metrics.catalogue import FLEET, Metric, Type

RESULTS = ("accepted", "warned", "rejected")
ACTIONS = ("checkpoint_saved", "lr_reduced", "early_stopped")
PREDICTED = ("memory", "time")
# What a trainer can notice; a name of a newer trainer counts as the last.
DIAGNOSES = (
    "nonfinite-loss",
    "divergence",
    "plateau",
    "overfitting",
    "not-above-majority",
    "input-bound",
    "memory-near-limit",
    "bad-records",
    "other",
)
Instrument = Counter | Gauge | Histogram


class Instruments:
    """All fleet metrics by their name without prefix, in ``registry``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Prometheus asks for OpenMetrics first and would get a second series for each counter and histogram.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        self._made: dict[str, Instrument] = {row.name: _make(row, registry) for row in FLEET if row.name not in COMPUTED}
        self._begin_at_zero()

    def counter(self, name: str) -> Counter:
        """Return a counter."""
        found = self._made[name]
        assert isinstance(found, Counter)  # noqa: S101 - the catalogue says so
        return found

    def gauge(self, name: str) -> Gauge:
        """Return a gauge."""
        found = self._made[name]
        assert isinstance(found, Gauge)  # noqa: S101 - the catalogue says so
        return found

    def histogram(self, name: str) -> Histogram:
        """Return a histogram."""
        found = self._made[name]
        assert isinstance(found, Histogram)  # noqa: S101 - the catalogue says so
        return found

    def build(self, labels: Mapping[str, str]) -> None:
        """Say what runs."""
        self.gauge("build_info").labels(**labels).set(1)

    def scraped(self, seconds: float, size_bytes: int) -> None:
        """Say what a scrape cost."""
        self.gauge("scrape_render_seconds").set(seconds)
        self.gauge("scrape_size_bytes").set(size_bytes)

    def _begin_at_zero(self) -> None:
        for state in sorted(LIVE):
            self.gauge("jobs").labels(state=state.value)
        for outcome in sorted(TERMINAL):
            self.histogram("job_duration_seconds").labels(outcome=outcome.value)
            for reason in reasons.of(outcome):
                self.counter("jobs_finished_total").labels(outcome=outcome.value, reason=reason.value)
        for result in RESULTS:
            self.counter("lint_requests_total").labels(result=result)
        for action in ACTIONS:
            self.counter("callback_actions_total").labels(action=action)
        for name in DIAGNOSES:
            self.counter("diagnoses_total").labels(diagnosis=name)
        for kind in PREDICTED:
            self.histogram("prediction_ratio").labels(kind=kind)


# Rows that exist only at a scrape: the collectors make them.
COMPUTED = frozenset(
    {
        "queue_oldest_submit_timestamp_seconds",
        "jobs_not_exported",
        "collect_duration_seconds",
        "collect_errors_total",
        "exported_jobs_limit",
    }
)


def _make(row: Metric, registry: CollectorRegistry) -> Instrument:
    if row.type is Type.COUNTER:
        return Counter(row.full_name.removesuffix("_total"), row.meaning, row.labels, registry=registry)
    if row.type is Type.GAUGE:
        return Gauge(row.full_name, row.meaning, row.labels, registry=registry)
    return Histogram(row.full_name, row.meaning, row.labels, buckets=row.buckets, registry=registry)
