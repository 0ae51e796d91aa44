"""The seed page's own spec on MalImg with its real 25 counts: the findings that the evidence argues for, and the page's numbers."""

from __future__ import annotations

from typing import Any

import pytest

from trainyard.linter import spec
from trainyard.linter.estimate.weights import balanced
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.index import RULES
from trainyard.linter.source.severity import Severity

COUNTS = {
    "Adialer.C": 122, "Agent.FYI": 116, "Allaple.A": 2949, "Allaple.L": 1591, "Alueron.gen!J": 198, "Autorun.K": 106, "C2LOP.P": 146,
    "C2LOP.gen!g": 200, "Dialplatform.B": 177, "Dontovo.A": 162, "Fakerean": 381, "Instantaccess": 431, "Lolyda.AA1": 213,
    "Lolyda.AA2": 184, "Lolyda.AA3": 123, "Lolyda.AT": 159, "Malex.gen!J": 136, "Obfuscator.AD": 142, "Rbot!gen": 158, "Skintrim.N": 80,
    "Swizzor.gen!E": 128, "Swizzor.gen!I": 132, "VB.AT": 408, "Wintrim.BX": 97, "Yuner.A": 800,
}  # fmt: skip

SEED: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {
        "type": "image_directory",
        "path": "malimg",
        "input_shape": [64, 64, 1],
        "facts": {"samples": 9339, "class_counts": COUNTS, "content": "bytes"},
    },
    "augmentation": "light",
    "model": {
        "type": "cnn",
        "blocks": [{"filters": 32}, {"filters": 64}, {"filters": 128}],
        "head": {"pooling": "flatten", "hidden": [256]},
        "dropout": {"conv": 0.25, "dense": 0.5},
    },
    "optimizer": {"type": "adam", "learning_rate": 0.001},
    "scheduler": {"type": "reduce_on_plateau", "factor": 0.5, "patience": 5, "min_lr": 1e-7},
    "training": {"epochs": 100, "batch_size": 32, "shuffle": True},
    "regularization": {"l2": 0.0001},
    "imbalance": {"type": "class_weights"},
    "callbacks": {"early_stopping": {"patience": 10, "min_delta": 0.0001}, "checkpoint": {"monitor": "val_loss"}},
}


def judged(written: dict[str, Any], *, strictly: bool = False) -> dict[str, Severity]:
    assert spec.check(written) == ()
    case = Case(spec.typed(spec.resolve(written)), written)
    found = [(rule, violation) for rule in RULES for violation in (rule.check_strictly if strictly else rule.check)(case)]
    return {rule.name: violation.severity or rule.severity for rule, violation in found}


def test_the_seed_pages_spec_has_nothing_to_warn_about() -> None:
    assert judged(SEED) == {"imbalanced-classes": Severity.INFO, "rare-class-hardly-validated": Severity.INFO}


def test_in_strict_the_imbalance_is_a_warning_as_on_the_page() -> None:
    assert judged(SEED, strictly=True)["imbalanced-classes"] == Severity.WARNING


def test_a_public_script_without_weights_and_with_accuracy_alone_is_told_so() -> None:
    script = {**SEED, "imbalance": {"type": "none"}, "metrics": ["accuracy"]}
    found = judged(script)
    assert found["imbalanced-classes"] == Severity.WARNING
    assert found["accuracy-only-on-imbalanced-classes"] == Severity.WARNING


def test_flips_do_not_suit_byte_plots() -> None:
    assert judged({**SEED, "augmentation": "heavy"})["augmentation-changes-meaning"] == Severity.WARNING


def test_the_plans_numbers_follow_the_pages_formulae() -> None:
    case = Case(spec.typed(spec.resolve(SEED)), SEED)
    assert case.train_samples == 6537
    assert case.steps_per_epoch == 205
    assert case.updates == 20_500
    weights = dict(zip(case.class_names, balanced(case.class_counts or ()), strict=True))
    assert weights["Allaple.A"] == pytest.approx(9339 / (25 * 2949))
    assert weights["VB.AT"] == pytest.approx(9339 / (25 * 408))
