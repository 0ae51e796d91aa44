"""Dashboards and alerts hold to the catalogue and to Grafana's rules; a seeded fault of each sort is found."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from trainyard.service.core.states import State
from trainyard.service.dashboards import fleet, grafana, job
from trainyard.service.dashboards.alerts import ALERTS, RECORDS, Severity
from trainyard.service.dashboards.command import dashboards
from trainyard.service.dashboards.files import Places, files
from trainyard.service.dashboards.panels import Kind
from trainyard.service.metrics.catalogue import ALL

Json = dict[str, Any]
BOARDS = {"fleet": fleet.BOARD, "job": job.BOARD}


def _load() -> ModuleType:
    """Import the rules that lie beside this file."""
    spec = importlib.util.spec_from_file_location("board_faults", Path(__file__).with_name("board_faults.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rules = _load()


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_has_no_fault(name: str) -> None:
    assert list(rules.dashboard_faults(grafana.dashboard(BOARDS[name]))) == []


def test_an_alert_has_no_fault_and_a_page(repository: Path) -> None:
    pages = {page.name for page in (repository / "docs/runbooks").glob("Trainyard*.md")}
    assert [fault for alert in ALERTS for fault in rules.alert_faults(alert, pages)] == []
    assert pages == {alert.page for alert in ALERTS}
    assert len(ALERTS) == 10
    assert [alert.name for alert in ALERTS if alert.severity is Severity.CRITICAL] == ["TrainyardDown"]


def test_recorded_rules_ask_for_what_exists() -> None:
    assert [fault for record in RECORDS for fault in rules.query_faults(record.expression, rules.known())] == []
    assert all(re.fullmatch(r"\w+:trainyard_\w+:\w+", record.name) for record in RECORDS)


def first(dashboard: Json, title: str) -> Json:
    found: list[Json] = [panel for panel in rules.panels(dashboard) if panel["title"] == title]
    (panel,) = found
    return panel


def wrong_name(board: Json) -> None:
    target = first(board, "Running")["targets"][0]
    target["expr"] = target["expr"].replace("trainyard_jobs", "trainyard_job_count")


def wrong_label(board: Json) -> None:
    target = first(board, "Running")["targets"][0]
    target["expr"] = target["expr"].replace("state=", "status=")


def wrong_unit(board: Json) -> None:
    first(board, "Waiting longest")["fieldConfig"]["defaults"]["unit"] = "short"


def unknown_unit(board: Json) -> None:
    first(board, "Waiting longest")["fieldConfig"]["defaults"]["unit"] = "seconds"


def no_description(board: Json) -> None:
    first(board, "Running")["description"] = ""


def overlap(board: Json) -> None:
    first(board, "Running")["gridPos"]["x"] -= 1


def same_id(board: Json) -> None:
    first(board, "Running")["id"] = first(board, "Verdicts")["id"]


def bare_counter(board: Json) -> None:
    first(board, "Running")["targets"][0]["expr"] = 'sum(trainyard_jobs_submitted_total{job=~"$job", instance=~"$instance"})'


def fixed_rate(board: Json) -> None:
    target = first(board, "Samples per second")["targets"][0]
    target["expr"] = target["expr"].replace("$__rate_interval", "5m")


def no_promql(board: Json) -> None:
    first(board, "Running")["targets"][0]["expr"] += ")"


def deaf_to_variables(board: Json) -> None:
    first(board, "Running")["targets"][0]["expr"] = "sum(trainyard_jobs)"


def fixed_source(board: Json) -> None:
    first(board, "Running")["datasource"] = {"type": "prometheus", "uid": "abc"}


def foreign_targets(board: Json) -> None:
    first(board, "Servers up")["targets"][0]["expr"] = 'sum(up{job=~"$job", instance=~"$instance"})'


def foreign_calls(board: Json) -> None:
    target = first(board, "Calls that failed")["targets"][0]
    target["expr"] = target["expr"].replace("grpc_service=~", "grpc_method!~")


def wrong_variable(board: Json) -> None:
    board["templating"]["list"][1]["definition"] = "label_values(trainyard_builds, job)"


def wrong_mark(board: Json) -> None:
    board["annotations"]["list"][-1]["expr"] = "trainyard_started * 1000"


def drawn_by_version_ten_only(board: Json) -> None:
    first(board, "Running").update(type="xychart", options={"seriesMapping": "auto"})


SEEDED: dict[Callable[[Json], None], str] = {
    wrong_name: "trainyard_job_count is not in the catalogue",
    wrong_label: "trainyard_jobs has no label status",
    wrong_unit: "the unit is 'short' where the metric is in 's'",
    unknown_unit: "the unit 'seconds' is not one of Grafana's",
    no_description: "title or description is missing",
    overlap: "Running overlaps Servers up",
    same_id: "two panels share an id",
    bare_counter: "is a counter outside of rate and increase",
    fixed_rate: "a rate over 5m does not follow the scrape interval",
    no_promql: "is no PromQL",
    deaf_to_variables: "does not follow the variables job and instance",
    foreign_targets: "counts what other servers",
    foreign_calls: "counts what other servers",
    wrong_variable: "trainyard_builds is not in the catalogue",
    wrong_mark: "trainyard_started is not in the catalogue",
    drawn_by_version_ten_only: "Grafana from 11.1 on draws no series",
    fixed_source: "does not follow the data source",
}


@pytest.mark.parametrize("seed", SEEDED, ids=lambda seed: seed.__name__)
def test_a_seeded_fault_is_found(seed: Callable[[Json], None]) -> None:
    board = copy.deepcopy(grafana.dashboard(fleet.BOARD))
    seed(board)
    faults = list(rules.dashboard_faults(board))
    assert any(SEEDED[seed] in fault for fault in faults), faults


def test_an_alert_without_runbook_or_with_a_wrong_name_is_found() -> None:
    bad = ALERTS[0]._replace(name="TrainyardNowhere", expression="trainyard_nothing > 0")
    faults = list(rules.alert_faults(bad, {alert.page for alert in ALERTS}))
    assert faults == ["TrainyardNowhere has no runbook", "TrainyardNowhere: trainyard_nothing is not in the catalogue"]


def test_every_threshold_says_why_it_lies_there() -> None:
    for board in BOARDS.values():
        for row in board.rows:
            for panel in row.panels:
                assert not panel.steps or any(step.reason for step in panel.steps), panel.title


def test_validation_is_dashed_wherever_it_is_drawn() -> None:
    panels = [panel for row in job.BOARD.rows for panel in row.panels if panel.kind is Kind.TIMESERIES]
    drawn = [panel for panel in panels if any("validation" in query.legend for query in panel.queries)]
    assert {panel.title for panel in drawn} == {"Loss", "Other metrics"}
    assert all(any(style.dashed and "validation" in style.pattern for style in panel.styles) for panel in drawn)


def test_colour_is_never_the_only_code_between_lines_of_one_panel() -> None:
    for board in BOARDS.values():
        for panel in (panel for row in board.rows for panel in row.panels if panel.kind is Kind.TIMESERIES and not panel.stacked):
            looks = [(style.color, style.dashed) for style in panel.styles]
            assert len(set(looks)) == len(looks), panel.title
            assert sum(not dashed for _, dashed in looks) <= 2, panel.title


def test_the_picture_of_the_state_has_a_word_for_every_state() -> None:
    (panel,) = [panel for row in job.BOARD.rows for panel in row.panels if panel.kind is Kind.STATE_TIMELINE]
    assert [word.text for word in panel.words] == [state.value for state in State]
    (query,) = panel.queries
    assert all(f"{word.value} * (trainyard_job_state" in query.expression for word in panel.words)


def test_the_newest_job_is_offered_first_and_all_servers_are_chosen() -> None:
    variables = {variable["name"]: variable for variable in grafana.dashboard(job.BOARD)["templating"]["list"]}
    assert variables["job_id"]["query"]["query"].startswith("query_result(sort_desc(")
    assert re.search(variables["job_id"]["regex"].strip("/"), '{instance="a", job_id="abc"} 1 2')[1] == "abc"  # type: ignore[index]  # found
    assert {variables[name]["current"]["value"][0] for name in ("job", "instance")} == {"$__all"}


def test_the_boards_lead_to_each_other() -> None:
    assert (fleet.BOARD.other[0], job.BOARD.other[0]) == (job.BOARD.uid, fleet.BOARD.uid)
    table = first(grafana.dashboard(fleet.BOARD), "Furthest from done")
    (link,) = table["fieldConfig"]["defaults"]["links"]
    assert link["url"].startswith(f"/d/{job.BOARD.uid}?var-job_id=${{__data.fields.Job}}")


def test_every_metric_of_ours_is_on_a_board_or_in_an_alert_or_is_named_as_left_out() -> None:
    left_out = {"build_info", "start_timestamp_seconds", "scrape_size_bytes", "job_duration_seconds", "stream_events_sent_total",
                "collect_errors_total", "grpc_server_started_total", "job_gpu_memory_limit_bytes"}  # fmt: skip
    text = "".join(files(Places()).values())
    absent = {row.name for row in ALL if row.full_name not in text}
    assert absent <= left_out


def test_grafana_looks_for_dashboards_where_the_compose_file_puts_them(repository: Path) -> None:
    (looked,) = re.findall(r"path: (\S+)", files(Places())["grafana/provisioning/dashboards/trainyard.yml"])
    mounted = dict(re.findall(r"- \.\./(\S+?):(\S+?):ro", (repository / "examples/deploy/compose/compose.yml").read_text(encoding="utf-8")))
    assert mounted["grafana/dashboards"] == looked
    assert mounted["grafana/provisioning"] == "/etc/grafana/provisioning"


def test_files_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    result = CliRunner().invoke(dashboards, ["--write", str(tmp_path / "new"), "--target", "box:1234"])
    assert result.exit_code == 0
    written = {str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("*") if path.is_file()}
    assert written == files(Places()).keys()
    assert '["box:1234"]' in (tmp_path / "new/prometheus/prometheus.yml").read_text()
    board = json.loads((tmp_path / "new/grafana/dashboards/fleet.json").read_text())
    assert board["uid"] == "trainyard-fleet"


def test_alerts_lead_to_their_pages_and_grafana_to_its_prometheus(tmp_path: Path) -> None:
    told = ["--prometheus", "https://prometheus.example:9090", "--runbooks", "https://wiki.example/runbooks/"]
    assert CliRunner().invoke(dashboards, ["--write", str(tmp_path), *told]).exit_code == 0
    rules = (tmp_path / "prometheus/rules/trainyard.yml").read_text()
    assert re.findall(r'runbook_url: "(.*)"', rules) == [f"https://wiki.example/runbooks/{alert.name}.md" for alert in ALERTS]
    assert "url: https://prometheus.example:9090\n" in (tmp_path / "grafana/provisioning/datasources/trainyard.yml").read_text()


@pytest.mark.parametrize("address", ["prometheus:9090", "http://a b", "http://a\nuser: x"])
def test_an_address_that_is_none_is_a_usage_error(tmp_path: Path, address: str) -> None:
    result = CliRunner().invoke(dashboards, ["--write", str(tmp_path), "--prometheus", address])
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])


@pytest.mark.parametrize("target", ["nowhere", 'a":1', "host:"])
def test_a_target_that_is_none_is_a_usage_error(tmp_path: Path, target: str) -> None:
    result = CliRunner().invoke(dashboards, ["--write", str(tmp_path), "--target", target])
    assert result.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "grafana").write_text("in the way")
    result = CliRunner().invoke(dashboards, ["--write", str(tmp_path)])
    assert result.exit_code == 1
    assert "can't be written" in result.output


@pytest.mark.parametrize("path", sorted(files(Places())))
def test_the_committed_copy_is_what_the_generator_writes(repository: Path, path: str) -> None:
    """Mended by: trainyard dashboards --write examples/deploy --target trainyard:9464 --prometheus '${PROMETHEUS_URL}'."""
    assert (repository / "examples/deploy" / path).read_text(encoding="utf-8") == files(Places("trainyard:9464", "${PROMETHEUS_URL}"))[path]
