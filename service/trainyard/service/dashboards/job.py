"""One job: who it is, how far it is, its curves, its speed, its memory."""

from __future__ import annotations

from trainyard.service.dashboards.fleet import JOB_UID
from trainyard.service.dashboards.fleet import UID as FLEET_UID
from trainyard.service.dashboards.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    Annotation,
    Board,
    Kind,
    Panel,
    Query,
    Row,
    Step,
    Style,
    Word,
)
from trainyard.service.dashboards.selectors import RANGE, RATE, RUNNING, single

_TRAIN, _VAL = 'split="train"', 'split="val"'
_PAUSED, _ENDED = 'state="paused"', 'state=~"succeeded|failed|cancelled"'
_SPLITS = (Style(".*train.*", BLUE), Style(".*validation.*", ORANGE, dashed=True))
_RUNS = f"and on (instance, job_id) ({single('job_state', RUNNING)} == 1)"
_OVER = "the job does not run now"
# Each state is a number here and a word on the picture.
_STATES = tuple(
    Word(number, text, color)
    for number, (text, color) in enumerate(
        (
            ("queued", ORANGE),
            ("starting", SKY),
            ("running", BLUE),
            ("pausing", PURPLE),
            ("paused", PURPLE),
            ("stopping", GREY),
            ("cancelling", GREY),
            ("succeeded", GREEN),
            ("failed", RED),
            ("cancelled", GREY),
        ),
        start=1,
    )
)
_NO_VALIDATION = "the spec keeps no validation data, or no epoch has ended"


def _in_state(word: Word) -> str:
    selector = single("job_state", f'state="{word.text}"')
    return f"{word.value} * ({selector} == 1)"


_IDENTITY = Row(
    "The job",
    (
        Panel(
            Kind.TABLE,
            "Identity",
            "What is trained: names from the spec, and the spec's digest.",
            "short",
            (Query(single("job_info"), instant=True),),
            12,
            4,
            columns=(
                ("job_id", "Job"),
                ("run_name", "Experiment"),
                ("model", "Model"),
                ("dataset", "Data"),
                ("optimizer", "Optimizer"),
                ("spec_digest", "Spec"),
            ),
            hidden=("Time", "Value", "__name__", "instance", "job"),
        ),
        Panel(
            Kind.GAUGE,
            "Progress",
            "Epochs that have ended, of those planned; early stopping may end it sooner.",
            "percentunit",
            (Query(f"max by (job_id) ({single('job_epoch')} / {single('job_epochs_planned')})", "{{job_id}}"),),
            4,
            4,
            high=1,
        ),
        Panel(
            Kind.STAT,
            "Time left",
            "Epochs left times the time of the last one.",
            "s",
            (
                Query(
                    f"max by (job_id) (({single('job_epochs_planned')} - {single('job_epoch')})"
                    f" * {single('job_last_epoch_duration_seconds')} {_RUNS})",
                    "{{job_id}}",
                ),
            ),
            4,
            4,
        ),
        Panel(
            Kind.STAT,
            "Since the last epoch",
            "A running job whose epochs stop coming is stuck; the alert knows how long its epochs take.",
            "s",
            (
                Query(
                    f"time() - max by (job_id) ({single('job_last_epoch_timestamp_seconds')} {_RUNS})",
                    "{{job_id}}",
                ),
            ),
            4,
            4,
            empty=_OVER,
        ),
        Panel(
            Kind.STATE_TIMELINE,
            "State",
            "Which state the job was in, over time.",
            "short",
            (Query(f"max by (job_id) ({' or '.join(_in_state(word) for word in _STATES)})", "{{job_id}}"),),
            24,
            5,
            words=_STATES,
        ),
    ),
)
_CURVES = Row(
    "Curves",
    (
        Panel(
            Kind.TIMESERIES,
            "Loss",
            "Training solid, validation dashed. Sampled at each scrape; `trainyard curves` and `trainyard export` have every epoch.",
            "short",
            (
                Query(single("job_loss", _TRAIN), "{{job_id}} train"),
                Query(single("job_loss", _VAL), "{{job_id}} validation"),
            ),
            12,
            9,
            styles=_SPLITS,
            logarithmic=True,
            low=None,
        ),
        Panel(
            Kind.TIMESERIES,
            "Other metrics",
            "Training solid, validation dashed.",
            "short",
            (
                Query(single("job_metric_value", _TRAIN), "{{job_id}} {{metric}} train"),
                Query(single("job_metric_value", _VAL), "{{job_id}} {{metric}} validation"),
            ),
            12,
            9,
            styles=_SPLITS,
            low=None,
        ),
        Panel(
            Kind.TIMESERIES,
            "Generalization gap",
            "Validation loss minus training loss: growing while training loss falls is overfitting.",
            "short",
            (Query(f"{single('job_loss', _VAL)} - ignoring (split) {single('job_loss', _TRAIN)}", "{{job_id}}"),),
            styles=(Style(".*", PURPLE),),
            low=None,
            empty=_NO_VALIDATION,
        ),
        Panel(
            Kind.TIMESERIES,
            "Best validation loss",
            "The smallest validation loss in the chosen time up to each moment.",
            "short",
            (Query(f"min_over_time({single('job_loss', _VAL)}[{RANGE}])", "{{job_id}}"),),
            styles=(Style(".*", GREEN),),
            low=None,
            empty=_NO_VALIDATION,
        ),
        Panel(
            Kind.TIMESERIES,
            "Learning rate",
            "The rate of each epoch's last step.",
            "sci",
            (Query(single("job_learning_rate"), "{{job_id}}"),),
            styles=(Style(".*", BLUE),),
            logarithmic=True,
            low=None,
        ),
        Panel(
            Kind.XY_CHART,
            "Loss by epoch",
            "Training loss of one job over the number of the epoch, as far as scrapes saw it.",
            "short",
            (
                Query(single("job_epoch"), "epoch"),
                Query(single("job_loss", _TRAIN), "training loss"),
            ),
            width=24,
            height=8,
            low=None,
        ),
    ),
)
_SPEED = Row(
    "Speed and memory",
    (
        Panel(
            Kind.TIMESERIES,
            "Epoch duration",
            "Wall time of the last epoch.",
            "s",
            (Query(single("job_last_epoch_duration_seconds"), "{{job_id}}"),),
            styles=(Style(".*", BLUE),),
        ),
        Panel(
            Kind.TIMESERIES,
            "Samples per second",
            "Training samples of the job.",
            "short",
            (Query(f"rate({single('job_samples_processed_total')}[{RATE}])", "{{job_id}}"),),
            styles=(Style(".*", SKY),),
        ),
        Panel(
            Kind.TIMESERIES,
            "Device memory",
            "Peak use, and the interval that was predicted before the job ran (dashed).",
            "bytes",
            (
                Query(single("job_gpu_memory_used_bytes"), "{{job_id}} used"),
                Query(single("job_predicted_memory_bytes"), "{{job_id}} predicted, {{end}}"),
            ),
            styles=(Style(".*used", BLUE), Style(".*predicted.*", ORANGE, dashed=True)),
            empty="the job runs without a GPU and no hardware profile gave a prediction",
        ),
        Panel(
            Kind.STAT,
            "Epochs with a loss that is no number",
            "NaN or infinite: charts show such a value as a gap only.",
            "short",
            (Query(f"sum by (job_id) ({single('job_nonfinite_epochs_total')})", "{{job_id}}"),),
            steps=(Step(None, GREEN), Step(1, RED, "nothing is learnt from a loss that is no number")),
        ),
    ),
    collapsed=True,
)

BOARD = Board(
    JOB_UID,
    "Trainyard: job",
    "One job, or a few over one another: progress, curves, speed, memory.",
    (_IDENTITY, _CURVES, _SPEED),
    (
        Annotation("Start", f"{single('job_start_timestamp_seconds')} * 1000", GREEN, "Started", "{{job_id}}", value_is_time=True),
        Annotation(
            "Rate lowered",
            # A schedule lowers it a little with each epoch; a mark at each of them would say nothing.
            f"{single('job_learning_rate')} < 0.8 * ({single('job_learning_rate')} offset $__interval)",
            BLUE,
            "Learning rate lowered",
            "{{job_id}}",
        ),
        Annotation("Pauses", f"{single('job_state', _PAUSED)} == 1", PURPLE, "Paused", "{{job_id}}"),
        Annotation("End", f"{single('job_state', _ENDED)} == 1", GREY, "Ended: {{state}}", "{{job_id}}"),
        Annotation("Alerts", 'ALERTS{alertstate="firing", job_id=~"$job_id"}', RED, "{{alertname}}", "severity {{severity}}"),
    ),
    selects_job=True,
    other=(FLEET_UID, "The fleet"),
)
