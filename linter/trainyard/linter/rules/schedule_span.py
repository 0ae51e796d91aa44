"""The spans of schedules against the run: too long, too short, impossible, or pointing the wrong way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainyard.linter.estimate.schedule import Clock
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.schedule import READS, USELESS, advice, whole_run
from trainyard.linter.rules.wording import number, percent
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.scheduler import Cosine, Exponential, InverseTime, OneCycle, Polynomial, ReduceOnPlateau, Schedule, Step

if TYPE_CHECKING:
    from trainyard.linter.spec.model.units import Length


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
        Valid({"scheduler": {"type": "cosine", "warmup": {"epochs": 90}}}),
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
                left = curve.steps - clock.steps(schedule.warmup)
                # A warm-up that takes the whole run is another rule's matter, and leaves no run to compare with.
                if left > 0:
                    yield from self._compare(case, index, schedule, clock.steps(schedule.t_max) / max(1.0, left))

    @staticmethod
    def _compare(case: Case, index: int, schedule: Cosine, ratio: float) -> Iterator[Violation]:
        place = case.schedule_pointer(index)
        fix = Suggestion(f"{place}/t_max", whole_run(case, schedule))
        pointer = fix.pointer if case.wrote(fix.pointer) else place
        told = f"the cosine's t_max{case.origin(fix.pointer)} is {ratio:.2g} times the run"
        if ratio > 1.5 and case.curve is not None:
            end = f"at its end the learning rate has only come down to {number(float(f'{case.curve.at(case.curve.steps - 1):.2g}'))}"
            yield Violation(pointer, f"{told}: {end}{advice(fix)}", suggestion=fix, severity=None if ratio > 2 else Severity.INFO)
        elif ratio < 0.9 and schedule.eta_min > USELESS:
            rest = f"after that the learning rate stays at {number(schedule.eta_min)}"
            yield Violation(pointer, f"{told}: {rest}{advice(fix)}", suggestion=fix, severity=Severity.INFO)


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
            message = f"the warm-up is {percent(share)} of the run{advice(fix)}, about 5 % of it"
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
                    fix = Suggestion(pointer, {"epochs": 1} if field == "every" else whole_run(case, schedule))
                    yield Violation(pointer, f"{field} has to be above 0; it is {number(_amount(length))}{advice(fix)}", suggestion=fix)
            for at, milestone in enumerate(getattr(schedule, "milestones", None) or ()):
                if _amount(milestone) <= 0:
                    yield Violation(f"{place}/milestones/{at}", f"a milestone has to be above 0; it is {number(_amount(milestone))}")
            if schedule.warmup is not None and _amount(schedule.warmup) < 0:
                yield Violation(f"{place}/warmup", f"a warm-up cannot be negative; it is {number(_amount(schedule.warmup))}")


def _amount(length: Length) -> float:
    return length.steps if length.steps is not None else length.epochs or 0.0


class ScheduleOutOfRange(Rule):
    """A schedule's own number turns it round: the rate grows, or changes its sign.

    What it checks:
        A plateau's factor lies between 0 and 1; the rate of an exponential decay and the gamma of a step decay are above 0 and at most 1;
        an inverse-time rate is not negative; the power of a polynomial is above 0; one cycle rises for a share between 0 and 1, and its
        divisors are at least 1; no schedule ends above the rate that it starts from, or below zero.

    Why it fails:
        A learning rate that grows all the time ends in divergence; a negative one climbs.

    Evidence:
        Keras raises for a plateau factor of 1 or more (keras/src/callbacks/reduce_lr_on_plateau.py). The others follow from the formula.

    When to ignore:
        When a growing rate is wanted, as in a range test.
    """

    code = "SCH007"
    name = "schedule-out-of-range"
    severity = Severity.ERROR
    reads = ("/scheduler", "/optimizer/learning_rate")
    VALID = (Valid({"scheduler": {"type": "exponential", "rate": 1.0, "warmup": {"epochs": 2}}}),)
    INVALID = (
        Invalid({"scheduler": {"type": "reduce_on_plateau", "factor": 1.5}}, "/scheduler/factor", "between 0 and 1", fix=0.5),
        Invalid({"scheduler": {"type": "exponential", "rate": 1.1}}, "/scheduler/rate", "grows", fix=0.95, severity=Severity.WARNING),
        Invalid({"scheduler": {"type": "step", "gamma": -0.1}}, "/scheduler/gamma", "sign", fix=0.1),
        Invalid({"scheduler": {"type": "one_cycle", "rise": 1.5}}, "/scheduler/rise", "between 0 and 1", fix=0.3),
        Invalid(
            {"scheduler": {"type": "cosine", "t_max": {"epochs": 30}, "eta_min": 0.01}},
            "/scheduler/eta_min",
            "above the learning rate",
            fix=1e-05,
            severity=Severity.WARNING,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at every schedule's own numbers."""
        for index, schedule in enumerate(case.spec.scheduler):
            yield from self._multiplier(case.schedule_pointer(index), schedule)
            yield from self._end(case, case.schedule_pointer(index), schedule)

    @staticmethod
    def _multiplier(place: str, schedule: Schedule) -> Iterator[Violation]:
        match schedule:
            case ReduceOnPlateau(factor=factor) if not 0 < factor < 1:
                yield _fix(f"{place}/factor", f"factor {number(factor)} has to lie between 0 and 1", 0.5)
            case Exponential(rate=rate) if rate <= 0:
                yield _fix(f"{place}/rate", f"with rate {number(rate)} the learning rate vanishes or changes its sign", 0.95)
            case Exponential(rate=rate) if rate > 1:
                yield _fix(f"{place}/rate", f"with rate {number(rate)} the learning rate grows", 0.95, Severity.WARNING)
            case Step(gamma=gamma) if gamma <= 0:
                yield _fix(f"{place}/gamma", f"with gamma {number(gamma)} the learning rate vanishes or changes its sign", 0.1)
            case Step(gamma=gamma) if gamma > 1:
                yield _fix(f"{place}/gamma", f"with gamma {number(gamma)} the learning rate grows", 0.1, Severity.WARNING)
            case Polynomial(power=power) if power <= 0:
                yield _fix(f"{place}/power", f"with power {number(power)} the learning rate does not fall to its end", 1)
            case OneCycle(rise=rise) if not 0 < rise < 1:
                yield _fix(f"{place}/rise", f"rise {number(rise)} is a share of the cycle and has to lie between 0 and 1", 0.3)
            case OneCycle(start_divisor=divisor) if divisor < 1:
                yield _fix(f"{place}/start_divisor", f"divided by {number(divisor)} the cycle starts above its peak", 25)
            case OneCycle(end_divisor=divisor) if divisor < 1:
                yield _fix(f"{place}/end_divisor", f"divided by {number(divisor)} the cycle ends above its start", 10_000)
            case InverseTime(rate=rate) if rate < 0:
                yield _fix(f"{place}/rate", f"with rate {number(rate)} the learning rate grows and then changes its sign", 0.1)
            case _:
                return

    @staticmethod
    def _end(case: Case, place: str, schedule: Schedule) -> Iterator[Violation]:
        rate = case.spec.optimizer.learning_rate
        field = "eta_min" if isinstance(schedule, Cosine) else "end_lr" if isinstance(schedule, Polynomial) else ""
        end: float = getattr(schedule, field, 0.0)
        value = float(f"{rate / 100:.1e}")
        if end < 0:
            yield _fix(f"{place}/{field}", f"{field} {number(end)} is below zero", value)
        elif end > rate > 0:
            told = f"{field} {number(end)}{case.origin(f'{place}/{field}')} is above the learning rate {number(rate)}"
            yield _fix(f"{place}/{field}", f"{told}, so the rate grows", value, Severity.WARNING)


def _fix(pointer: str, problem: str, value: float, severity: Severity | None = None) -> Violation:
    return Violation(pointer, f"{problem}; write {number(value)}", suggestion=Suggestion(pointer, value), severity=severity)


class TwoSchedules(Rule):
    """A plateau and a fixed schedule both change the learning rate.

    What it checks:
        The list of schedules has a plateau and another schedule that is not constant; or more than one plateau, an error.

    Why it fails:
        They multiply, so the plateau may lower a rate that is on its way down already. Two plateaus would lower it twice for the same
        reason.

    Evidence:
        Published recipes combine them and work: an info.

    When to ignore:
        When both are wanted.
    """

    code = "SCH008"
    name = "plateau-beside-schedule"
    severity = Severity.INFO
    reads = ("/scheduler",)
    VALID = (Valid({"scheduler": [{"type": "constant", "warmup": {"epochs": 2}}, {"type": "reduce_on_plateau"}]}),)
    INVALID = (
        Invalid(
            {"scheduler": [{"type": "cosine", "t_max": {"epochs": 30}}, {"type": "reduce_on_plateau"}]},
            "/scheduler/1",
            "multiply",
        ),
        Invalid(
            {"scheduler": [{"type": "reduce_on_plateau"}, {"type": "reduce_on_plateau", "monitor": "loss"}]},
            "/scheduler/1",
            "at most one",
            severity=Severity.ERROR,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Count plateaus and moving schedules."""
        plateaus = [index for index, schedule in enumerate(case.spec.scheduler) if isinstance(schedule, ReduceOnPlateau)]
        moving = [schedule.type for schedule in case.spec.scheduler if schedule.type not in {"constant", "reduce_on_plateau"}]
        for index in plateaus[1:]:
            yield Violation(case.schedule_pointer(index), "there may be at most one plateau; take this one out", severity=Severity.ERROR)
        if plateaus and moving:
            message = f"the plateau and the {moving[0]} schedule multiply: both lower the learning rate"
            yield Violation(case.schedule_pointer(plateaus[0]), message)


RULES = (CosineMuchLongerThanRun(), WarmupTooLong(), LengthNotPositive(), ScheduleOutOfRange(), TwoSchedules())
