"""All files that an operator needs, as text by path: dashboards, provisioning, scrape configuration, rules.

Written by hand as YAML, since people read and change them; what is generated in them (rules) is quoted as JSON strings,
which YAML reads as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from trainyard.service.dashboards import fleet, grafana, job
from trainyard.service.dashboards.alerts import ALERTS, RECORDS, RUNBOOKS, Alert, Record

NOTICE = "# Written by `trainyard dashboards --write DIR`: write it anew rather than changing it here.\n"
_DATA_SOURCE = """apiVersion: 1
datasources:
  - name: Prometheus
    uid: trainyard-prometheus
    type: prometheus
    access: proxy
    url: {prometheus}
    isDefault: true
    jsonData:
      timeInterval: 5s
"""
_PROVIDER = """apiVersion: 1
providers:
  - name: Trainyard
    folder: Trainyard
    type: file
    disableDeletion: true
    allowUiUpdates: false
    options:
      path: /var/lib/grafana/dashboards/trainyard
"""
_SCRAPE = """global:
  scrape_interval: 5s
  evaluation_interval: 5s
rule_files:
  - rules/trainyard.yml
scrape_configs:
  - job_name: trainyard
    # The server's own bounds lie far below these; a scrape beyond them is refused whole.
    sample_limit: 5000
    label_value_length_limit: 256
    static_configs:
      - targets: ["{target}"]
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts find each other.

    Attributes:
        metrics: HOST:PORT at which the server shows its metrics.
        prometheus: address at which Grafana asks Prometheus.
        runbooks: what stands before the name of a runbook's page; an address makes alerts lead to it.
    """

    metrics: str = "127.0.0.1:9464"
    prometheus: str = "http://127.0.0.1:9090"
    runbooks: str = RUNBOOKS


def files(places: Places) -> dict[str, str]:
    """Return each file's text by its path."""
    return {
        "grafana/dashboards/fleet.json": grafana.text(fleet.BOARD),
        "grafana/dashboards/job.json": grafana.text(job.BOARD),
        "grafana/provisioning/datasources/trainyard.yml": NOTICE + _DATA_SOURCE.replace("{prometheus}", places.prometheus),
        "grafana/provisioning/dashboards/trainyard.yml": NOTICE + _PROVIDER,
        "prometheus/prometheus.yml": NOTICE + _SCRAPE.replace("{target}", places.metrics),
        "prometheus/rules/trainyard.yml": NOTICE + rules(places.runbooks),
    }


def rules(runbooks: str = RUNBOOKS) -> str:
    """Return the recorded rules and the alerts as Prometheus' rule file; their pages lie below ``runbooks``."""
    lines = ["groups:", "  - name: trainyard-records", "    rules:"]
    lines += [line for record in RECORDS for line in _record(record)]
    lines += ["  - name: trainyard-alerts", "    rules:"]
    lines += [line for alert in ALERTS for line in _alert(alert, runbooks)]
    return "\n".join(lines) + "\n"


def _record(record: Record) -> Iterator[str]:
    yield f"      # {record.meaning}"
    yield f"      - record: {record.name}"
    yield f"        expr: {_quoted(record.expression)}"


def _alert(alert: Alert, runbooks: str) -> Iterator[str]:
    yield f"      - alert: {alert.name}"
    yield f"        expr: {_quoted(alert.expression)}"
    yield f"        for: {alert.holds}"
    yield "        labels:"
    yield f"          severity: {alert.severity.value}"
    yield "        annotations:"
    yield f"          summary: {_quoted(alert.summary)}"
    yield f"          description: {_quoted(alert.description)}"
    # The name by which Grafana and Alertmanager's templates know a link.
    yield f"          runbook_url: {_quoted(f'{runbooks}/{alert.page}')}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
