"""What several rules suggest goes together: no two values for one field, and following all of them at once comes to rest."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from copy import deepcopy
from typing import Any

import pytest
from tests.unit.linter.rules.faults import FAULTS
from tests.unit.linter.rules.healthy import healthy

from trainyard.linter import lint
from trainyard.linter.engine.findings import Finding, Severity
from trainyard.linter.estimate import hardware

DRAWS, MOST_FAULTS, MOST_ROUNDS = 300, 4, 5


def faulty(number: int) -> tuple[dict[str, Any], str | None]:
    draw = random.Random(f"suggestions {number}")
    spec = healthy(draw)
    for fault in draw.sample(FAULTS, k=draw.randint(1, MOST_FAULTS)):
        fault(spec, draw)
    return spec, draw.choice([None, None, "t4"])


def judged(spec: dict[str, Any], profile: str | None) -> list[Finding]:
    return list(lint(json.dumps(spec), hardware=None if profile is None else hardware.profile(profile)).findings)


def put(spec: dict[str, Any], pointer: str, value: object) -> None:
    *parents, last = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    place: Any = spec
    for token in parents:
        place = place[int(token)] if isinstance(place, list) else place.setdefault(token, {})
    if isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value


def test_no_two_suggestions_want_different_values_for_one_field() -> None:
    disagreements = []
    for number in range(DRAWS):
        spec, profile = faulty(number)
        wanted: dict[str, dict[str, str]] = defaultdict(dict)
        for finding in judged(spec, profile):
            if finding.suggestion is not None:
                wanted[finding.suggestion.pointer][json.dumps(finding.suggestion.value)] = finding.code
        disagreements += [(number, pointer, values) for pointer, values in wanted.items() if len(values) > 1]
    assert disagreements == []


@pytest.mark.parametrize("start", range(0, DRAWS, 50))
def test_following_all_suggestions_at_once_comes_to_rest(start: int) -> None:
    restless = []
    for number in range(start, start + 50):
        spec, profile = faulty(number)
        spec = deepcopy(spec)
        told: list[Finding] = []
        for _ in range(MOST_ROUNDS):
            told = [each for each in judged(spec, profile) if each.severity > Severity.INFO and each.suggestion is not None]
            if not told:
                break
            # Sections before their fields, so that a field is not written into what is then replaced.
            for finding in sorted(told, key=lambda each: each.suggestion.pointer.count("/") if each.suggestion else 0):
                if finding.suggestion is not None:
                    put(spec, finding.suggestion.pointer, finding.suggestion.value)
        if told:
            restless.append((number, [(each.code, each.message) for each in told]))
    assert restless == []
