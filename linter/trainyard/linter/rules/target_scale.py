"""Targets that are too large for the steps of plain SGD."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate import learning_rate
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.learning_rate import POINTER as RATE
from trainyard.linter.rules.learning_rate import suggested
from trainyard.linter.rules.output import target_range
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.target_steps import highest_rate, limit
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity


class TargetsTooLargeForRate(Rule):
    """The targets are so large that SGD's first steps blow the weights up.

    What it checks:
        A regression by mean squared error with SGD, no gradient clipping, no normalization, relu-like hidden layers and a known range of
        the targets: rate / (1 - momentum) times their span, against 6 for one hidden layer, 3 for two and 1.5 for more; half of that
        without momentum.

    Why it fails:
        The gradient of a squared error grows with the error, and the first errors are as large as the targets: one step makes weights
        that overshoot the next, and the loss becomes no number.

    Evidence:
        Measured here, on relu nets of one to three hidden layers and targets that span 1 to 1,000: from these products on most runs
        diverge, at a tenth of them all learn (tests/unit/linter/rules/test_target_scale.py repeats it). DeepLocalize's benchmark,
        posts 48934338 and 44998910; adaptive optimizers divide the size out.

    When to ignore:
        When the targets are scaled before training: declare the range that they have then.
    """

    code = "TGT001"
    name = "targets-too-large-for-rate"
    severity = Severity.WARNING
    reads = (RATE, "/optimizer", "/model", "/loss", "/task", "/dataset/facts/target")
    VALID = (
        Valid({"dataset": {"facts": {"target": {"range": {"min": 0, "max": 250}}}}}, onto="regression"),
        Valid(
            {
                "optimizer": {"type": "sgd", "learning_rate": 0.01, "momentum": 0.9},
                "dataset": {"facts": {"target": {"range": {"min": 0, "max": 1}}}},
            },
            onto="regression",
        ),
        Valid(
            {
                "optimizer": {"type": "sgd", "learning_rate": 0.1, "clipnorm": 1.0},
                "dataset": {"facts": {"target": {"range": {"min": 0, "max": 250}}}},
            },
            onto="regression",
        ),
    )
    INVALID = (
        Invalid(
            {
                "optimizer": {"type": "sgd", "learning_rate": 0.1, "momentum": 0.0},
                "dataset": {"facts": {"target": {"range": {"min": 0, "max": 250}}}},
            },
            RATE,
            "0 to 250",
            fix=0.0006,
            onto="regression",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the size of the first steps with what such a net bears."""
        optimizer, traits = case.spec.optimizer, case.traits
        low, high = target_range(case)
        if low is None or high is None or optimizer.learning_rate <= 0 or highest_rate(case) is None:
            return
        bound = limit(traits.weighted, learning_rate.momentum(optimizer))
        effective = learning_rate.effective(optimizer)
        # Beyond what works for any targets, the rule on that speaks.
        if effective * (high - low) < bound or effective > learning_rate.bounds(optimizer).error_above:
            return
        value = suggested(case)
        told = f"targets of {number(low)} to {number(high)} are too large for SGD at the rate {number(optimizer.learning_rate)}"
        message = f"{told}: the first errors blow the weights up; write {number(value)}, or scale the targets"
        yield Violation(RATE, message, suggestion=Suggestion(RATE, value))


RULES = (TargetsTooLargeForRate(),)
