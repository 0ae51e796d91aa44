"""Whether a training step fits the device, as an interval: an error needs the low end, silence the high one."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate.hardware import HardwareProfile, built_in
from trainyard.linter.estimate.memory import Demand
from trainyard.linter.rules.batch_choice import for_memory, largest_batch
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import MODEL_SHAPE, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import number, size
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

POINTER = "/training/batch_size"


class BatchExceedsMemory(Rule):
    """A training step needs more memory than the device has.

    What it checks:
        Weights, gradients, optimizer slots, activations that the backward pass reads, convolution workspace and the device's own
        overhead, as an interval, against what the hardware profile can give. The low end does not fit: error. The high end does
        not: warning. Without a profile: error when the low end exceeds the largest built-in card, else info with the cards that
        it fits, unless it fits all of them. Where a base is unfrozen in stages, the stage that needs the most counts.

    Why it fails:
        The device runs out of memory at the first step, or at the first one that is larger than those before.

    Evidence:
        Terms as in DNNMem (doi 10.1145/3368089.3417050), whose error is about 15 %: hence an interval and no single threshold.
        Activations dominate for convolutional nets: keras-team/keras#5199. Sums by hand were low by 1.6 in BVLC/caffe#5464.

    When to ignore:
        When the spec has run on that device before: what was measured there is better than an interval.
    """

    code = "MEM001"
    name = "batch-exceeds-memory"
    severity = Severity.ERROR
    strict = Severity.WARNING
    reads = (
        POINTER,
        "/training/precision",
        "/training/gradient_accumulation",
        "/training/stages",
        "/resources/gpus",
        "/optimizer",
        *MODEL_SHAPE,
    )
    VALID = (
        Valid({}, hardware="t4"),
        Valid({}),
        Valid({"dataset": {"input_shape": [224, 224, 3]}, "training": {"batch_size": 32}}, hardware="a100-40gb"),
    )
    INVALID = (
        Invalid(
            {"dataset": {"input_shape": [512, 512, 3]}, "training": {"batch_size": 4096}},
            POINTER,
            "does not fit",
            fix=40,
            hardware="t4",
        ),
        Invalid({"dataset": {"input_shape": [512, 512, 1]}, "training": {"batch_size": 8192}}, POINTER, "exceeds the largest card known"),
        Invalid(
            {"dataset": {"input_shape": [512, 512, 1]}, "training": {"batch_size": 256}},
            POINTER,
            "fits cards from",
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the interval with the profile, or with the built-in cards."""
        if case.demand is None:
            return
        if case.hardware is not None:
            yield from self._against(case, case.demand, case.hardware)
        else:
            yield from self._against_all(case, case.demand)

    def check_strictly(self, case: Case) -> Iterator[Violation]:
        """Say the same, everything but an error as a warning."""
        for violation in self.check(case):
            yield violation._replace(severity=max(violation.severity or self.severity, Severity.WARNING))

    def _against(self, case: Case, demand: Demand, profile: HardwareProfile) -> Iterator[Violation]:
        need, usable = demand.memory(case.device_batch, profile).total, profile.usable_bytes
        if need.high <= usable:
            return
        told = f"batch size {number(case.spec.training.batch_size)}{case.origin(POINTER)} needs {size(need.low)} to {size(need.high)}"
        offer = f"{profile.device} offers {size(usable)}"
        if need.low > usable:
            yield self._violation(case, profile, f"{told}; {offer}, so it does not fit", Severity.ERROR)
        else:
            yield self._violation(case, profile, f"{told}; {offer}, so it may not fit", Severity.WARNING)

    def _against_all(self, case: Case, demand: Demand) -> Iterator[Violation]:
        cards = built_in()
        least, most = (demand.memory(case.device_batch, card).total for card in (cards[0], cards[-1]))
        if least.high <= cards[0].usable_bytes:
            return
        told = f"batch size {number(case.spec.training.batch_size)}{case.origin(POINTER)} needs"
        if most.low > cards[-1].usable_bytes:
            largest = f"{cards[-1].device}, {size(cards[-1].usable_bytes)}"
            problem = f"{told} at least {size(most.low)}, which exceeds the largest card known ({largest})"
            yield self._violation(case, cards[-1], problem, Severity.ERROR)
            return
        fitting = next((card for card in cards if demand.memory(case.device_batch, card).total.high <= card.usable_bytes), cards[-1])
        cards_from = f"fits cards from {size(fitting.memory_bytes)} ({fitting.device}) on"
        message = f"{told} {size(least.low)} to {size(least.high)} and {cards_from}; name yours with --hardware to be sure"
        yield Violation(POINTER, message, severity=Severity.INFO)

    @staticmethod
    def _violation(case: Case, profile: HardwareProfile, problem: str, severity: Severity) -> Violation:
        batch = for_memory(case, largest_batch(case, profile))
        if batch == 0:
            return Violation(POINTER, f"{problem}; not even one sample fits, so make the model or its input smaller", severity=severity)
        return Violation(POINTER, f"{problem}; write {number(batch)}", suggestion=Suggestion(POINTER, batch), severity=severity)


RULES = (BatchExceedsMemory(),)
