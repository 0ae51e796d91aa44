"""Alerts fire when they should and never else: Prometheus' own tool evaluates them over histories that are written down here."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from trainyard.service.dashboards.alerts import ALERTS
from trainyard.service.dashboards.files import Places, files

PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian and Ubuntu: apt-get install prometheus)")

SERVER = 'job="trainyard",instance="box:9464"'
JOB = f'{SERVER},job_id="j"'
UP = {f"up{{{SERVER}}}": "1x400"}
PAUSED = {f'trainyard_job_state{{{JOB},state="running"}}': "0x400", f'trainyard_job_state{{{JOB},state="paused"}}': "1x400"}
LAST = f"trainyard_job_last_epoch_timestamp_seconds{{{JOB}}}"
TOOK = f"trainyard_job_last_epoch_duration_seconds{{{JOB}}}"
EPOCH = f"trainyard_job_epoch{{{JOB}}}"
SINCE = f"trainyard_job_running_timestamp_seconds{{{JOB}}}"
RUNNING = {f'trainyard_job_state{{{JOB},state="running"}}': "1x400", SINCE: "0x400"}
LEARNS = {LAST: "0+60x60", TOOK: "60x60", EPOCH: "1+1x60", **RUNNING}
OLDEST = f"trainyard_queue_oldest_submit_timestamp_seconds{{{SERVER}}}"


def loss(split: str) -> str:
    return f'trainyard_job_loss{{{JOB},split="{split}"}}'


def lint(result: str) -> str:
    return f'trainyard_lint_requests_total{{{SERVER},result="{result}"}}'


def memory(used: int) -> dict[str, str]:
    kinds = {"used": used, "limit": 100}
    return {f'trainyard_job_gpu_memory_{kind}_bytes{{{JOB},device="g"}}': f"{size}x20" for kind, size in kinds.items()}


def ended(outcome: str) -> str:
    return f'trainyard_jobs_finished_total{{{SERVER},outcome="{outcome}",reason="r"}}'


class History(NamedTuple):
    """What was scraped once a minute, and which alerts must fire at ``minute``; values in promtool's notation."""

    series: dict[str, str]
    minute: int
    fires: tuple[str, ...] = ()


HISTORIES = {
    "a server that answers": History({f"up{{{SERVER}}}": "1x10"}, 10),
    "a server that is gone": History({f"up{{{SERVER}}}": "1 0x10"}, 10, ("TrainyardDown",)),
    "a server that is scraped no more": History({f"up{{{SERVER}}}": "1 stale"}, 10, ("TrainyardDown",)),
    "a server that was restarted within a minute": History({f"up{{{SERVER}}}": "1 1 0 1x10"}, 10),
    "a loss that is a number": History({loss("train"): "1 0.5 0.4", **RUNNING}, 2),
    "a loss that is NaN": History({loss("train"): "1 NaN NaN", **RUNNING}, 2, ("TrainyardJobLossNotFinite",)),
    "a loss that is infinite": History({loss("val"): "1 Inf Inf", **RUNNING}, 2, ("TrainyardJobLossNotFinite",)),
    "a job with a NaN loss that has gone": History({loss("train"): "1 NaN stale"}, 4),
    "a paused job with a NaN loss": History({loss("train"): "1 NaN NaN", **PAUSED}, 2),
    "a counter of bad epochs that grows": History(
        {f"trainyard_job_nonfinite_epochs_total{{{JOB}}}": "0 0 1 1"}, 3, ("TrainyardJobLossNotFinite",)
    ),
    "epochs that come": History({LAST: "0+60x60", TOOK: "60x60", EPOCH: "1+1x60", **RUNNING}, 60),
    "epochs that stopped coming": History({LAST: "0x60", TOOK: "60x60", EPOCH: "1x60", **RUNNING}, 20, ("TrainyardJobStalled",)),
    "an hour-long epoch": History({LAST: "0x120", TOOK: "3600x120", EPOCH: "1x120", **RUNNING}, 120),
    "a job that is paused": History({LAST: "0x120", TOOK: "60x120", EPOCH: "1x120", **PAUSED}, 120),
    "a job that went on after a pause of an hour": History(
        {
            LAST: "0x120",
            TOOK: "60x120",
            EPOCH: "1x120",
            SINCE: "_x59 3600x60",
            f'trainyard_job_state{{{JOB},state="running"}}': "0x59 1x60",
        },
        63,
    ),
    "a job that went on after a pause and then hung": History(
        {
            LAST: "0x120",
            TOOK: "60x120",
            EPOCH: "1x120",
            SINCE: "_x59 3600x60",
            f'trainyard_job_state{{{JOB},state="running"}}': "0x59 1x60",
        },
        75,
        ("TrainyardJobStalled",),
    ),
    "a job that hangs under a server that was restarted": History({EPOCH: "7x60", **RUNNING}, 40, ("TrainyardJobStalled",)),
    "a job that is well under a server that was restarted": History({EPOCH: "7x60", **RUNNING}, 25),
    "a job that is over and gone": History(
        {LAST: "0 0 stale", TOOK: "60 60 stale", EPOCH: "1 1 stale", f'trainyard_job_state{{{JOB},state="running"}}': "1 0 stale"}, 30
    ),
    "a job without a first epoch": History({EPOCH: "0x60", **RUNNING}, 40, ("TrainyardJobNeverStartedEpoch",)),
    "a job that waits for its first epoch in the usual time": History({EPOCH: "0x60", **RUNNING}, 20),
    "a job that overfits": History({loss("train"): "1-0.01x60", loss("val"): "2+0.01x60", **LEARNS}, 45, ("TrainyardJobOverfitting",)),
    "a job that learns": History({loss("train"): "1-0.01x60", loss("val"): "2-0.01x60", **LEARNS}, 45),
    "a job that overfitted and was paused": History({loss("train"): "1-0.01x60", loss("val"): "2+0.01x60", EPOCH: "1+1x60", **PAUSED}, 45),
    "an overfitting look with few epochs": History(
        {loss("train"): "1x29 0.9x30", loss("val"): "2x29 2.1x30", **LEARNS, EPOCH: "1x29 2x30"}, 45
    ),
    "a card that is nearly full": History({**memory(98), **RUNNING}, 10, ("TrainyardGpuMemoryNearLimit",)),
    "a card with room": History({**memory(80), **RUNNING}, 10),
    "a card that a paused job nearly filled": History({**memory(98), **PAUSED}, 10),
    "a queue that does not move": History({OLDEST: "0x120"}, 70, ("TrainyardQueueStuck",)),
    "a queue that moves": History({OLDEST: "0+60x120"}, 100),
    "a queue that is empty": History({OLDEST: "0x10 stale"}, 100),
    "most specs refused": History(
        {lint("rejected"): "0+1x120", lint("accepted"): "0+0x120", lint("warned"): "0x120"}, 90, ("TrainyardLintRejectionHigh",)
    ),
    "few specs, all refused": History({lint("rejected"): "0x30 1x5 2x90", lint("accepted"): "0x120"}, 90),
    "many jobs fail": History({ended("failed"): "0+1x60", ended("succeeded"): "0+1x60"}, 50, ("TrainyardJobFailuresHigh",)),
    "one of many jobs fails": History({ended("failed"): "0x30 1x40", ended("succeeded"): "0+1x60"}, 50),
    "the first of two jobs fails": History({ended("failed"): "0x30 1x40", ended("succeeded"): "0x40 1x30"}, 50),
    "counters that a restart set back": History({ended("failed"): "9 0x60", ended("succeeded"): "90 0 1+1x60"}, 50),
    "jobs without a place": History({f"trainyard_jobs_not_exported{{{SERVER}}}": "3x40"}, 30, ("TrainyardJobSeriesCapped",)),
    "jobs with places": History({f"trainyard_jobs_not_exported{{{SERVER}}}": "0x40"}, 30),
}


@pytest.fixture(scope="module")
def monitoring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("monitoring")
    for name, text in files(Places()).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL is not None
    return subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=120, check=False)


def test_prometheus_takes_the_configuration_and_its_rules(monitoring: Path) -> None:
    done = promtool("check", "config", str(monitoring / "prometheus/prometheus.yml"))
    assert done.returncode == 0, done.stderr
    assert "13 rules found" in done.stdout


def test_prometheus_takes_the_configuration_of_the_compose_file(repository: Path) -> None:
    done = promtool("check", "config", "--syntax-only", str(repository / "examples/deploy/compose/prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_rule_file_is_refused(monitoring: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text((monitoring / "prometheus/rules/trainyard.yml").read_text().replace("increase(", "increases(", 1))
    assert promtool("check", "rules", str(broken)).returncode == 1


def group(name: str, history: History) -> dict[str, object]:
    """Return a test of promtool: of all alerts exactly these fire."""
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in {**UP, **history.series}.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{history.minute}m",
                "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in history.fires],
            }
        ],
    }


def judged(folder: Path, monitoring: Path, histories: dict[str, History]) -> subprocess.CompletedProcess[str]:
    told = {
        "rule_files": [str(monitoring / "prometheus/rules/trainyard.yml")],
        "evaluation_interval": "1m",
        "tests": [group(name, history) for name, history in histories.items()],
    }
    path = folder / "alerts.test.yml"
    path.write_text(json.dumps(told, indent=1))
    return promtool("test", "rules", str(path))


def test_alerts_fire_when_they_should_and_never_else(monitoring: Path, tmp_path: Path) -> None:
    done = judged(tmp_path, monitoring, HISTORIES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_history_in_which_it_fires() -> None:
    assert {alert for history in HISTORIES.values() for alert in history.fires} == {alert.name for alert in ALERTS}


@pytest.mark.parametrize("name", ["a queue that is empty", "a loss that is NaN"])
def test_a_wrong_expectation_is_noticed(monitoring: Path, tmp_path: Path, name: str) -> None:
    wrong = HISTORIES[name]._replace(fires=() if HISTORIES[name].fires else ("TrainyardQueueStuck",))
    assert judged(tmp_path, monitoring, {name: wrong}).returncode == 1
