"""A board as Grafana's Classic dashboard JSON: the model that Grafana 10 to 13 load, older ones by migration.

Ids and places are counted here, so two panels can neither share an id nor overlap. The text is stable: the same board
gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from string import ascii_uppercase
from typing import Any

from trainyard.service.dashboards.panels import Annotation, Board, Kind, Panel, Row, Step, Style, Word
from trainyard.service.dashboards.selectors import RANGE, of

SCHEMA_VERSION = 39
COLUMNS = 24
Json = dict[str, Any]
_SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
_REDUCED: Json = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_LEGEND: Json = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
_OPEN_JOB = "/d/trainyard-job?var-job_id=${__data.fields.Job}&${datasource:queryparam}&${__url_time_range}"
_ONE: Json = {"mode": "single"}
# What each kind of panel looks like, unit and colours apart.
_OPTIONS: dict[Kind, Json] = {
    Kind.TIMESERIES: {"legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
    Kind.STAT: {
        "reduceOptions": _REDUCED,
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "auto",
        "justifyMode": "center",
        "orientation": "auto",
    },
    Kind.GAUGE: {"reduceOptions": _REDUCED, "showThresholdLabels": False, "showThresholdMarkers": False, "orientation": "auto"},
    Kind.BAR_GAUGE: {
        "reduceOptions": _REDUCED,
        "displayMode": "basic",
        "orientation": "horizontal",
        "valueMode": "text",
        "showUnfilled": True,
    },
    Kind.TABLE: {"showHeader": True, "cellHeight": "sm"},
    Kind.HEATMAP: {
        "calculate": False,
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 64, "exponent": 0.5, "scale": "exponential"},
        "cellGap": 1,
        "tooltip": {"mode": "single", "showColorScale": True, "yHistogram": False},
        "legend": {"show": True},
    },
    Kind.STATE_TIMELINE: {"mergeValues": True, "showValue": "auto", "rowHeight": 0.8, "legend": _LEGEND, "tooltip": _ONE},
    Kind.XY_CHART: {"mapping": "manual", "legend": _LEGEND, "tooltip": _ONE},
}
# Without it Grafana takes the options for those of version 10 and rewrites them to nothing.
_XY_SINCE = "11.1.0"


def text(board: Board) -> str:
    """Return the dashboard as the text of a file."""
    return json.dumps(dashboard(board), indent=2, ensure_ascii=False) + "\n"


def dashboard(board: Board) -> Json:
    """Return the dashboard as Grafana's object."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": ["trainyard"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [_built_in(), *(_annotation(mark) for mark in board.annotations)]},
        "links": [_link(*board.other)],
        "templating": {"list": list(_variables(board))},
        "panels": list(_panels(board.rows)),
    }


def _variables(board: Board) -> Iterator[Json]:
    yield {
        "name": "datasource",
        "label": "Data Source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
        "current": {},
    }
    yield _choice("job", "Scrape job", "label_values(trainyard_build_info, job)")
    yield _choice("instance", "Server", 'label_values(trainyard_build_info{job=~"$job"}, instance)')
    if board.selects_job:
        newest = f"query_result(sort_desc(max_over_time({of('job_start_timestamp_seconds')}[{RANGE}])))"
        ids = {"includeAll": False, "current": {}, "regex": '/job_id="([^"]+)"/', "sort": 0}
        yield {**_choice("job_id", "Job", newest), **ids}


def _choice(name: str, label: str, query: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "Variable"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "sort": 1,
    }


def _built_in() -> Json:
    return {
        "name": "Annotations & Alerts",
        "type": "dashboard",
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
    }


def _annotation(mark: Annotation) -> Json:
    return {
        "name": mark.name,
        "datasource": _SOURCE,
        "enable": True,
        "hide": False,
        "expr": mark.expression,
        "iconColor": mark.color,
        "titleFormat": mark.title,
        "textFormat": mark.text,
        "step": "10s",
        "useValueForTime": mark.value_is_time,
    }


def _link(uid: str, title: str) -> Json:
    return {
        "title": title,
        "type": "link",
        "url": f"/d/{uid}?${{datasource:queryparam}}&${{job:queryparam}}&${{instance:queryparam}}",
        "icon": "dashboard",
        "keepTime": True,
        "includeVars": False,
        "asDropdown": False,
        "tags": [],
        "targetBlank": False,
        "tooltip": "",
    }


def _panels(rows: Iterable[Row]) -> Iterator[Json]:
    number, top = 0, 0
    for row in rows:
        number += 1
        heading: Json = {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": row.collapsed,
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
            "panels": [],
        }
        placed, bottom = _filled(row.panels, number, top + 1)
        number, top = number + len(placed), bottom
        if row.collapsed:
            yield {**heading, "panels": placed}
        else:
            yield heading
            yield from placed


def _filled(panels: Iterable[Panel], number: int, top: int) -> tuple[list[Json], int]:
    """Place panels from the left, a new line when one does not fit; return them and the first free line."""
    placed: list[Json] = []
    left, bottom = 0, top
    for panel in panels:
        if left + panel.width > COLUMNS:
            left, top = 0, bottom
        number += 1
        placed.append(_panel(panel, number, {"h": panel.height, "w": panel.width, "x": left, "y": top}))
        left, bottom = left + panel.width, max(bottom, top + panel.height)
    return placed, bottom


def _panel(panel: Panel, number: int, place: Json) -> Json:
    return {
        **({"pluginVersion": _XY_SINCE} if panel.kind is Kind.XY_CHART else {}),
        "id": number,
        "type": panel.kind.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [_target(panel, letter, index) for index, letter in zip(range(len(panel.queries)), ascii_uppercase, strict=False)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": [_override(style) for style in panel.styles]},
        "options": _options(panel),
        "transformations": _transformations(panel),
    }


def _target(panel: Panel, letter: str, index: int) -> Json:
    query = panel.queries[index]
    shape = {Kind.TABLE: "table", Kind.HEATMAP: "heatmap"}.get(panel.kind, "time_series")
    return {
        "refId": letter,
        "datasource": _SOURCE,
        "editorMode": "code",
        "expr": query.expression,
        "format": shape,
        "instant": query.instant,
        "range": not query.instant,
        "legendFormat": query.legend or "__auto",
    }


def _defaults(panel: Panel) -> Json:
    made: Json = {
        "unit": panel.unit,
        "color": {"mode": "palette-classic"},
        "mappings": _mappings(panel.words),
        "noValue": panel.empty or "no data",
    }
    if panel.low is not None:
        made["min"] = panel.low
    if panel.high is not None:
        made["max"] = panel.high
    if panel.steps:
        made["color"] = {"mode": "thresholds"}
        made["thresholds"] = {"mode": "absolute", "steps": [_step(step) for step in panel.steps]}
    if panel.kind is Kind.TIMESERIES:
        made["custom"] = _lines(panel)
    if panel.link:
        made["links"] = [{"title": "Open the job", "url": _OPEN_JOB}]
    return made


def _lines(panel: Panel) -> Json:
    return {
        "drawStyle": "line",
        "lineWidth": 2,
        "fillOpacity": 30 if panel.stacked else 0,
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "scaleDistribution": {"type": "log", "log": 10} if panel.logarithmic else {"type": "linear"},
    }


def _step(step: Step) -> Json:
    return {"value": step.value, "color": step.color}


def _override(style: Style) -> Json:
    properties: list[Json] = [{"id": "color", "value": {"mode": "fixed", "fixedColor": style.color}}]
    if style.dashed:
        properties.append({"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 6]}})
    if style.fill:
        properties.append({"id": "custom.fillOpacity", "value": 15})
    return {"matcher": {"id": "byRegexp", "options": f"/^(?:{style.pattern})$/"}, "properties": properties}


def _mappings(words: Iterable[Word]) -> list[Json]:
    told = {str(word.value): {"text": word.text, "color": word.color, "index": index} for index, word in enumerate(words)}
    return [{"type": "value", "options": told}] if told else []


def _options(panel: Panel) -> Json:
    made = _OPTIONS[panel.kind]
    if panel.kind is Kind.HEATMAP:
        return {**made, "yAxis": {"unit": panel.unit, "axisPlacement": "left"}}
    if panel.kind is Kind.XY_CHART:
        x, y = (_named(query.legend) for query in panel.queries)
        return {**made, "series": [{"frame": {"matcher": {"id": "byIndex", "options": 0}}, "x": x, "y": y}]}
    return made


def _named(field: str) -> Json:
    return {"matcher": {"id": "byName", "options": field}}


def _transformations(panel: Panel) -> list[Json]:
    if panel.kind is Kind.XY_CHART:
        return [{"id": "joinByField", "options": {"byField": "Time", "mode": "inner"}}]
    if panel.kind is Kind.TABLE:
        order = {name: index for index, (name, _) in enumerate(panel.columns)}
        organized = {"excludeByName": dict.fromkeys(panel.hidden, True), "indexByName": order, "renameByName": dict(panel.columns)}
        return [{"id": "organize", "options": organized}]
    return []
