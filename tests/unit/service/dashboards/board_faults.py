"""What is wrong with a dashboard or an alert, as sentences: the rules that stand in for a Grafana that cannot be started here.

The rules are those that Grafana's own dashboard linter checks, and ours: every name and label is in the metric catalogue,
every panel has a unit and a description, none overlap, every threshold and every empty panel has its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import promql_parser as promql

from trainyard.service.dashboards.alerts import RECORDS, Alert
from trainyard.service.metrics.catalogue import ALL, Type

Json = dict[str, Any]

# Labels that Prometheus adds to whatever it scrapes, and what it makes itself.
_TARGET = {"job", "instance"}
_OWN = {"up": _TARGET, "ALERTS": {"alertname", "alertstate", "severity", "job_id"} | _TARGET}
_GRAFANA = {"$__rate_interval": "5m", "$__range": "1h", "$__interval": "10s"}
_UNITS = {"short", "s", "bytes", "percentunit", "sci"}
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def known() -> dict[str, set[str]]:
    """Return the labels of every series that can exist, by name."""
    names: dict[str, set[str]] = dict(_OWN)
    for row in ALL:
        labels = set(row.labels) | _TARGET
        if row.type is Type.HISTOGRAM:
            names |= {f"{row.full_name}_bucket": labels | {"le"}, f"{row.full_name}_sum": labels, f"{row.full_name}_count": labels}
        else:
            names[row.full_name] = labels
    return names | {record.name: {"job_id"} | _TARGET for record in RECORDS}


def query_faults(expression: str, names: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield what is wrong with a PromQL expression."""
    text = expression
    for variable, value in _GRAFANA.items():
        text = text.replace(variable, value)
    try:
        parsed = promql.parse(text)
    except ValueError as error:
        yield f"{expression!r} is no PromQL: {error}"
        return
    counters = {row.full_name for row in ALL if row.type is Type.COUNTER}
    for selector, inside in _selectors(parsed, ()):
        if selector.name not in names:
            yield f"{selector.name} is not in the catalogue"
            continue
        for matcher in selector.matchers.matchers:
            if matcher.name not in names[selector.name]:
                yield f"{selector.name} has no label {matcher.name}"
        if selector.name in counters and not {"rate", "increase", "irate"} & set(inside) and "job_id" not in names[selector.name]:
            yield f"{selector.name} is a counter outside of rate and increase"


def _selectors(node: Any, inside: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    if isinstance(node, promql.VectorSelector):
        yield node, inside
    elif isinstance(node, promql.MatrixSelector):
        yield from _selectors(node.vector_selector, inside)
    elif isinstance(node, promql.Call):
        for argument in node.args:
            yield from _selectors(argument, (*inside, node.func.name))
    elif isinstance(node, promql.BinaryExpr):
        yield from _selectors(node.lhs, inside)
        yield from _selectors(node.rhs, inside)
    else:
        for name in ("expr", "param"):
            inner = getattr(node, name, None)
            if inner is not None:
                yield from _selectors(inner, inside)


def panels(dashboard: Json) -> list[Json]:
    """Return all panels, those of collapsed rows too, headings not."""
    found = [inner for panel in dashboard["panels"] for inner in [panel, *panel.get("panels", [])]]
    return [panel for panel in found if panel["type"] != "row"]


def dashboard_faults(dashboard: Json) -> Iterator[str]:
    """Yield what is wrong with a dashboard's JSON."""
    names = known()
    yield from _frame_faults(dashboard)
    for panel in panels(dashboard):
        yield from (f"panel {panel['title'] or panel['id']}: {fault}" for fault in _panel_faults(panel, names))
    for mark in dashboard["annotations"]["list"]:
        if "expr" in mark:
            yield from (f"annotation {mark['name']}: {fault}" for fault in query_faults(mark["expr"], names))
            if mark["useValueForTime"] and not mark["expr"].endswith("* 1000"):
                yield f"annotation {mark['name']}: a time is read in milliseconds"


def _frame_faults(dashboard: Json) -> Iterator[str]:
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    if not {"datasource", "job", "instance"} <= variables.keys():
        yield "the variables datasource, job and instance are missing"
    for name, variable in variables.items():
        asked = re.fullmatch(r"(?:label_values|query_result)\((.*?)(?:, \w+)?\)", variable.get("definition", ""))
        if name != "datasource" and asked is None:
            yield f"variable {name} asks nothing that Grafana knows"
        if asked is not None:
            yield from (f"variable {name}: {fault}" for fault in query_faults(re.sub(r'"\$\w+"', '".+"', asked[1]), known()))
        if name != "datasource" and (variable["allValue"], variable["multi"], variable["refresh"]) != (".+", True, 2):
            yield f"variable {name} is not multi, or does not reload with the time range"
    if len(dashboard["uid"]) > 40 or dashboard["editable"]:
        yield "the uid is too long, or the dashboard can be edited"
    numbers = [panel["id"] for panel in [*panels(dashboard), *(p for p in dashboard["panels"] if p["type"] == "row")]]
    if len(set(numbers)) != len(numbers):
        yield "two panels share an id"
    yield from _overlaps([panel["gridPos"] | {"title": panel["title"]} for panel in dashboard["panels"] if not panel.get("collapsed")])
    for row in dashboard["panels"]:
        yield from _overlaps([panel["gridPos"] | {"title": panel["title"]} for panel in row.get("panels", [])])


def _overlaps(places: list[Json]) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for place in places:
        if place["x"] + place["w"] > 24:
            yield f"{place['title']} is wider than the grid"
        cells = [(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])]
        under = {taken[cell] for cell in cells if cell in taken}
        yield from (f"{place['title']} overlaps {other}" for other in sorted(under))
        taken |= dict.fromkeys(cells, str(place["title"]))


def _panel_faults(panel: Json, names: Mapping[str, set[str]]) -> Iterator[str]:
    defaults = panel["fieldConfig"]["defaults"]
    if not panel["title"] or not panel["description"].endswith("."):
        yield "title or description is missing"
    if defaults["unit"] not in _UNITS:
        yield f"the unit {defaults['unit']!r} is not one of Grafana's that are used here"
    if panel["datasource"].get("uid") != "${datasource}":
        yield "it does not follow the data source that is chosen"
    if panel["type"] == "xychart" and ("pluginVersion" not in panel or not panel["options"].get("series")):
        yield "Grafana from 11.1 on draws no series of it"
    yield from _unit_faults(panel)
    if not panel["targets"]:
        yield "it asks nothing"
    for target in panel["targets"]:
        yield from query_faults(target["expr"], names)
        yield from _target_faults(target["expr"])


def _unit_faults(panel: Json) -> Iterator[str]:
    """A name says its unit; a panel of bare series of that name must show it."""
    unit = panel["fieldConfig"]["defaults"]["unit"]
    for target in panel["targets"]:
        names = set(_NAME.findall(target["expr"]))
        divided = " / " in target["expr"] or "count(" in target["expr"]
        for ending, wanted in (("_bytes", "bytes"), ("_seconds", "s"), ("_seconds_bucket", "s")):
            if any(name.endswith(ending) for name in names) and not divided and unit != wanted:
                yield f"the unit is {unit!r} where the metric is in {wanted!r}"


def _target_faults(expression: str) -> Iterator[str]:
    if "ALERTS" in expression:
        return
    if 'job=~"$job"' not in expression or 'instance=~"$instance"' not in expression:
        yield f"{expression!r} does not follow the variables job and instance"
    if ("up{" in expression and "trainyard_build_info" not in expression) or (
        "grpc_server" in expression and "grpc_service" not in expression
    ):
        yield f"{expression!r} counts what other servers of the same Prometheus say"
    for span in re.findall(r"(?:rate|increase)\([^[]*\[([^]]+)\]", expression):
        if span not in {"$__rate_interval", "$__range"}:
            yield f"a rate over {span} does not follow the scrape interval"


def alert_faults(alert: Alert, pages: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with an alert; ``pages`` are the runbooks that exist."""
    if not re.fullmatch(r"Trainyard[A-Z][A-Za-z]+", alert.name):
        yield f"{alert.name} is not named Trainyard…"
    if alert.page not in pages:
        yield f"{alert.name} has no runbook"
    if not alert.summary or not alert.description.endswith("."):
        yield f"{alert.name} does not say what happens"
    yield from (f"{alert.name}: {fault}" for fault in query_faults(alert.expression, known()))
