"""Whether the validation part is large enough to judge by."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.output import place_of
from trainyard.linter.rules.rule import CLASS_COUNTS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.split import SPLIT
from trainyard.linter.rules.wording import count
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

_FEW = 10
_SHARE = 0.15


class ValidationOfFew(Rule):
    """The validation part holds next to no samples.

    What it checks:
        Fewer than 10 samples in the validation part. Where the classes are counted, the rule on rare classes speaks instead.

    Why it fails:
        What is measured on so few samples is chance, and the best model, the end of the run and the plateau are chosen by it.

    Evidence:
        Standard error of a mean, s / sqrt(n): a share of right answers is known to 16 points with 10 samples, to 50 points with one.

    When to ignore:
        When nothing is chosen by the validation part.
    """

    code = "SPL009"
    name = "validation-of-few"
    severity = Severity.WARNING
    reads = (f"{SPLIT}/validation", *CLASS_COUNTS)
    optional = CLASS_COUNTS
    VALID = (Valid({"dataset": {"split": {"validation": {"samples": 500}}}}, onto="regression"),)
    INVALID = (
        Invalid(
            {"dataset": {"split": {"validation": {"samples": 1}}}},
            f"{SPLIT}/validation",
            "1 sample,",
            fix=_SHARE,
            onto="regression",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Count the samples."""
        held = case.validation_samples
        if held is None or not 0 < held < _FEW or case.class_counts is not None:
            return
        pointer = f"{SPLIT}/validation"
        told = f"the validation part holds {count(held, 'sample')}, and what is measured on so few is chance"
        split = case.spec.dataset.split.validation
        # Of a set that is small itself, a share holds no more.
        enough = case.samples is not None and _SHARE * case.samples >= _FEW and split is not None and split.path is None
        fix = Suggestion(pointer, _SHARE) if enough else None
        yield Violation(place_of(case, pointer), f"{told}; {'write 0.15' if fix else 'take more'}", suggestion=fix)


RULES = (ValidationOfFew(),)
