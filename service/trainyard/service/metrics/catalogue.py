"""Every metric that the server exports, in one table: what makes the instruments, the docs and the checks.

A name that is not here is not exported, and a row that is here has an owner: a test compares a full scrape with
this table. Labels are bounded by construction; ``bound`` says how many series a row can have at most.
Fleet rows never carry a job's id; rows of :data:`PER_JOB` do, and their number is bounded by slots.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

PREFIX = "trainyard_"


class Type(enum.StrEnum):
    """How Prometheus treats a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    """One row: name without the prefix, labels, unit (in the name too), meaning, greatest number of series, buckets."""

    name: str
    type: Type
    labels: tuple[str, ...]
    unit: str
    meaning: str
    bound: str
    buckets: tuple[float, ...] = ()
    prefixed: bool = True

    @property
    def full_name(self) -> str:
        """The name as Prometheus stores it."""
        return f"{PREFIX}{self.name}" if self.prefixed else self.name


_LONG = (30.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 10800.0, 28800.0, 86400.0)
_WAIT = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 14400.0)
_EPOCH = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0)
_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_RATIO = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 4.0, 10.0)
_DELAY = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
_RPC = ("grpc_type", "grpc_service", "grpc_method")

FLEET = (
    Metric("build_info", Type.GAUGE, ("version", "backend", "python"), "", "Always 1; says what runs.", "1"),
    Metric("start_timestamp_seconds", Type.GAUGE, (), "seconds", "When the server started.", "1"),
    Metric("slots", Type.GAUGE, (), "", "Jobs that may run at once.", "1"),
    Metric("slots_held", Type.GAUGE, (), "", "Slots that are not free: a trainer, or what is left of one.", "1"),
    Metric("jobs", Type.GAUGE, ("state",), "", "Jobs that are not over, by state.", "7"),
    Metric("jobs_submitted_total", Type.COUNTER, (), "", "Jobs that were accepted.", "1"),
    Metric("jobs_finished_total", Type.COUNTER, ("outcome", "reason"), "", "Jobs that ended, and why.", "15"),
    Metric("job_duration_seconds", Type.HISTOGRAM, ("outcome",), "seconds", "From submission to the end.", "36", _LONG),
    Metric("queue_wait_seconds", Type.HISTOGRAM, (), "seconds", "From submission to the first start.", "11", _WAIT),
    Metric(
        "queue_oldest_submit_timestamp_seconds",
        Type.GAUGE,
        (),
        "seconds",
        "When the job that waits longest was submitted, or put back by a resume or a retry; absent when none waits.",
        "1",
    ),
    Metric("epochs_completed_total", Type.COUNTER, (), "", "Epochs that ended, of all jobs.", "1"),
    Metric("samples_processed_total", Type.COUNTER, (), "", "Training samples, of all jobs: rate times time of each epoch.", "1"),
    Metric("epoch_duration_seconds", Type.HISTOGRAM, (), "seconds", "Wall time of an epoch.", "14", _EPOCH),
    Metric(
        "callback_actions_total",
        Type.COUNTER,
        ("action",),
        "",
        "Callbacks that did something: checkpoint_saved, lr_reduced, early_stopped.",
        "3",
    ),
    Metric(
        "diagnoses_total",
        Type.COUNTER,
        ("diagnosis",),
        "",
        "What trainers noticed, by name; names that are not known count as other.",
        "9",
    ),
    Metric(
        "prediction_ratio",
        Type.HISTOGRAM,
        ("kind",),
        "",
        "What a job took over what was predicted (the middle of the interval), for device memory and for wall time.",
        "30",
        _RATIO,
    ),
    Metric("lint_requests_total", Type.COUNTER, ("result",), "", "Verdicts of the gate: accepted, warned, rejected.", "3"),
    Metric("lint_findings_total", Type.COUNTER, ("rule", "severity"), "", "Findings of the gate, by rule.", "rules x 3"),
    Metric("stream_subscribers", Type.GAUGE, (), "", "Streams that are open.", "1"),
    Metric(
        "stream_events_sent_total", Type.COUNTER, (), "", "Live events that were handed to streams; replayed ones are not counted.", "1"
    ),
    Metric("stream_event_delay_seconds", Type.HISTOGRAM, (), "seconds", "From an event to its sending, live ones only.", "11", _DELAY),
    Metric("exported_jobs_limit", Type.GAUGE, (), "", "Jobs that may have series of their own.", "1"),
    Metric("jobs_not_exported", Type.GAUGE, (), "", "Jobs that should have series of their own and got no place.", "1"),
    Metric("collect_duration_seconds", Type.GAUGE, (), "seconds", "Time that the per-job series took in this scrape.", "1"),
    Metric("collect_errors_total", Type.COUNTER, (), "", "Scrapes in which the per-job series could not be made.", "1"),
    Metric("scrape_render_seconds", Type.GAUGE, (), "seconds", "Time that the last scrape took to write.", "1"),
    Metric("scrape_size_bytes", Type.GAUGE, (), "bytes", "Size of the last scrape before compression.", "1"),
    Metric("grpc_server_started_total", Type.COUNTER, _RPC, "", "Calls that began.", "methods", prefixed=False),
    Metric("grpc_server_handled_total", Type.COUNTER, (*_RPC, "grpc_code"), "", "Calls that ended.", "methods x 17", prefixed=False),
    Metric(
        "grpc_server_handling_seconds",
        Type.HISTOGRAM,
        _RPC,
        "seconds",
        "Time of calls that return one answer; streams last as long as their jobs.",
        "methods x 12",
        _QUICK,
        prefixed=False,
    ),
)

_JOB = ("job_id",)
PER_JOB = (
    Metric(
        "job_info", Type.GAUGE, ("job_id", "run_name", "model", "dataset", "optimizer", "spec_digest"), "", "Always 1; join it.", "1/job"
    ),
    Metric("job_state", Type.GAUGE, ("job_id", "state"), "", "1 for the state of the job, 0 for the others.", "10/job"),
    Metric("job_epoch", Type.GAUGE, _JOB, "", "Last epoch that ended.", "1/job"),
    Metric("job_epochs_planned", Type.GAUGE, _JOB, "", "Epochs that are planned.", "1/job"),
    Metric("job_loss", Type.GAUGE, ("job_id", "split"), "", "Loss of the last epoch.", "2/job"),
    Metric(
        "job_metric_value",
        Type.GAUGE,
        ("job_id", "metric", "split"),
        "",
        "Other metrics of the last epoch; adding them up means nothing.",
        "8/job",
    ),
    Metric("job_learning_rate", Type.GAUGE, _JOB, "", "Learning rate of the last epoch's last step.", "1/job"),
    Metric("job_start_timestamp_seconds", Type.GAUGE, _JOB, "seconds", "When the first attempt started.", "1/job"),
    Metric(
        "job_running_timestamp_seconds",
        Type.GAUGE,
        _JOB,
        "seconds",
        "When the job began to run, or went on after a pause or a retry; absent while it does not run.",
        "1/job",
    ),
    Metric("job_last_epoch_timestamp_seconds", Type.GAUGE, _JOB, "seconds", "When the last epoch ended.", "1/job"),
    Metric("job_last_epoch_duration_seconds", Type.GAUGE, _JOB, "seconds", "Wall time of the last epoch.", "1/job"),
    Metric("job_samples_processed_total", Type.COUNTER, _JOB, "", "Training samples of the job so far.", "1/job"),
    Metric("job_nonfinite_epochs_total", Type.COUNTER, _JOB, "", "Epochs of the job whose loss was NaN or infinite.", "1/job"),
    Metric(
        "job_gpu_memory_used_bytes",
        Type.GAUGE,
        ("job_id", "device"),
        "bytes",
        "Peak device memory that the trainer used.",
        "1/GPU of a job",
    ),
    Metric(
        "job_gpu_memory_limit_bytes",
        Type.GAUGE,
        ("job_id", "device"),
        "bytes",
        "Memory of the device that the job runs on.",
        "1/GPU of a job",
    ),
    Metric(
        "job_predicted_memory_bytes",
        Type.GAUGE,
        ("job_id", "end"),
        "bytes",
        "Device memory that was predicted before the job ran: the low and the high end.",
        "2/job",
    ),
)
ALL = FLEET + PER_JOB
