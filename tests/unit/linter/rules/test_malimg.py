"""The seed page's own spec on MalImg with its real 25 counts: the findings that the evidence argues for, and the page's numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.corpora.malimg import SPEC as SEED

from trainyard.linter import Configuration, lint, spec
from trainyard.linter.engine.findings import Severity
from trainyard.linter.estimate import hardware
from trainyard.linter.estimate.weights import balanced
from trainyard.linter.rules.case import Case

# What the evidence argues for: the imbalance and the rarest family's few validation samples are worth knowing, no more.
EXPECTED = {"imbalanced-classes": Severity.INFO, "rare-class-hardly-validated": Severity.INFO}


def judged(written: dict[str, Any], ruleset: str = "recommended", profile: str | None = None) -> dict[str, Severity]:
    known = None if profile is None else hardware.profile(profile)
    found = lint(json.dumps(written), configuration=Configuration(ruleset=ruleset), hardware=known).findings
    return {finding.name: finding.severity for finding in found}


def test_the_seed_pages_spec_gets_exactly_the_findings_that_the_evidence_argues_for() -> None:
    assert judged(SEED) == EXPECTED


@pytest.mark.parametrize("profile", [card.name for card in hardware.built_in()])
def test_no_card_makes_it_more(profile: str) -> None:
    assert judged(SEED, profile=profile) == EXPECTED


def test_the_findings_name_the_families_and_the_numbers() -> None:
    said = {finding.name: finding.message for finding in lint(json.dumps(SEED)).findings}
    assert "36.9 : 1 (2,949 'Allaple.A', 80 'Skintrim.N'); balanced weights are 0.127 to 4.67" in said["imbalanced-classes"]
    assert "12 of 80 samples of 'Skintrim.N'" in said["rare-class-hardly-validated"]


def test_in_strict_exactly_the_seed_pages_own_thresholds_are_added() -> None:
    assert judged(SEED, "strict") == {"imbalanced-classes": Severity.WARNING, "rare-class-hardly-validated": Severity.INFO}


def test_a_public_script_without_weights_and_with_accuracy_alone_is_told_so_and_nothing_else() -> None:
    script = {**SEED, "imbalance": {"type": "none"}, "metrics": ["accuracy"]}
    assert judged(script) == {
        **EXPECTED,
        "imbalanced-classes": Severity.WARNING,
        "accuracy-only-on-imbalanced-classes": Severity.WARNING,
    }


def test_flips_do_not_suit_byte_plots_and_nothing_else_is_said() -> None:
    assert judged({**SEED, "augmentation": "heavy"}) == {**EXPECTED, "augmentation-changes-meaning": Severity.WARNING}


@pytest.mark.parametrize("activation", ["relu", "mish", "swish", "gelu", "elu"])
def test_the_activation_is_no_axis_of_faults_here(activation: str) -> None:
    assert judged({**SEED, "model": {**SEED["model"], "activation": activation}}) == EXPECTED


def test_the_plans_numbers_follow_the_pages_formulae() -> None:
    case = Case(spec.typed(spec.resolve(SEED)), SEED)
    assert case.train_samples == 6537
    assert case.steps_per_epoch == 205
    assert case.updates == 20_500
    weights = dict(zip(case.class_names, balanced(case.class_counts or ()), strict=True))
    assert weights["Allaple.A"] == pytest.approx(9339 / (25 * 2949))
    assert weights["VB.AT"] == pytest.approx(9339 / (25 * 408))
