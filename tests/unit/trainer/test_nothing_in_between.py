"""A spec that the linter lets pass is one that can be trained: whatever the trainer refuses, a rule has refused in its own words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.integration.trainer.drawing import Drawer
from tests.unit.trainer.conftest import SMALL, merged
from tests.unit.trainer.test_capability import CHANGES

from trainyard.linter import Report, Severity, lint
from trainyard.service.capability import untrainable

# What the language itself calls checked and never run; such a spec describes what is trained elsewhere.
DESCRIBED = "declared"
DRAWN = 1500


def refused(report: Report) -> list[str]:
    return [finding.pointer for finding in report.findings if finding.severity is Severity.ERROR]


@pytest.mark.parametrize("pointer, changes", CHANGES, ids=[f"{pointer}-{place}" for place, (pointer, _) in enumerate(CHANGES)])
def test_every_refusal_of_the_trainer_is_an_error_of_the_linter(pointer: str, changes: dict[str, Any]) -> None:
    exempt = changes.get("model", {}).get("type") == DESCRIBED

    report = lint(json.dumps(merged(SMALL, changes)).encode())

    assert bool(refused(report)) is not exempt


def test_no_drawn_spec_passes_the_linter_and_is_refused_by_the_trainer() -> None:
    passed, between = 0, []
    for number in range(DRAWN):
        written = Drawer(f"between {number}").spec()
        report = lint(json.dumps(written).encode())
        if report.spec is None or refused(report):
            continue
        passed += 1
        between += [(gap, written) for gap in untrainable(report.spec)]

    assert between == []
    assert passed > DRAWN // 10
