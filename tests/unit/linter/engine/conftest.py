"""A healthy spec, and a way to run the engine with rules of a test's own."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trainyard.linter.engine import catalogue, plan
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Rule, Violation
from trainyard.linter.source import Severity

HEALTHY: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "csv", "path": "flowers.csv", "target": "kind", "facts": {"samples": 900, "classes": ["a", "b", "c"]}},
    "model": {"type": "mlp", "hidden": [32]},
    "optimizer": {"type": "adam", "learning_rate": 0.001},
    "training": {"epochs": 20, "batch_size": 32},
}


@pytest.fixture
def healthy() -> dict[str, Any]:
    return copy.deepcopy(HEALTHY)


@pytest.fixture
def text() -> Callable[..., str]:
    def write(**sections: Any) -> str:
        return json.dumps({**copy.deepcopy(HEALTHY), **sections}, indent=2)

    return write


@pytest.fixture
def with_rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def use(*rules: Rule) -> None:
        for module in (plan, catalogue):
            monkeypatch.setattr(module, "RULES", rules)
            module.forget()

    yield use
    plan.forget()
    catalogue.forget()


class RateTooHigh(Rule):
    """A rate of one or more."""

    code, name, severity = "TST001", "rate-too-high", Severity.WARNING
    reads = ("/optimizer/learning_rate",)

    def check(self, case: Case) -> Iterator[Violation]:
        rate = case.spec.optimizer.learning_rate
        if rate >= 1:
            yield Violation("/optimizer/learning_rate", f"rate {rate} is too high; write 0.001")


class Always(Rule):
    """Speaks at every spec."""

    code, name, severity = "ALW001", "always-there", Severity.INFO
    reads = ("/training/epochs",)

    def check(self, case: Case) -> Iterator[Violation]:
        yield Violation("/training/epochs", f"{case.spec.training.epochs} epochs")


class Broken(Rule):
    """Crashes."""

    code, name, severity = "BAD001", "broken", Severity.INFO
    reads = ("/training",)

    def check(self, case: Case) -> Iterator[Violation]:
        yield Violation("/training", f"before the crash at {case.spec.training.epochs} epochs")
        raise ZeroDivisionError("boom")


@pytest.fixture
def rate_too_high() -> Rule:
    return RateTooHigh()


@pytest.fixture
def always() -> Rule:
    return Always()


@pytest.fixture
def broken() -> Rule:
    return Broken()
