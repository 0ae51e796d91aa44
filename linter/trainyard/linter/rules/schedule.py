"""How the learning rate changes over the run: too far, too early, hardly, or in the wrong direction.

The rules ask the curve that the trainer follows and match no patterns: units, warm-ups and products are in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from trainyard.linter.spec.model.units import Length

READS = ("/scheduler", "/optimizer/learning_rate", *STEPS)
# The seed page: below this nothing is learnt any more.
_USELESS = 1e-7
# A cosine to zero touches it in its last steps, so a small share is no fault.
_TOLERATED_SHARE = 0.05
_EARLY, _EARLY_FALL = 0.5, 1e-3
_INERT_RATIO = 1.2
# What a repaired schedule ends at, as a share of the rate it starts from.
_USUAL_END = 0.01


def _worst(case: Case, bound: float) -> int:
    """Return which of the schedules, taken alone, spends most steps below ``bound``."""
    curve, spec = case.curve, case.spec
    if len(spec.scheduler) == 1 or curve is None:
        return 0
    alone = [Curve(curve.learning_rate, (schedule,), curve.steps_per_epoch, curve.epochs) for schedule in spec.scheduler]
    return max(range(len(alone)), key=lambda index: alone[index].share_below(bound))


def _whole_run(case: Case, schedule: Schedule) -> dict[str, float]:
    """Return the length that fills the run after the warm-up, in epochs."""
    curve = case.curve
    warmup = 0.0 if curve is None else Clock(curve.steps_per_epoch, 1, curve.steps).steps(schedule.warmup) / curve.steps_per_epoch
    left = max(1.0, case.epochs - warmup)
    return {"epochs": int(left) if left == int(left) else round(left, 2)}


def _slower(case: Case, index: int) -> Suggestion | None:  # noqa: PLR0911 -- one return per schedule
    """Return the change that makes a schedule end at about a hundredth of the rate, at the end of the run."""
    schedule, place, curve = case.spec.scheduler[index], case.schedule_pointer(index), case.curve
    if curve is None or not curve.steps:
        return None
    clock = Clock(curve.steps_per_epoch, max(1, case.spec.training.gradient_accumulation), curve.steps)
    after_warmup = max(1.0, curve.steps - clock.steps(schedule.warmup))
    end = float(f"{max(case.spec.optimizer.learning_rate * _USUAL_END, _USELESS):.1e}")
    match schedule:
        case Cosine():
            if clock.steps(schedule.t_max) < 0.95 * after_warmup:
                return Suggestion(f"{place}/t_max", _whole_run(case, schedule))
            return Suggestion(f"{place}/eta_min", end)
        case Polynomial():
            if clock.steps(schedule.length) < 0.95 * after_warmup:
                return Suggestion(f"{place}/length", _whole_run(case, schedule))
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
            return Suggestion(f"{place}/length", _whole_run(case, schedule))
        case _:
            return None


def _advice(fix: Suggestion | None) -> str:
    if fix is None:
        return ""
    return f"; write {fix.pointer.rsplit('/', 1)[-1]} {_shown(fix.value)}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}": {number(amount)}' for key, amount in value.items()) + "}"
    return number(value) if isinstance(value, int | float) else str(value)


class ScheduledRateTooSmall(Rule):
    """The schedule takes the learning rate below 1e-7 for a good part of the run.

    What it checks:
        The scheduled rate, step by step, is below 1e-7 in more than 5 % of the steps while the optimizer's own rate is above.

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
        yield from self._check(case, _TOLERATED_SHARE)

    def check_strictly(self, case: Case) -> Iterator[Violation]:
        """Warn of a single step below, as the seed page does."""
        yield from self._check(case, 0.0)

    @staticmethod
    def _check(case: Case, tolerated: float) -> Iterator[Violation]:
        curve = case.curve
        if curve is None or not curve.factors or curve.learning_rate <= _USELESS:
            return
        share = curve.share_below(_USELESS)
        if share <= tolerated:
            return
        epoch = (curve.first_below(_USELESS) or 0) // curve.steps_per_epoch + 1
        index = _worst(case, _USELESS)
        fix = _slower(case, index)
        message = f"the learning rate is below {number(_USELESS)} in {percent(share)} of the steps, from epoch {epoch} on{_advice(fix)}"
        yield Violation(case.schedule_pointer(index), message, suggestion=fix)


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
        if middle <= warmup or curve.at(middle) >= bound or curve.share_below(_USELESS) > _TOLERATED_SHARE:
            return
        index = _worst(case, bound)
        fix = _slower(case, index)
        message = (
            f"half-way through the run the learning rate is {number(curve.at(middle))}, "
            f"less than a thousandth of {number(curve.learning_rate)}{_advice(fix)}"
        )
        yield Violation(case.schedule_pointer(index), message, suggestion=fix)


class CosineMuchLongerThanRun(Rule):
    """A cosine is cut off long before it has fallen.

    What it checks:
        `t_max` of a cosine without restarts against the epochs that are left after its warm-up: more than twice as long is a
        warning, more than one and a half times an info; less than nine tenths with an `eta_min` that still learns, too.

    Why it fails:
        The run ends while the rate is still high: at twice the length it has only come down to half. Shorter than the run, the
        rest is spent at `eta_min`.

    Evidence:
        Both traps in one schedule: CodefyUI/CodefyUI#205. A small mismatch is harmless (wandb/senpai#877, #965, #1526: three
        aligned runs did not gain), hence the wide band.

    When to ignore:
        When the run is the first part of a longer one.
    """

    code = "SCH003"
    name = "cosine-does-not-fit-run"
    severity = Severity.WARNING
    reads = READS
    VALID = (
        Valid({"scheduler": {"type": "cosine", "t_max": {"epochs": 40}}}),
        Valid({"scheduler": {"type": "cosine", "t_max": {"epochs": 5}, "restarts": True}}),
    )
    INVALID = (
        Invalid(
            {"scheduler": {"type": "cosine", "t_max": {"epochs": 300}}},
            "/scheduler/t_max",
            "only come down to",
            fix={"epochs": 30},
        ),
        Invalid(
            {"scheduler": {"type": "cosine"}},
            "/scheduler",
            "(the default)",
            fix={"epochs": 30},
            fix_at="/scheduler/t_max",
            severity=Severity.INFO,
        ),
        Invalid(
            {"scheduler": {"type": "cosine", "t_max": {"epochs": 20}, "eta_min": 1e-5}},
            "/scheduler/t_max",
            "stays at 1e-05",
            fix={"epochs": 30},
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare each cosine with the run."""
        curve = case.curve
        if curve is None or not curve.steps:
            return
        clock = Clock(curve.steps_per_epoch, max(1, case.spec.training.gradient_accumulation), curve.steps)
        for index, schedule in enumerate(case.spec.scheduler):
            if isinstance(schedule, Cosine) and not schedule.restarts and clock.steps(schedule.t_max) > 0:
                left = max(1.0, curve.steps - clock.steps(schedule.warmup))
                yield from self._compare(case, index, schedule, clock.steps(schedule.t_max) / left)

    @staticmethod
    def _compare(case: Case, index: int, schedule: Cosine, ratio: float) -> Iterator[Violation]:
        place = case.schedule_pointer(index)
        fix = Suggestion(f"{place}/t_max", _whole_run(case, schedule))
        pointer = fix.pointer if case.wrote(fix.pointer) else place
        told = f"the cosine's t_max{case.origin(fix.pointer)} is {ratio:.2g} times the run"
        if ratio > 1.5 and case.curve is not None:
            end = f"at its end the learning rate has only come down to {number(float(f'{case.curve.at(case.curve.steps - 1):.2g}'))}"
            yield Violation(pointer, f"{told}: {end}{_advice(fix)}", suggestion=fix, severity=None if ratio > 2 else Severity.INFO)
        elif ratio < 0.9 and schedule.eta_min > _USELESS:
            rest = f"after that the learning rate stays at {number(schedule.eta_min)}"
            yield Violation(pointer, f"{told}: {rest}{_advice(fix)}", suggestion=fix, severity=Severity.INFO)


class ScheduleWithoutEffect(Rule):
    """A schedule hardly changes the learning rate over the whole run.

    What it checks:
        With a schedule that is neither constant nor a plateau, the highest and the lowest rate of the run differ by less than a
        fifth. A plateau whose `min_lr` is not below the optimizer's rate.

    Why it fails:
        Nothing breaks, but what was wanted does not happen: milestones lie beyond the last epoch, or a span in epochs was written
        as steps.

    Evidence:
        Simulated from the schedule itself. The confusion of steps and epochs behind it: bshall/Tacotron#3.

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
        message = f"the schedule hardly changes the learning rate: it stays between {number(curve.lowest())} and {number(curve.highest())}"
        yield Violation(case.schedule_pointer(moving[0]), message + _advice_list(fix), suggestion=fix)

    @staticmethod
    def _fix(case: Case, index: int) -> Suggestion | None:
        schedule, place = case.spec.scheduler[index], case.schedule_pointer(index)
        match schedule:
            case Step(milestones=milestones) if milestones is not None:
                middle, late = max(1, round(case.epochs / 2)), max(2, -(-case.epochs * 3 // 4))
                return Suggestion(f"{place}/milestones", [{"epochs": middle}, {"epochs": late}])
            case _:
                return _slower(case, index)


def _advice_list(fix: Suggestion | None) -> str:
    if fix is not None and isinstance(fix.value, list):
        return f"; write {fix.pointer.rsplit('/', 1)[-1]} [{', '.join(_shown(value) for value in fix.value)}]"
    return _advice(fix)


class WarmupTooLong(Rule):
    """The warm-up takes up a large part of the run.

    What it checks:
        The warm-up against the steps of the run: more than half is a warning, more than a fifth an info.

    Why it fails:
        Most of the run trains at a rate that is too low, and little is left at the one that was chosen.

    Evidence:
        Goyal et al. 2017, arXiv 1706.02677 (5 of 90 epochs); Ma & Yarats 2021, arXiv 1910.04209 (2 / (1 - beta_2) steps suffice
        for Adam).

    When to ignore:
        When a test showed that the model diverges with a shorter one.
    """

    code = "SCH005"
    name = "warmup-too-long"
    severity = Severity.WARNING
    reads = READS
    VALID = (Valid({"scheduler": {"type": "cosine", "t_max": {"epochs": 27}, "warmup": {"epochs": 3}}}),)
    INVALID = (
        Invalid(
            {"scheduler": {"type": "constant", "warmup": {"epochs": 20}}},
            "/scheduler/warmup",
            "67 % of the run",
            fix={"epochs": 1.5},
        ),
        Invalid(
            {"scheduler": {"type": "constant", "warmup": {"steps": 1000}}},
            "/scheduler/warmup",
            "25 % of the run",
            fix={"steps": 198},
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare each warm-up with the run."""
        curve = case.curve
        if curve is None or not curve.steps:
            return
        clock = Clock(curve.steps_per_epoch, max(1, case.spec.training.gradient_accumulation), curve.steps)
        for index, schedule in enumerate(case.spec.scheduler):
            share = clock.steps(schedule.warmup) / curve.steps
            if schedule.warmup is None or share <= 0.2:
                continue
            pointer = f"{case.schedule_pointer(index)}/warmup"
            fix = Suggestion(pointer, self._shorter(schedule.warmup, share))
            message = f"the warm-up is {percent(share)} of the run{_advice(fix)}, about 5 % of it"
            yield Violation(pointer, message, suggestion=fix, severity=None if share > 0.5 else Severity.INFO)

    @staticmethod
    def _shorter(warmup: Length, share: float) -> dict[str, float]:
        if warmup.steps is not None:
            return {"steps": max(1, round(warmup.steps * 0.05 / share))}
        epochs = round((warmup.epochs or 0.0) * 0.05 / share, 2)
        return {"epochs": int(epochs) if epochs == int(epochs) else epochs}


class LengthNotPositive(Rule):
    """A schedule has a span of zero or less.

    What it checks:
        `t_max`, `size`, `every`, `length` and the milestones of a schedule are above zero; a warm-up is not below.

    Why it fails:
        The span is a divisor: there is no such schedule.

    Evidence:
        Keras' schedules raise for `decay_steps` of zero or less (keras/src/optimizers/schedules/learning_rate_schedule.py).

    When to ignore:
        Never; leave the schedule out instead.
    """

    code = "SCH006"
    name = "schedule-length-not-positive"
    severity = Severity.ERROR
    reads = ("/scheduler",)
    VALID = (Valid({"scheduler": {"type": "exponential", "every": {"steps": 1}, "rate": 0.9997}}),)
    INVALID = (
        Invalid({"scheduler": {"type": "cosine", "t_max": {"epochs": 0}}}, "/scheduler/t_max", "has to be above 0", fix={"epochs": 30}),
        Invalid({"scheduler": {"type": "constant", "warmup": {"steps": -5}}}, "/scheduler/warmup", "cannot be negative"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at every length of every schedule."""
        for index, schedule in enumerate(case.spec.scheduler):
            place = case.schedule_pointer(index)
            for field in ("t_max", "size", "every", "length"):
                length = getattr(schedule, field, None)
                if length is not None and _amount(length) <= 0:
                    pointer = f"{place}/{field}"
                    fix = Suggestion(pointer, {"epochs": 1} if field == "every" else _whole_run(case, schedule))
                    yield Violation(pointer, f"{field} has to be above 0; it is {number(_amount(length))}{_advice(fix)}", suggestion=fix)
            for at, milestone in enumerate(getattr(schedule, "milestones", None) or ()):
                if _amount(milestone) <= 0:
                    yield Violation(f"{place}/milestones/{at}", f"a milestone has to be above 0; it is {number(_amount(milestone))}")
            if schedule.warmup is not None and _amount(schedule.warmup) < 0:
                yield Violation(f"{place}/warmup", f"a warm-up cannot be negative; it is {number(_amount(schedule.warmup))}")


def _amount(length: Length) -> float:
    return length.steps if length.steps is not None else length.epochs or 0.0


RULES = (
    ScheduledRateTooSmall(),
    ScheduleDecaysTooEarly(),
    CosineMuchLongerThanRun(),
    ScheduleWithoutEffect(),
    WarmupTooLong(),
    LengthNotPositive(),
)
