"""Specs to plan: the rules' healthy ones, the page's own on MalImg, and generated ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from tests.corpora.malimg import SPEC as SEED

from trainyard.linter import lint
from trainyard.linter.estimate import hardware
from trainyard.linter.planning import TrainingPlan, training_plan
from trainyard.linter.rules.examples import BASES, merged

_FRAGMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"scheduler": {"type": "cosine", "t_max": {"epochs": 20}, "warmup": {"epochs": 2}}},
    {"scheduler": {"type": "one_cycle"}, "optimizer": {"type": "sgd", "learning_rate": 0.1}},
    {"scheduler": {"type": "step", "size": {"steps": 100}, "gamma": 0.1}, "training": {"batch_size": 7, "epochs": 3}},
    {"scheduler": {"type": "reduce_on_plateau", "patience": 1, "cooldown": 3}, "callbacks": {"early_stopping": None, "checkpoint": None}},
    {"training": {"epochs": 100_000, "batch_size": 4096, "gradient_accumulation": 4}, "callbacks": {"tensorboard": True}},
    {"optimizer": {"type": "lion", "learning_rate": 0.5}, "imbalance": {"type": "none"}},
    {"experiment": {"name": "n" * 300, "description": "word " * 100, "tags": [f"tag {number}" for number in range(20)]}},
)


def generated() -> dict[str, dict[str, Any]]:
    """Return healthy specs of every model type, each changed in several ways."""
    found = {f"{base}-{index}": merged(fragment, base) for base in BASES for index, fragment in enumerate(_FRAGMENTS)}
    staged = {"epochs": 5, "stages": [{"trainable": {"last": 20}, "epochs": 3, "learning_rate": 1e-4}, {"trainable": "all", "epochs": 2}]}
    found["stages"] = merged({"training": staged}, "transfer")
    found["declared"] = merged({"model": {"type": "declared", "parameters": 10**9}}, "images")
    found["no-samples"] = merged({"dataset": {"facts": {"samples": None}}}, "regression")
    found["no-shape"] = {key: value for key, value in merged({}, "table").items() if key != "dataset"} | {
        "dataset": {"type": "csv", "path": "t.csv", "target": "y"}
    }
    found["oversample"] = merged(
        {"imbalance": {"type": "oversample"}, "dataset": {"facts": {"class_counts": {"a": 900, "b": 30}}}}, "table"
    )
    found["endless"] = merged({"scheduler": {"type": "step", "size": {"steps": 100}, "gamma": 1e308}}, "images")
    found["odd-sizes"] = merged({"dataset": {"input_shape": [10**9, 10**9, 10**9]}, "training": {"batch_size": 2**53 - 1}}, "images")
    found["nothing"] = merged({"training": {"epochs": 0, "batch_size": 0}, "optimizer": {"learning_rate": 0}}, "images")
    found["seed"] = SEED
    return found


GENERATED = generated()


def plan_of(written: dict[str, Any] | str | bytes, card: str | None = None) -> TrainingPlan:
    text = json.dumps(written) if isinstance(written, dict) else written
    return training_plan(lint(text, hardware=None if card is None else hardware.profile(card)))


@cache
def generated_plan(name: str) -> TrainingPlan:
    """Plan a generated spec, every second one on a card; once for all tests."""
    card = "t4" if list(GENERATED).index(name) % 2 else None
    return plan_of(GENERATED[name], card)


@pytest.fixture(scope="session")
def seed_plan() -> TrainingPlan:
    """The plan of the page's own spec on a T4."""
    return plan_of(SEED, "t4")


@pytest.fixture
def planned() -> Callable[..., TrainingPlan]:
    """Plan a spec that is one of the healthy ones with a fragment merged in."""

    def plan(fragment: dict[str, Any], onto: str = "images", card: str | None = None) -> TrainingPlan:
        return plan_of(merged(fragment, onto), card)

    return plan
