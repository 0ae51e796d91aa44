"""The fleet: how many jobs, how they end, how long they wait, what the gate says, how the wire does."""

from __future__ import annotations

from trainyard.service.dashboards.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    Annotation,
    Board,
    Kind,
    Panel,
    Query,
    Row,
    Step,
    Style,
)
from trainyard.service.dashboards.selectors import RANGE, RATE, RPC, RUNNING, of, quantile, raw, servers

_SUCCEEDED, _FAILED = 'outcome="succeeded"', 'outcome="failed"'
_IN_ERROR = f'{RPC}, grpc_code!~"OK|CANCELLED"'
UID, JOB_UID = "trainyard-fleet", "trainyard-job"
_ENDS = (Style("succeeded", GREEN), Style("failed", RED, dashed=True), Style("cancelled", GREY, dashed=True))
_STATES = (
    Style("running", BLUE),
    Style("queued", ORANGE),
    Style("starting", SKY),
    Style("paus.*", PURPLE),
    Style("stopping|cancelling", GREY),
)
_NONE_FAILED = "no job has failed since the server started"

_NOW = Row(
    "Now",
    (
        Panel(
            Kind.STAT,
            "Servers up",
            "Servers that answered the last scrape, of those that were seen within a day.",
            "short",
            (Query(f"sum({servers()})", "up"),),
            4,
            4,
            steps=(Step(None, RED, "no server answers"), Step(1, GREEN)),
        ),
        Panel(Kind.STAT, "Running", "Jobs that train now.", "short", (Query(f"sum({of('jobs', RUNNING)})", "running"),), 4, 4),
        Panel(
            Kind.STAT,
            "Slots held",
            "Share of the slots that a trainer holds, or what is left of one.",
            "percentunit",
            (Query(f"sum({of('slots_held')}) / sum({of('slots')})", "held"),),
            4,
            4,
            high=1,
        ),
        Panel(
            Kind.STAT,
            "Waiting longest",
            "How long the job at the head of the queue has waited.",
            "s",
            (Query(f"time() - min({of('queue_oldest_submit_timestamp_seconds')})", "oldest"),),
            4,
            4,
            steps=(Step(None, GREEN), Step(3600, ORANGE, "TrainyardQueueStuck fires here")),
            empty="nothing waits: the series is there only while a job is queued",
        ),
        Panel(
            Kind.STAT,
            "Succeeded",
            "Share of the jobs that ended well, of all that ended in the chosen time.",
            "percentunit",
            (
                Query(
                    f"sum(increase({of('jobs_finished_total', _SUCCEEDED)}[{RANGE}]))"
                    f" / (sum(increase({of('jobs_finished_total')}[{RANGE}])) > 0)",
                    "succeeded",
                ),
            ),
            4,
            4,
            high=1,
            empty="no job has ended in the chosen time",
        ),
        Panel(
            Kind.STAT,
            "Alerts",
            "Alerts of Trainyard that fire now.",
            "short",
            (Query('count(ALERTS{alertstate="firing", alertname=~"Trainyard.*"}) or vector(0)', "firing"),),
            4,
            4,
            steps=(Step(None, GREEN), Step(1, RED, "something asks for a look")),
        ),
    ),
)
_JOBS = Row(
    "Jobs",
    (
        Panel(
            Kind.TIMESERIES,
            "Jobs by state",
            "Jobs that are not over, stacked.",
            "short",
            (Query(f"sum by (state) ({of('jobs')})", "{{state}}"),),
            12,
            8,
            styles=_STATES,
            stacked=True,
        ),
        Panel(
            Kind.TIMESERIES,
            "Submitted and ended",
            "Jobs accepted, and jobs that ended by outcome, per interval.",
            "short",
            (
                Query(f"sum(increase({of('jobs_submitted_total')}[{RATE}]))", "submitted"),
                Query(f"sum by (outcome) (increase({of('jobs_finished_total')}[{RATE}]))", "{{outcome}}"),
            ),
            12,
            8,
            styles=(Style("submitted", BLUE), *_ENDS),
        ),
        Panel(
            Kind.TIMESERIES,
            "Time in the queue",
            "From submission to the first start, over the chosen time up to each moment: half of the jobs waited less than the lower"
            " line, 95 % less than the upper.",
            "s",
            (
                Query(quantile(0.5, of("queue_wait_seconds_bucket"), over=RANGE), "median"),
                Query(quantile(0.95, of("queue_wait_seconds_bucket"), over=RANGE), "95 %"),
            ),
            8,
            8,
            styles=(Style("median", BLUE), Style("95 %", ORANGE, dashed=True)),
        ),
        Panel(
            Kind.TIMESERIES,
            "Why jobs failed",
            "Failed jobs by reason, per interval; each reason has its own page in the reference.",
            "short",
            (Query(f"sum by (reason) (increase({of('jobs_finished_total', _FAILED)}[{RATE}])) > 0", "{{reason}}"),),
            8,
            8,
            empty=_NONE_FAILED,
        ),
        Panel(
            Kind.TABLE,
            "Furthest from done",
            "The ten running jobs with the smallest share of their epochs done; a row opens the job.",
            "percentunit",
            (
                Query(
                    f"bottomk(10, {of('job_epoch')} / on (instance, job_id) {of('job_epochs_planned')}"
                    f" * on (instance, job_id) group_left (run_name, model) {of('job_info')}"
                    f" and on (instance, job_id) ({of('job_state', RUNNING)} == 1))",
                    instant=True,
                ),
            ),
            8,
            8,
            high=1,
            columns=(("job_id", "Job"), ("run_name", "Experiment"), ("model", "Model"), ("Value", "Done")),
            hidden=("Time", "instance", "job"),
            link=True,
            empty="no job runs now",
        ),
        Panel(
            Kind.TABLE,
            "Firing alerts",
            "What asks for a look now; each alert has its page among the runbooks.",
            "short",
            (Query('ALERTS{alertstate="firing", alertname=~"Trainyard.*"}', instant=True),),
            24,
            5,
            columns=(("alertname", "Alert"), ("severity", "Severity"), ("instance", "Server"), ("job_id", "Job")),
            hidden=("Time", "Value", "__name__", "alertstate", "job", "split", "device"),
            empty="no alert fires",
        ),
    ),
)
_WORK = Row(
    "Work",
    (
        Panel(
            Kind.TIMESERIES,
            "Samples per second",
            "Training samples of all jobs.",
            "short",
            (Query(f"sum(rate({of('samples_processed_total')}[{RATE}]))", "samples"),),
            styles=(Style("samples", BLUE, fill=True),),
        ),
        Panel(
            Kind.TIMESERIES,
            "Epochs per minute",
            "Epochs that ended, of all jobs.",
            "short",
            (Query(f"60 * sum(rate({of('epochs_completed_total')}[{RATE}]))", "epochs"),),
            styles=(Style("epochs", GREEN, fill=True),),
        ),
        Panel(
            Kind.HEATMAP,
            "Epoch duration",
            "How long epochs took: darker is more epochs.",
            "s",
            (Query(f"sum by (le) (increase({of('epoch_duration_seconds_bucket')}[{RATE}]))", "{{le}}"),),
        ),
        Panel(
            Kind.TIMESERIES,
            "GPU memory",
            "Peak device memory of each running job.",
            "bytes",
            (
                Query(
                    f"{of('job_gpu_memory_used_bytes')} and on (instance, job_id) ({of('job_state', RUNNING)} == 1)",
                    "{{job_id}} on {{device}}",
                ),
            ),
            empty="no job runs on a GPU",
        ),
        Panel(
            Kind.TIMESERIES,
            "What callbacks did",
            "Checkpoints, rates that were lowered, runs that stopped early, per interval.",
            "short",
            (Query(f"sum by (action) (increase({of('callback_actions_total')}[{RATE}]))", "{{action}}"),),
            styles=(Style("checkpoint_saved", BLUE), Style("lr_reduced", ORANGE, dashed=True), Style("early_stopped", PURPLE, dashed=True)),
        ),
        Panel(
            Kind.BAR_GAUGE,
            "What trainers noticed",
            "Diagnoses by name, over the chosen time.",
            "short",
            (Query(f"sum by (diagnosis) (increase({of('diagnoses_total')}[{RANGE}])) > 0", "{{diagnosis}}", instant=True),),
            empty="no trainer has noticed anything in the chosen time",
        ),
    ),
)
_GATE = Row(
    "The gate",
    (
        Panel(
            Kind.TIMESERIES,
            "Verdicts",
            "Specs by verdict, per interval: accepted, accepted with warnings, rejected.",
            "short",
            (Query(f"sum by (result) (increase({of('lint_requests_total')}[{RATE}]))", "{{result}}"),),
            styles=(Style("accepted", GREEN), Style("warned", YELLOW, dashed=True), Style("rejected", RED, dashed=True)),
        ),
        Panel(
            Kind.BAR_GAUGE,
            "Rules that speak most",
            "The ten rules with the most findings, over the chosen time.",
            "short",
            (
                Query(
                    f"topk(10, sum by (rule, severity) (increase({of('lint_findings_total')}[{RANGE}])) > 0)",
                    "{{rule}} ({{severity}})",
                    instant=True,
                ),
            ),
            empty="no finding in the chosen time",
        ),
        Panel(
            Kind.TIMESERIES,
            "Outcome against prediction",
            "What a job took, divided by what was predicted before it ran: 1 is right, 2 is twice"
            " as much. Over the chosen time up to each moment.",
            "short",
            (Query(quantile(0.5, of("prediction_ratio_bucket"), "kind", RANGE), "{{kind}}, median"),),
            styles=(Style("memory.*", BLUE), Style("time.*", ORANGE, dashed=True)),
            empty="no job with a prediction has ended in the chosen time",
        ),
    ),
)
_WIRE = Row(
    "The wire",
    (
        Panel(
            Kind.TIMESERIES,
            "Calls that failed",
            "Share of the calls that did not end with OK or a cancel of the caller, by method.",
            "percentunit",
            (
                Query(
                    f"sum by (grpc_method) (rate({raw('grpc_server_handled_total', _IN_ERROR)}[{RATE}]))"
                    f" / sum by (grpc_method) (rate({raw('grpc_server_handled_total', RPC)}[{RATE}]))",
                    "{{grpc_method}}",
                ),
            ),
            high=1,
            empty="no call has failed",
        ),
        Panel(
            Kind.TIMESERIES,
            "Calls, 95 %",
            "95 % of the calls with one answer took less, by method.",
            "s",
            (
                Query(
                    quantile(0.95, raw("grpc_server_handling_seconds_bucket", f'{RPC}, grpc_type="unary"'), "grpc_method"),
                    "{{grpc_method}}",
                ),
            ),
        ),
        Panel(
            Kind.TIMESERIES,
            "Streams",
            "Clients that follow a job now.",
            "short",
            (Query(f"sum({of('stream_subscribers')})", "open streams"),),
            styles=(Style("open streams", BLUE),),
        ),
        Panel(
            Kind.TIMESERIES,
            "Stream delay, 95 %",
            "From an event to its sending, live events only.",
            "s",
            (Query(quantile(0.95, of("stream_event_delay_seconds_bucket")), "delay"),),
            styles=(Style("delay", ORANGE),),
            empty="no live event was sent to a watcher in this interval",
        ),
        Panel(
            Kind.TIMESERIES,
            "Cost of a scrape",
            "Time that the server took for the last scrape.",
            "s",
            (
                Query(f"max({of('scrape_render_seconds')})", "whole scrape"),
                Query(f"max({of('collect_duration_seconds')})", "series of single jobs"),
            ),
            styles=(Style("whole.*", BLUE), Style("series.*", ORANGE, dashed=True)),
        ),
        Panel(
            Kind.TIMESERIES,
            "Jobs with series of their own",
            "Jobs shown one by one, how many may be, and how many found no place.",
            "short",
            (
                Query(f"count({of('job_info')}) or vector(0)", "shown"),
                Query(f"max({of('exported_jobs_limit')})", "places"),
                Query(f"max({of('jobs_not_exported')})", "without a place"),
            ),
            styles=(Style("shown", BLUE), Style("places", GREY, dashed=True), Style("without.*", RED, dashed=True)),
        ),
    ),
    collapsed=True,
)

BOARD = Board(
    UID,
    "Trainyard: fleet",
    "All jobs of all servers: what runs, what waits, how jobs end, what the gate says.",
    (_NOW, _JOBS, _WORK, _GATE, _WIRE),
    (
        Annotation(
            "Alerts",
            'ALERTS{alertstate="firing", alertname=~"Trainyard.*"}',
            RED,
            "{{alertname}}",
            "severity {{severity}}",
        ),
        Annotation(
            "Server starts",
            f"{of('start_timestamp_seconds')} * 1000",
            GREY,
            "Server started",
            "{{instance}}",
            value_is_time=True,
        ),
    ),
    other=(JOB_UID, "One job"),
)
