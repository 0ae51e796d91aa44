"""When somebody is called: ten alerts and the recorded rules they rest on.

Few and with slack: only a server that is gone pages. Each alert has a page that says what it means, how to look, and
what to do. No alert fires for a job that is paused, over, or waiting for its first epoch in the usual time.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

RUNBOOKS = "docs/runbooks"


class Severity(enum.StrEnum):
    """Who looks, and when."""

    CRITICAL = "critical"
    """Somebody, now."""
    WARNING = "warning"
    """Somebody, today."""
    INFO = "info"
    """Whoever has time."""


class Alert(NamedTuple):
    """One alert; ``holds`` is how long the expression must hold, in Prometheus' notation."""

    name: str
    expression: str
    holds: str
    severity: Severity
    summary: str
    description: str

    @property
    def page(self) -> str:
        """The file of its runbook."""
        return f"{self.name}.md"


class Record(NamedTuple):
    """A recorded rule, named ``level:metric:operations``."""

    name: str
    expression: str
    meaning: str


RECORDS = (
    Record(
        "job_id:trainyard_job_loss:gap_ratio",
        'trainyard_job_loss{split="val"} / ignoring (split) (trainyard_job_loss{split="train"} > 0)',
        "Validation loss over training loss of each job, where the training loss is above zero.",
    ),
    Record(
        "instance:trainyard_epochs_completed:rate5m",
        "sum by (job, instance) (rate(trainyard_epochs_completed_total[5m]))",
        "Epochs per second of each server.",
    ),
    Record(
        "instance:trainyard_jobs_finished:failed_ratio1h",
        'sum by (job, instance) (increase(trainyard_jobs_finished_total{outcome="failed"}[1h]))'
        " / (sum by (job, instance) (increase(trainyard_jobs_finished_total[1h])) > 0)",
        "Share of the jobs that ended in failure, over an hour.",
    ),
)

_RUNS = 'and on (instance, job_id) (trainyard_job_state{state="running"} == 1)'
_NOT_PAUSED = 'unless on (instance, job_id) (trainyard_job_state{state="paused"} == 1)'
# A job that goes on after a pause of hours has had all that time since its last epoch, and none of it counts. A server that
# has just started knows no epoch's length yet, and gives half an hour.
_LAST_SIGN = (
    "(trainyard_job_last_epoch_timestamp_seconds > on (instance, job_id) trainyard_job_running_timestamp_seconds"
    " or on (instance, job_id) trainyard_job_running_timestamp_seconds)"
)
_PATIENCE = "(clamp_min(3 * trainyard_job_last_epoch_duration_seconds, 300) or on (instance, job_id) (trainyard_job_epoch > 0) * 0 + 1800)"

ALERTS = (
    Alert(
        "TrainyardDown",
        'up{job="trainyard"} == 0 or absent(up{job="trainyard"})',
        "2m",
        Severity.CRITICAL,
        "A server does not answer its scrape",
        "{{ with $labels.instance }}{{ . }} has not answered{{ else }}Nothing named trainyard has been scraped{{ end }}"
        " for two minutes. Trainers go on without their server.",
    ),
    Alert(
        "TrainyardJobLossNotFinite",
        "((trainyard_job_loss != trainyard_job_loss) or (abs(trainyard_job_loss) == Inf)"
        f" or on (instance, job_id) (increase(trainyard_job_nonfinite_epochs_total[10m]) > 0)) {_NOT_PAUSED}",
        "0s",
        Severity.WARNING,
        "A loss is no number any more",
        "The loss of {{ $labels.job_id }} is NaN or infinite: nothing is learnt from here on.",
    ),
    Alert(
        "TrainyardJobStalled",
        f"(time() - {_LAST_SIGN}) > on (instance, job_id) {_PATIENCE} {_RUNS}",
        "2m",
        Severity.WARNING,
        "A running job has stopped making epochs",
        "{{ $labels.job_id }} has finished no epoch for {{ $value | humanizeDuration }}, at least three times what its last one took.",
    ),
    Alert(
        "TrainyardJobNeverStartedEpoch",
        f"(time() - trainyard_job_running_timestamp_seconds > 1800) {_RUNS} unless on (instance, job_id) (trainyard_job_epoch > 0)",
        "0s",
        Severity.WARNING,
        "A job runs for half an hour without a first epoch",
        "{{ $labels.job_id }} has run for more than 30 minutes and has not finished its first epoch.",
    ),
    Alert(
        "TrainyardJobOverfitting",
        "(job_id:trainyard_job_loss:gap_ratio > 1.5)"
        ' and on (instance, job_id) (deriv(trainyard_job_loss{split="val"}[30m]) > 0)'
        ' and on (instance, job_id) (deriv(trainyard_job_loss{split="train"}[30m]) < 0)'
        f" and on (instance, job_id) (changes(trainyard_job_epoch[30m]) >= 5) {_RUNS}",
        "10m",
        Severity.INFO,
        "A job overfits",
        "Over 30 minutes the training loss of {{ $labels.job_id }} fell while its validation loss, 1.5 times as large, rose.",
    ),
    Alert(
        "TrainyardGpuMemoryNearLimit",
        f"trainyard_job_gpu_memory_used_bytes / on (instance, job_id, device) trainyard_job_gpu_memory_limit_bytes > 0.95 {_RUNS}",
        "5m",
        Severity.WARNING,
        "A job is about to run out of device memory",
        "{{ $labels.job_id }} uses more than 95 % of the memory of {{ $labels.device }}.",
    ),
    Alert(
        "TrainyardQueueStuck",
        "time() - trainyard_queue_oldest_submit_timestamp_seconds > 3600",
        "5m",
        Severity.WARNING,
        "The head of the queue has waited for more than an hour",
        "On {{ $labels.instance }} the job at the head of the queue waits for {{ $value | humanizeDuration }}.",
    ),
    Alert(
        "TrainyardLintRejectionHigh",
        'sum by (job, instance) (increase(trainyard_lint_requests_total{result="rejected"}[1h]))'
        " / sum by (job, instance) (increase(trainyard_lint_requests_total[1h])) > 0.5"
        " and sum by (job, instance) (increase(trainyard_lint_requests_total[1h])) >= 20",
        "15m",
        Severity.INFO,
        "Most specs are refused",
        "{{ $labels.instance }} refused {{ $value | humanizePercentage }} of at least 20 specs within an hour.",
    ),
    Alert(
        "TrainyardJobFailuresHigh",
        "instance:trainyard_jobs_finished:failed_ratio1h > 0.3"
        ' and sum by (job, instance) (increase(trainyard_jobs_finished_total{outcome="failed"}[1h])) >= 3',
        "0s",
        Severity.WARNING,
        "Many jobs fail",
        "{{ $labels.instance }}: {{ $value | humanizePercentage }} of the jobs that ended within an hour failed.",
    ),
    Alert(
        "TrainyardJobSeriesCapped",
        "trainyard_jobs_not_exported > 0",
        "15m",
        Severity.INFO,
        "Some jobs have no series of their own",
        "{{ $value }} jobs on {{ $labels.instance }} are missing from the job dashboard: all places are taken.",
    ),
)
