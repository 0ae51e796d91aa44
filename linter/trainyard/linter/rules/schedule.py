"""How the learning rate changes over the run: too far, too early, hardly, or in the wrong direction.

The rules ask the curve that the trainer follows and match no patterns: units, warm-ups and products are in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate.schedule import Clock, Curve
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import STEPS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import number, percent
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.scheduler import (
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    Step,
)

READS = ("/scheduler", "/optimizer/learning_rate", *STEPS)
# The seed page: below this nothing is learnt any more.
USELESS = 1e-7
# A cosine to zero touches it in its last steps, so a small share is no fault.
_TOLERATED_SHARE = 0.05
_EARLY, _EARLY_FALL = 0.5, 1e-3
_INERT_RATIO = 1.2
# How often a curve is looked at where its first step below a bound lies in the warm-up.
_LOOKS = 200
# What a repaired schedule ends at, as a share of the rate it starts from.
_USUAL_END = 0.01


def _worst(case: Case, bound: float) -> int:
    """Return which of the schedules, taken alone, spends most steps below ``bound``."""
    curve, spec = case.curve, case.spec
    if len(spec.scheduler) == 1 or curve is None:
        return 0
    alone = [Curve(curve.learning_rate, (schedule,), curve.steps_per_epoch, curve.epochs) for schedule in spec.scheduler]
    return max(range(len(alone)), key=lambda index: alone[index].share_below(bound))


def whole_run(case: Case, schedule: Schedule) -> dict[str, float]:
    """Return the length that fills the run after the warm-up, in epochs."""
    curve = case.curve
    warmup = 0.0 if curve is None else Clock(curve.steps_per_epoch, 1, curve.steps).steps(schedule.warmup) / curve.steps_per_epoch
    left = max(1.0, case.epochs - warmup)
    return {"epochs": int(left) if left == int(left) else round(left, 2)}


def slower(case: Case, index: int) -> Suggestion | None:  # noqa: PLR0911 -- one return per schedule
    """Return the change that makes a schedule end at about a hundredth of the rate, at the end of the run."""
    schedule, place, curve = case.spec.scheduler[index], case.schedule_pointer(index), case.curve
    if curve is None or not curve.steps:
        return None
    clock = Clock(curve.steps_per_epoch, max(1, case.spec.training.gradient_accumulation), curve.steps)
    after_warmup = max(1.0, curve.steps - clock.steps(schedule.warmup))
    end = float(f"{max(case.spec.optimizer.learning_rate * _USUAL_END, USELESS):.1e}")
    match schedule:
        case Cosine():
            if clock.steps(schedule.t_max) < 0.95 * after_warmup:
                return Suggestion(f"{place}/t_max", whole_run(case, schedule))
            return Suggestion(f"{place}/eta_min", end)
        case Polynomial():
            if clock.steps(schedule.length) < 0.95 * after_warmup:
                return Suggestion(f"{place}/length", whole_run(case, schedule))
            return Suggestion(f"{place}/end_lr", end)
        case Exponential():
            return Suggestion(f"{place}/rate", round(_USUAL_END ** min(1.0, clock.steps(schedule.every) / after_warmup), 4))
        case InverseTime():
            return Suggestion(f"{place}/rate", float(f"{(1 / _USUAL_END - 1) * clock.steps(schedule.every) / after_warmup:.2g}"))
        case Step(milestones=None):
            return Suggestion(f"{place}/size", {"epochs": max(1, round(case.epochs / 3))})
        case Step(milestones=milestones):
            return Suggestion(f"{place}/gamma", round(_USUAL_END ** (1 / max(1, len(milestones or ()))), 3))
        case OneCycle():
            return Suggestion(f"{place}/length", whole_run(case, schedule))
        case _:
            return None


def advice(fix: Suggestion | None) -> str:
    """Return the end of a message that says what to write."""
    if fix is None:
        return ""
    return f"; write {fix.pointer.rsplit('/', 1)[-1]} {shown(fix.value)}"


def shown(value: object) -> str:
    """Return a suggested value as it is typed."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}": {number(amount)}' for key, amount in value.items()) + "}"
    return number(value) if isinstance(value, int | float) else str(value)


class ScheduledRateTooSmall(Rule):
    """The schedule takes the learning rate below 1e-7 for a good part of the run.

    What it checks:
        The scheduled rate, step by step, is below 1e-7 in more than 5 % of the steps while the optimizer's own rate is above; below a
        thousandth of the optimizer's rate where that is less.

    Why it fails:
        Updates that small are lost in the rounding of the weights (a float32 weight of 0.1 has a spacing of 7e-9): those
        epochs are paid for and change nothing.

    Evidence:
        The seed page's threshold. Most often steps and epochs are mixed up, or the span is shorter than the run: this language
        holds a cosine at `eta_min` after `t_max`.

    When to ignore:
        When the last epochs are meant as an evaluation at frozen weights.
    """

    code = "SCH001"
    name = "scheduled-rate-too-small"
    severity = Severity.WARNING
    strict = Severity.WARNING
    reads = READS
    VALID = (
        Valid({"scheduler": {"type": "cosine", "t_max": {"epochs": 30}}}),
        Valid({"scheduler": {"type": "exponential", "rate": 0.9}}),
        Valid({"scheduler": {"type": "one_cycle"}}),
    )
    INVALID = (
        Invalid(
            {"scheduler": {"type": "cosine", "t_max": {"epochs": 15}}},
            "/scheduler",
            "from epoch 15 on",
            fix={"epochs": 30},
            fix_at="/scheduler/t_max",
        ),
        Invalid({"scheduler": {"type": "exponential", "rate": 0.5}}, "/scheduler", "below 1e-07", fix=0.8577, fix_at="/scheduler/rate"),
        Invalid(
            {"scheduler": [{"type": "constant", "warmup": {"epochs": 2}}, {"type": "step", "size": {"steps": 500}}]},
            "/scheduler/1",
            "below 1e-07",
            fix={"epochs": 10},
            fix_at="/scheduler/1/size",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Ask the curve how many of its steps lie below."""
        yield from self._check(case, min(USELESS, case.spec.optimizer.learning_rate * _EARLY_FALL), _TOLERATED_SHARE)

    def check_strictly(self, case: Case) -> Iterator[Violation]:
        """Warn of a single step below, as the seed page does."""
        yield from self._check(case, USELESS, 0.0)

    @staticmethod
    def _check(case: Case, bound: float, tolerated: float) -> Iterator[Violation]:
        curve = case.curve
        if curve is None or not curve.factors or curve.learning_rate <= USELESS:
            return
        share = curve.share_below(bound)
        if share <= tolerated:
            return
        index = _worst(case, bound)
        fix = slower(case, index)
        told = f"the learning rate is below {number(bound)} in {percent(share)} of the steps"
        message = f"{told}, from epoch {_first_epoch_below(curve, bound)} on{advice(fix)}"
        yield Violation(case.schedule_pointer(index), message, suggestion=fix)


def _first_epoch_below(curve: Curve, bound: float) -> int:
    """Return the first epoch below the bound (counted from 1), the rise of a warm-up left out."""
    warmup = int(max(each.warmup for each in curve.factors))
    if (curve.first_below(bound) or 0) >= warmup:
        return (curve.first_below(bound) or 0) // curve.steps_per_epoch + 1
    first, last = warmup // curve.steps_per_epoch, max(0, curve.steps - 1) // curve.steps_per_epoch
    stride = max(1, (last - first) // _LOOKS)
    return next((epoch for epoch in range(first, last, stride) if curve.at(epoch * curve.steps_per_epoch) < bound), last) + 1


class ScheduleDecaysTooEarly(Rule):
    """The learning rate has all but vanished before half of the run.

    What it checks:
        The scheduled rate is below a thousandth of the optimizer's before half of the steps are done.

    Why it fails:
        The second half of the run learns next to nothing.

    Evidence:
        Simulated from the schedule itself; the usual cause is a span in steps where epochs were meant (bshall/Tacotron#3).
        The Google tuning playbook wants some decay, over the whole run.

    When to ignore:
        When the first epochs are all that matters and the rest is insurance.
    """

    code = "SCH002"
    name = "schedule-decays-too-early"
    severity = Severity.WARNING
    reads = READS
    VALID = (Valid({"scheduler": {"type": "step", "size": {"epochs": 10}}}),)
    INVALID = (
        Invalid(
            {"optimizer": {"learning_rate": 0.01}, "scheduler": {"type": "polynomial", "length": {"steps": 400}, "end_lr": 1e-6}},
            "/scheduler",
            "a thousandth",
            fix={"epochs": 30},
            fix_at="/scheduler/length",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look for the first step below a thousandth of the rate, after any warm-up."""
        curve = case.curve
        if curve is None or not curve.factors or curve.learning_rate <= 0 or not curve.steps:
            return
        bound = curve.learning_rate * _EARLY_FALL
        warmup = max(each.warmup for each in curve.factors)
        middle = int(curve.steps * _EARLY)
        # Where the rate falls below 1e-7 for long, the rule for that has spoken.
        if middle <= warmup or curve.at(middle) >= bound or curve.share_below(USELESS) > _TOLERATED_SHARE:
            return
        index = _worst(case, bound)
        fix = slower(case, index)
        message = (
            f"half-way through the run the learning rate is {number(curve.at(middle))}, "
            f"less than a thousandth of {number(curve.learning_rate)}{advice(fix)}"
        )
        yield Violation(case.schedule_pointer(index), message, suggestion=fix)


class ScheduleWithoutEffect(Rule):
    """A schedule hardly changes the learning rate over the whole run.

    What it checks:
        With a schedule that is neither constant nor a plateau, the highest and the lowest rate of the run differ by less than a
        fifth: a warning for steps and milestones that lie beyond the run, an info for a decay that is merely slow. A plateau whose
        `min_lr` is not below the optimizer's rate.

    Why it fails:
        Nothing breaks, but what was wanted does not happen: milestones lie beyond the last epoch, or a span in epochs was written
        as steps.

    Evidence:
        Simulated from the schedule itself. The confusion of steps and epochs behind it: bshall/Tacotron#3. Working recipes carry
        slow decays along: Keras' cifar10_cnn.py with 1e-6 per step, Keras' 3D image classification with 0.96 per 100,000 steps.

    When to ignore:
        When the run is the first part of a longer one.
    """

    code = "SCH004"
    name = "schedule-without-effect"
    severity = Severity.WARNING
    reads = READS
    VALID = (
        Valid({"scheduler": {"type": "step", "milestones": [{"epochs": 15}, {"epochs": 22}]}}),
        Valid({"scheduler": {"type": "constant", "warmup": {"epochs": 2}}}),
    )
    INVALID = (
        Invalid(
            {"scheduler": {"type": "step", "milestones": [{"epochs": 60}, {"epochs": 90}]}},
            "/scheduler",
            "hardly changes",
            fix=[{"epochs": 15}, {"epochs": 23}],
            fix_at="/scheduler/milestones",
        ),
        Invalid({"scheduler": {"type": "step"}}, "/scheduler", "hardly changes", fix={"epochs": 10}, fix_at="/scheduler/size"),
        Invalid({"scheduler": {"type": "exponential", "rate": 0.999}}, "/scheduler", "hardly changes", severity=Severity.INFO),
        Invalid(
            {"scheduler": {"type": "reduce_on_plateau", "min_lr": 0.01}},
            "/scheduler/min_lr",
            "not below the learning rate",
            fix=1e-5,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the ends of the curve."""
        rate = case.spec.optimizer.learning_rate
        for index, schedule in enumerate(case.spec.scheduler):
            if isinstance(schedule, ReduceOnPlateau) and schedule.min_lr >= rate > 0:
                pointer = f"{case.schedule_pointer(index)}/min_lr"
                value = float(f"{rate / 100:.1e}")
                told = f"min_lr {number(schedule.min_lr)} is not below the learning rate {number(rate)}"
                message = f"{told}, so the plateau changes nothing; write {number(value)}"
                yield Violation(pointer, message, suggestion=Suggestion(pointer, value))
        moving = [index for index, schedule in enumerate(case.spec.scheduler) if not isinstance(schedule, Constant | ReduceOnPlateau)]
        curve = case.curve
        if not moving or curve is None or not curve.steps or rate <= 0 or curve.lowest() * _INERT_RATIO <= curve.highest():
            return
        fix = self._fix(case, moving[0])
        low, high = number(curve.lowest()), number(curve.highest())
        stays = f"at {low}" if low == high else f"between {low} and {high}"
        message = f"the schedule hardly changes the learning rate: it stays {stays}"
        slow = all(isinstance(case.spec.scheduler[index], Exponential | InverseTime | Polynomial) for index in moving)
        severity = Severity.INFO if slow else None
        yield Violation(case.schedule_pointer(moving[0]), message + _advice_list(fix), suggestion=fix, severity=severity)

    @staticmethod
    def _fix(case: Case, index: int) -> Suggestion | None:
        schedule, place = case.spec.scheduler[index], case.schedule_pointer(index)
        match schedule:
            case Step(milestones=milestones) if milestones is not None:
                middle, late = max(1, round(case.epochs / 2)), max(2, -(-case.epochs * 3 // 4))
                return Suggestion(f"{place}/milestones", [{"epochs": middle}, {"epochs": late}])
            case _:
                return slower(case, index)


def _advice_list(fix: Suggestion | None) -> str:
    if fix is not None and isinstance(fix.value, list):
        return f"; write {fix.pointer.rsplit('/', 1)[-1]} [{', '.join(shown(value) for value in fix.value)}]"
    return advice(fix)


RULES = (
    ScheduledRateTooSmall(),
    ScheduleDecaysTooEarly(),
    ScheduleWithoutEffect(),
)
