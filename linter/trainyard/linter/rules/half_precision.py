"""Number formats of few digits, against an optimizer that needs more of them."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.learning_rate import optimizer_name
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

# These multiply by the root of 1 - beta_2^t; half way between 1 and the number before it in bfloat16, everything becomes 1.
_CORRECTED = frozenset({"adam", "adamw", "nadam"})
_ONE_IN_BFLOAT16 = 1 - 2**-9


class CorrectionVanishes(Rule):
    """The optimizer's correction of its running means is 0 in this number format, and no weight moves.

    What it checks:
        Adam, AdamW or Nadam with weights in `bfloat16` and a `beta_2` that is rounded to 1 there: of 0.998 and more.

    Why it fails:
        Each step is multiplied by the root of 1 - beta_2^t, computed in the format of the weights. A beta_2 of 1 makes that 0: the loss
        stays what it was.

    Evidence:
        keras/src/optimizers/adam.py and nadam.py; bfloat16 has 8 significant bits, so the number before 1 is 1 - 2^-8. A crossing of all
        optimizers with all precisions trained every other pair.

    When to ignore:
        Never; `mixed_bfloat16` keeps the weights in float32.
    """

    code = "PRE004"
    name = "correction-vanishes-in-bfloat16"
    severity = Severity.ERROR
    reads = ("/optimizer/type", "/optimizer/beta_2", "/training/precision")
    optional = ("/optimizer/beta_2",)
    VALID = (
        Valid({"training": {"precision": "bfloat16"}, "optimizer": {"type": "adam", "beta_2": 0.99}}),
        Valid({"training": {"precision": "mixed_bfloat16"}}),
    )
    INVALID = (Invalid({"training": {"precision": "bfloat16"}}, "/training/precision", "no weight would move", fix="mixed_bfloat16"),)

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare beta_2 with what the format can hold."""
        optimizer = case.spec.optimizer
        beta: float = getattr(optimizer, "beta_2", 0.0)
        if case.spec.training.precision != "bfloat16" or optimizer.type not in _CORRECTED or beta < _ONE_IN_BFLOAT16:
            return
        told = f"in bfloat16 beta_2 {number(beta)}{case.origin('/optimizer/beta_2')} is 1, so {optimizer_name(optimizer.type)}'s correction"
        fix = Suggestion("/training/precision", "mixed_bfloat16")
        message = f"{told} 1 - beta_2^t is 0 and no weight would move; write 'mixed_bfloat16'"
        yield Violation("/training/precision", message, suggestion=fix)


RULES = (CorrectionVanishes(),)
