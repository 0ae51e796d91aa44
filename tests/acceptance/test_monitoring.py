"""A real Prometheus scrapes a real server that trains real jobs: every panel and every alert gets an answer.

A panel may stay empty where it says why. Grafana itself is not started: what it would ask is asked here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.acceptance.conftest import Machine, make_machine, tidy, wait_until
from tests.acceptance.ports import answers, free_port

from trainyard.service.dashboards import fleet, grafana, job
from trainyard.service.dashboards.alerts import ALERTS, RECORDS
from trainyard.service.dashboards.panels import Board, Panel, Query
from trainyard.service.metrics.catalogue import ALL

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(
        PROMETHEUS is None or PROMTOOL is None, reason="Prometheus is not installed (Debian and Ubuntu: apt-get install prometheus)"
    ),
]
VARIABLES = {"$job_id": ".+", "$job": ".+", "$instance": ".+", "$__rate_interval": "30s", "$__range": "5m", "$__interval": "5s"}
SCRAPES = 12


class Lab(NamedTuple):
    """A machine with a server that has trained, and a Prometheus that watched it."""

    machine: Machine
    metrics: str
    prometheus: str

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """Run an instant query; anything but success fails the test."""
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        return self._result("query", query=expression)

    def history(self, expression: str) -> list[dict[str, Any]]:
        """Run a range query over all that was scraped."""
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        now = time.time()
        return self._result("query_range", query=expression, start=str(now - 300), end=str(now), step="1")

    def _result(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get(path, **parameters)["result"]
        return found

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        url = f"http://{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            told = json.load(answer)
        assert told["status"] == "success"
        data: dict[str, Any] = told["data"]
        return data


@contextmanager
def watched(machine: Machine, metrics: str) -> Iterator[str]:
    """Run Prometheus with the shipped configuration, scraping each second."""
    folder = machine.folder / "monitoring"
    assert machine.run("dashboards", "--write", str(folder), "--target", metrics).returncode == 0
    configuration = folder / "prometheus/prometheus.yml"
    configuration.write_text(configuration.read_text().replace("_interval: 5s", "_interval: 1s"))
    with prometheus_in(folder, configuration) as address:
        yield address


@contextmanager
def prometheus_in(folder: Path, configuration: Path) -> Iterator[str]:
    """Run Prometheus over ``folder/data`` and yield where it answers."""
    assert PROMETHEUS is not None
    address = f"127.0.0.1:{free_port()}"
    command = [
        PROMETHEUS, f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}",
        "--log.level=warn",
    ]  # fmt: skip
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or answers(f"http://{address}/-/ready"))
        assert process.poll() is None, (folder / "prometheus.log").read_text()
        yield address
    finally:
        process.terminate()
        process.wait(30)


def spec(machine: Machine, **training: Any) -> str:
    """Return the example with other settings of the training, and without what would end it early."""
    told = json.loads((machine.examples / "digits/good.trainspec.json").read_text())
    told["training"].update(training)
    told["callbacks"]["early_stopping"]["patience"] = told["training"]["epochs"] - 1
    return json.dumps(told)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Lab]:
    with (
        tidy(make_machine(tmp_path_factory.mktemp("lab"), repository / "examples")) as machine,
        machine.serving() as server,
        watched(machine, server.metrics) as prometheus,
    ):
        made = Lab(machine, server.metrics, prometheus)
        assert machine.run("submit", str(machine.examples / "digits/bad.trainspec.json")).returncode == 5
        assert machine.run("submit", "-", "--wait", stdin=spec(machine, epochs=3)).returncode == 0
        # The next one still runs when the questions are asked.
        assert machine.run("submit", "-", stdin=spec(machine, epochs=20000)).returncode == 0
        wait_until(lambda: len(made.history("trainyard_job_epoch > 2")) >= 1 and _scraped(made) >= SCRAPES)
        yield made
        assert machine.run("cancel", "@").returncode == 0


def _scraped(made: Lab) -> int:
    """Count the scrapes that saw the longest job run."""
    return max((len(one["values"]) for one in made.history('trainyard_job_state{state="running"} == 1')), default=0)


def test_a_run_that_was_exported_is_on_the_board_of_another_prometheus_epoch_for_epoch(lab: Lab, tmp_path: Path) -> None:
    done = json.loads(lab.machine.run("jobs", "--state", "succeeded", "--json").stdout)[0]["id"]
    told = json.loads(lab.machine.run("export", done, "--format", "json").stdout)["epochs"]
    assert len(told) == 3
    assert lab.machine.run("export", done, "--format", "openmetrics", "-o", str(tmp_path / "run.om")).returncode == 0
    assert PROMTOOL is not None
    command = [PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", str(tmp_path / "run.om"), str(tmp_path / "data")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    (tmp_path / "prometheus.yml").write_text("scrape_configs: []\n")
    with prometheus_in(tmp_path, tmp_path / "prometheus.yml") as address:
        other = Lab(lab.machine, "", address)
        for panel, query in panels(job.BOARD):
            if panel.title in {"Loss", "Other metrics", "Learning rate", "Epoch duration", "Progress"}:
                assert other.history(query.expression), panel.title
        for split, name in (("train", "loss"), ("val", "val_loss")):
            (curve,) = other.ask(f'trainyard_job_loss{{job=~"$job", instance=~"$instance", split="{split}"}}[1h]')
            assert [float(value) for _, value in curve["values"]] == [epoch["metrics"][name] for epoch in told]
            assert [at for at, _ in curve["values"]] == sorted(at for at, _ in curve["values"])


def panels(board: Board) -> list[tuple[Panel, Query]]:
    return [(panel, query) for row in board.rows for panel in row.panels for query in panel.queries]


@pytest.mark.parametrize("board", [fleet.BOARD, job.BOARD], ids=lambda board: board.uid)
def test_every_panel_shows_something_or_says_why_not(lab: Lab, board: Board) -> None:
    silent = {
        panel.title for panel, query in panels(board) if not (lab.ask(query.expression) if query.instant else lab.history(query.expression))
    }
    excused = {panel.title for panel, _ in panels(board) if panel.empty}
    assert silent <= excused


def test_the_numbers_on_the_boards_are_those_of_the_jobs(lab: Lab) -> None:
    by_title = {panel.title: query.expression for board in (fleet.BOARD, job.BOARD) for panel, query in panels(board)}
    assert [one["value"][1] for one in lab.ask(by_title["Running"])] == ["1"]
    assert [one["value"][1] for one in lab.ask(by_title["Servers up"])] == ["1"]
    told = json.loads(lab.machine.run("show", "@", "--json").stdout)
    (identity,) = [one for one in lab.ask(by_title["Identity"]) if one["metric"]["job_id"] == told["id"]]
    assert identity["metric"]["model"] == "cnn"
    assert identity["metric"]["optimizer"] == "adam"
    rejected = lab.history('increase(trainyard_lint_requests_total{result="rejected"}[5m])')
    assert rejected


def test_what_the_guide_draws_can_be_drawn_from_what_was_scraped(lab: Lab, repository: Path) -> None:
    """``RECORD_MONITORING=1`` writes it down anew."""
    drawn = {"Jobs by state": fleet.BOARD, "Samples per second": fleet.BOARD, "Loss": job.BOARD, "Other metrics": job.BOARD}
    recorded = {title: recording(lab, board, title) for title, board in drawn.items()}
    assert all(any(len(points) > 2 for points in panel["series"].values()) for panel in recorded.values())
    path = repository / "docs/guide/pictures/monitoring.json"
    if os.environ.get("RECORD_MONITORING"):
        path.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")).keys() == recorded.keys()


def recording(lab: Lab, board: Board, title: str) -> dict[str, Any]:
    """Return what a panel shows: its lines by legend, in seconds since the first scrape; job ids become a, b, …"""
    queries = [(panel, query) for panel, query in panels(board) if panel.title == title]
    told = [(query.legend, one) for _, query in queries for one in lab.history(query.expression)]
    began = min(float(one["values"][0][0]) for _, one in told)
    jobs = sorted({one["metric"]["job_id"] for _, one in told if "job_id" in one["metric"]})
    lines = {}
    for legend, one in told:
        name = legend
        for label, value in one["metric"].items():
            name = name.replace(f"{{{{{label}}}}}", f"job {chr(97 + jobs.index(value))}" if label == "job_id" else value)
        lines[name] = [[round(float(at) - began, 1), float(f"{float(value):.5g}")] for at, value in one["values"]]
    lines = {name: points for name, points in lines.items() if any(value for _, value in points)}
    return {"description": queries[0][0].description, "unit": queries[0][0].unit, "series": lines}


def test_every_alert_is_known_and_none_fires_for_healthy_jobs(lab: Lab) -> None:
    groups = lab._get("rules")["groups"]
    known = {rule["name"]: rule for one in groups for rule in one["rules"]}
    assert {alert.name for alert in ALERTS} | {record.name for record in RECORDS} == known.keys()
    assert all(rule["health"] == "ok" for rule in known.values()), {name: rule.get("lastError") for name, rule in known.items()}
    assert lab.ask('ALERTS{alertstate="firing"}') == []


def test_what_the_alerts_and_marks_rest_on_is_scraped_or_has_its_reason(lab: Lab) -> None:
    excused = {
        "trainyard_queue_oldest_submit_timestamp_seconds": "nothing waits",
        "trainyard_job_gpu_memory_used_bytes": "there may be no GPU",
        "trainyard_job_gpu_memory_limit_bytes": "there may be no GPU",
    }
    asked = [alert.expression for alert in ALERTS] + [record.expression for record in RECORDS]
    marks = [mark.expression for board in (fleet.BOARD, job.BOARD) for mark in board.annotations]
    for expression in (*asked, *marks):
        lab.history(expression)
    names = set(re.findall(r"\btrainyard_[a-z_]+|\bup\b", " ".join((*asked, *marks)))) - {"trainyard_job_loss:gap_ratio"}
    names = {name for name in names if name in {row.full_name for row in ALL} | {"up"}}
    assert len(names) > 12
    assert {name for name in names if not lab.history(name)} <= excused.keys()


def test_jobs_are_offered_to_the_board_newest_first(lab: Lab) -> None:
    (variable,) = [one for one in grafana.dashboard(job.BOARD)["templating"]["list"] if one["name"] == "job_id"]
    offered = [one["metric"]["job_id"] for one in lab.ask(variable["definition"].removeprefix("query_result(").removesuffix(")"))]
    listed = [one["id"] for one in json.loads(lab.machine.run("jobs", "--json").stdout)]
    assert offered == listed


def test_prometheus_own_linter_accepts_what_is_scraped(lab: Lab) -> None:
    with urllib.request.urlopen(f"http://{lab.metrics}/metrics", timeout=10) as answer:
        text = answer.read()
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_server_that_goes_away_is_noticed(lab: Lab) -> None:
    """Asked of a target that never was: the alert waits two minutes, its expression does not."""
    assert lab.ask('up{job="trainyard"} == 0') == []
    assert [one["value"][1] for one in lab.ask('up{job="trainyard"}')] == ["1"]
