"""The time that reading data has."""

from __future__ import annotations

from trainyard.linter.facts.budget import Budget


def test_while_a_library_is_loaded_the_clock_stands_still() -> None:
    now = [0.0]
    budget = Budget(1.0, lambda: now[0])
    now[0] = 0.25
    with budget.halted():
        now[0] = 5.25
    assert not budget.is_spent
    assert budget.left_seconds == 0.75
    now[0] = 6.0
    assert budget.is_spent
