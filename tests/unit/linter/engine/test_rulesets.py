"""A dated ruleset is a promise: the rules in it, their names and severities stay as they are, whatever a later release adds.

``python -m tests.unit.linter.engine.test_rulesets`` writes the table of the newest set anew. That is right only until its release.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from trainyard.linter.engine.configuration import NEWEST_RULESET, RULESETS, Configuration
from trainyard.linter.engine.plan import plan

FROZEN = Path(__file__).parent / "rulesets"
DATED = [name for name in RULESETS if name[:1].isdigit()]


def members(ruleset: str) -> list[str]:
    """Return what runs in a ruleset: code, name, severity, a line each."""
    planned = plan(Configuration(ruleset=ruleset)).rules
    return sorted(f"{each.rule.code} {each.rule.name} {each.rule.severity.label}" for each in planned)


@pytest.mark.parametrize("ruleset", DATED)
def test_a_dated_ruleset_is_what_it_was_when_it_was_dated(ruleset: str) -> None:
    frozen = (FROZEN / f"{ruleset}.txt").read_text(encoding="utf-8").splitlines()
    now = members(ruleset)
    assert now == frozen, (
        f"{ruleset} changed: a rule that is new since its release says a later date in `since`; "
        "before the release, `python -m tests.unit.linter.engine.test_rulesets` writes the table"
    )


def test_every_dated_ruleset_is_frozen_and_the_newest_one_is_known() -> None:
    assert {f"{name}.txt" for name in DATED} == {path.name for path in FROZEN.iterdir()}
    assert max(DATED, key=lambda name: [int(part) for part in name.split(".")]) == NEWEST_RULESET


def test_recommended_runs_everything_that_the_newest_dated_one_runs() -> None:
    assert set(members(NEWEST_RULESET)) <= set(members("recommended"))


if __name__ == "__main__":
    (FROZEN / f"{NEWEST_RULESET}.txt").write_text("\n".join(members(NEWEST_RULESET)) + "\n", encoding="utf-8")
