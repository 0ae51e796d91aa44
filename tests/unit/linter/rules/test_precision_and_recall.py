"""Healthy specs at random draw no warning; a single fault put into one has its field named. Over all model types and tasks."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.linter.rules.faults import FAULTS, Fault
from tests.unit.linter.rules.healthy import KINDS, healthy

from trainyard.linter import lint
from trainyard.linter.engine.findings import Finding, Severity

HEALTHY = 400
FAULTY_EACH = 6
MOST_DRAWS = 400


def warnings(spec: dict[str, Any]) -> list[Finding]:
    return [finding for finding in lint(json.dumps(spec)).findings if finding.severity > Severity.INFO]


def test_healthy_specs_draw_no_warning() -> None:
    false_alarms = []
    for number in range(HEALTHY):
        found = warnings(healthy(random.Random(f"healthy {number}")))
        false_alarms += [f"{number}: {finding.name}: {finding.message}" for finding in found]
    assert false_alarms == []


def test_the_healthy_specs_cover_every_kind_of_model_and_task() -> None:
    drawn = [healthy(random.Random(f"healthy {number}")) for number in range(HEALTHY)]
    assert {spec["model"]["type"] for spec in drawn} == {"cnn", "mlp", "transfer", "sequential", "graph"}
    assert {spec["task"] for spec in drawn} == {"classification", "multilabel", "regression"}
    assert len(KINDS) > 10


def faulty(fault: Fault) -> Iterator[tuple[dict[str, Any], list[str]]]:
    for number in range(MOST_DRAWS):
        draw = random.Random(f"{fault.__name__} {number}")
        spec = healthy(draw)
        fields = fault(spec, draw)
        if fields is not None:
            yield spec, fields


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_single_fault_is_named(fault: Fault) -> None:
    silent = []
    drawn = 0
    for spec, fields in faulty(fault):
        drawn += 1
        found = warnings(spec)
        pointers = [pointer for each in found for pointer in (each.pointer, each.suggestion.pointer if each.suggestion else "")]
        if not any(pointer == field or pointer.startswith(field + "/") for pointer in pointers for field in fields):
            silent.append((spec, [finding.message for finding in found]))
        if drawn == FAULTY_EACH:
            break
    assert drawn, "this fault fits into no healthy spec"
    assert silent == []
