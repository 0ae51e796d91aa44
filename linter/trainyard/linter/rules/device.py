"""What the named device makes of the run: whether it ends in the time that it is given, and whether half precision pays."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import MODEL_SHAPE, STEPS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import count, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

HOURS = "/training/max_hours"
_HOUR = 3600.0
# Half precision that is not at least this much faster has no tensor cores behind it.
_WORTHWHILE = 1.5


class RunLongerThanAllowed(Rule):
    """The run cannot end in the hours that it is given.

    What it checks:
        Start, compilation and all epochs on the device of the hardware profile, as an interval, against `training.max_hours`. The low end
        is longer: warning. The high end is: info, and only where the profile's speed was measured.

    Why it fails:
        The run is ended at the limit with its best model so far: a schedule made for all epochs has then not come down, and most of the
        gain of its last part is lost.

    Evidence:
        A step computes three times the forward pass (Kaplan et al. 2020, arXiv 2001.08361, section 2.1). Uncalibrated profiles reach a
        twentieth to three fifths of the data sheet, so the low end is optimistic on purpose.

    When to ignore:
        When the limit is meant to end the run, with a constant rate and a checkpoint.
    """

    code = "TIM001"
    name = "run-longer-than-allowed"
    severity = Severity.WARNING
    reads = (HOURS, "/training/precision", "/training/stages", "/optimizer/type", "/augmentation", *MODEL_SHAPE, *STEPS)
    VALID = (Valid({"training": {"max_hours": 10}}, hardware="t4"), Valid({"training": {"max_hours": 0.001}}))
    INVALID = (
        Invalid(
            {"training": {"max_hours": 0.01, "epochs": 20_000}, "callbacks": {"early_stopping": None}},
            HOURS,
            "at least",
            hardware="t4",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the interval with the limit."""
        limit, profile = case.spec.training.max_hours, case.hardware
        if limit is None or limit <= 0 or profile is None:
            return
        from trainyard.linter.rules.workload import times

        run = times(case, profile)
        if run is None:
            return
        total = run.total
        if total.low > limit * _HOUR:
            epochs = max(1, int(case.all_epochs * limit * _HOUR / total.low))
            told = (
                f"{count(case.all_epochs, 'epoch')} take at least {_hours(total.low)} on {profile.device}, and max_hours is {number(limit)}"
            )
            value = float(f"{total.high / _HOUR * 1.1:.2g}")
            message = f"{told}: the run would end after {count(epochs, 'epoch')} at best; write max_hours {number(value)}, or fewer epochs"
            yield Violation(HOURS, message, suggestion=Suggestion(HOURS, value))
        elif total.high > limit * _HOUR and profile.speed_is_measured:
            told = f"{count(case.all_epochs, 'epoch')} take {_hours(total.low)} to {_hours(total.high)} on {profile.device}"
            yield Violation(HOURS, f"{told}, and max_hours is {number(limit)}: the run may be cut short", severity=Severity.INFO)


def _hours(seconds: float) -> str:
    return f"{number(float(f'{seconds / _HOUR:.2g}'))} hours"


class HalfPrecisionWithoutGain(Rule):
    """Half precision is asked for on a device that is not faster in it.

    What it checks:
        A mixed precision against the rates of the hardware profile: half precision less than one and a half times as fast as float32.

    Why it fails:
        It saves memory, and little or no time, at the price of digits.

    Evidence:
        TensorFlow's guide on mixed precision: cards of a compute capability below 7.0 have no units for it, and see little or no speed-up.

    When to ignore:
        When memory is what is short.
    """

    code = "PRE003"
    name = "half-precision-without-gain"
    severity = Severity.INFO
    reads = ("/training/precision",)
    VALID = (
        Valid({"training": {"precision": "mixed_float16"}}, hardware="t4"),
        Valid({"training": {"precision": "mixed_float16"}}),
    )
    INVALID = (
        Invalid(
            {"training": {"precision": "mixed_float16"}},
            "/training/precision",
            "GTX 1080 Ti",
            fix="float32",
            hardware="gtx-1080-ti",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the two rates."""
        precision, profile = case.spec.training.precision, case.hardware
        if profile is None or not precision.startswith("mixed_"):
            return
        plain, half = profile.speed.operations("float32"), profile.speed.operations(precision)
        # A profile that knows neither has the same wide interval twice.
        known = plain.high / plain.low <= _TELLING if plain.low > 0 else False
        if known and half.high < _WORTHWHILE * plain.high:
            pointer = "/training/precision"
            message = f"{profile.device} is hardly faster in half precision than in float32; write 'float32' unless memory is short"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, "float32"))


# Between the ends of a rate that says something; an unknown device's are further apart.
_TELLING = 20.0

RULES = (RunLongerThanAllowed(), HalfPrecisionWithoutGain())
