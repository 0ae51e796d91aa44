"""The learning rate of any step, in closed form: one pure function for trainer, rules and plan.

Time is counted in steps (batches), as Keras counts ``iterations``; a length in epochs is that many times
the steps of an epoch, one in steps counts updates of the weights, each of which may accumulate several batches.
Every schedule moves step by step, not epoch by epoch. Several schedules multiply.
A warm-up rises linearly from ``1/n`` to the whole rate over its ``n`` steps, and the clock of *its* schedule
starts after it, so a cosine of ``T - n`` steps ends with the run. A plateau depends on the loss: it is a
callback and not in the curve; ``lowest_plateau_factor`` bounds it.

Nothing here walks the steps: the curve is cut where a schedule turns, and between two cuts a bisection
finds where it crosses a bound. Twenty thousand steps one by one would cost 7 ms, the cuts cost microseconds.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

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
from trainyard.linter.spec.model.units import Length

# Longer than any run: what a number of steps is cut to, so that it stays a number that can be counted with.
_FOREVER = 1e18
# Where schedules that rise meet schedules that fall, the run is cut into about this many pieces before they are bisected.
_PIECES = 256
# Restarts beyond this many are sampled evenly: who restarts a thousand times draws no curve that a cut improves.
_MOST_RESTARTS = 512


class Factor(NamedTuple):
    """One schedule, ready to be asked: what it multiplies the rate by at time ``t`` (steps since its warm-up).

    ``turns`` are the times at which it changes between rising and falling; ``direction`` is -1 where it only falls,
    1 where it only rises, 0 where it does both; ``period`` is that of its restarts.
    """

    at: Callable[[float], float]
    warmup: int
    turns: tuple[float, ...] = ()
    period: float = math.inf
    direction: int = -1


class Curve:
    """The learning rate over a run of ``epochs`` epochs of ``steps_per_epoch`` steps (batches).

    ``accumulation`` is the number of batches whose gradients one update adds up.

    Zero or negative lengths count as already over, so that a spec that a rule condemns can still be drawn.
    """

    def __init__(
        self, learning_rate: float, schedules: Sequence[Schedule], steps_per_epoch: int, epochs: int, accumulation: int = 1
    ) -> None:
        self.learning_rate = learning_rate
        self.steps_per_epoch = max(1, steps_per_epoch)
        self.epochs = max(0, epochs)
        self.steps = self.steps_per_epoch * self.epochs
        clock = Clock(self.steps_per_epoch, max(1, accumulation), self.steps)
        self.factors = tuple(
            factor(schedule, learning_rate, clock)
            for schedule in schedules
            if not (isinstance(schedule, Constant | ReduceOnPlateau) and schedule.warmup is None)
        )
        self._cuts: list[int] | None = None

    def at(self, step: int) -> float:
        """Return the rate that step ``step`` (counted from 0) trains with."""
        rate = self.learning_rate
        for each in self.factors:
            time = step - each.warmup
            rate *= each.at(time) if time >= 0 else (step + 1) / each.warmup * each.at(0.0)
        return rate

    def at_epoch_end(self, epoch: int) -> float:
        """Return the rate of the last step of ``epoch`` (counted from 1)."""
        return self.at(max(1, epoch) * self.steps_per_epoch - 1)

    def share_below(self, bound: float) -> float:
        """Return the share of the run's steps whose rate is below ``bound``."""
        below = sum(self._steps_below(first, last, bound) for first, last in self._stretches())
        return below / self.steps if self.steps else 0.0

    def first_below(self, bound: float) -> int | None:
        """Return the first step whose rate is below ``bound``; ``None`` where there is none."""
        for first, last in self._stretches():
            if self._falls(first, last):
                crossing = self._crossing(first, last, bound)
                if crossing <= last:
                    return crossing
            elif self.at(first) < bound:
                return first
        return None

    def lowest(self) -> float:
        """Return the smallest rate of the run."""
        return min((self.at(step) for step in self._ends()), default=self.learning_rate)

    def highest(self) -> float:
        """Return the largest rate of the run."""
        return max((self.at(step) for step in self._ends()), default=self.learning_rate)

    def _ends(self) -> Iterator[int]:
        for stretch in self._stretches():
            yield from stretch

    def _stretches(self) -> Iterator[tuple[int, int]]:
        """Yield (first step, last step) of stretches on which the rate only rises or only falls."""
        if self._cuts is None:
            self._cuts = self._find_cuts()
        for first, after in pairwise(self._cuts):
            yield first, after - 1

    def _find_cuts(self) -> list[int]:
        cuts = {0, self.steps}
        for each in self.factors:
            cuts.update(_turning_steps(each, self.steps))
        ordered = sorted(cut for cut in cuts if 0 <= cut <= self.steps)
        if any(each.direction != -1 for each in self.factors) or len({each.warmup for each in self.factors}) > 1:
            ordered = list(_finer(ordered))
        return ordered if self.steps else []

    def _falls(self, first: int, last: int) -> bool:
        return self.at(first) >= self.at(last)

    def _crossing(self, first: int, last: int, bound: float) -> int:
        """Return the first step of a stretch on the far side of ``bound``; ``last + 1`` where the stretch stays on one side."""
        falls = self._falls(first, last)
        low, high = first, last + 1
        # Not ``bisect``: a run may have more steps than a C integer counts.
        while low < high:
            middle = (low + high) // 2
            if (self.at(middle) < bound) is falls:
                high = middle
            else:
                low = middle + 1
        return low

    def _steps_below(self, first: int, last: int, bound: float) -> int:
        crossing = self._crossing(first, last, bound)
        return last + 1 - crossing if self._falls(first, last) else crossing - first


class Clock(NamedTuple):
    """How lengths become steps in one run."""

    steps_per_epoch: int
    accumulation: int
    total_steps: int

    def steps(self, length: Length | None) -> float:
        """Return a length in steps (batches); 0 where there is none, never less."""
        if length is None:
            return 0.0
        batches = (length.epochs or 0.0) * self.steps_per_epoch if length.steps is None else length.steps * self.accumulation
        return float(min(max(0, batches), _FOREVER))


def factor(schedule: Schedule, learning_rate: float, clock: Clock) -> Factor:  # noqa: PLR0911 -- one return per schedule
    """Return the schedule as a factor on ``learning_rate``.

    Cosine: Loshchilov & Hutter 2017 (SGDR), equation 5, restarts of equal length. Exponential, inverse time,
    polynomial: the definitions of ``keras.optimizers.schedules`` without ``cycle``. One cycle: Smith 2018, with
    both flanks cosine as in fast.ai and PyTorch.
    """
    warmup = round(clock.steps(schedule.warmup))
    match schedule:
        case Cosine():
            return _cosine(schedule, learning_rate, clock.steps(schedule.t_max), warmup)
        case Step():
            return _step(schedule, clock, warmup)
        case Exponential():
            return _exponential(schedule, clock.steps(schedule.every), warmup)
        case InverseTime():
            return _inverse_time(schedule, clock.steps(schedule.every), warmup)
        case Polynomial():
            return _polynomial(schedule, learning_rate, clock.steps(schedule.length), warmup)
        case OneCycle():
            length = clock.total_steps - warmup if schedule.length is None else clock.steps(schedule.length)
            return _one_cycle(schedule, float(min(length, _FOREVER)), warmup)
        case _:
            return Factor(lambda _time: 1.0, warmup)


def lowest_plateau_factor(plateau: ReduceOnPlateau, epoch: int) -> float:
    """Return what a plateau has multiplied the rate by after ``epoch`` epochs, if the loss never improves after the first.

    Keras' callback: the first epoch always improves, the first reduction comes ``patience`` epochs later, and of a
    cool-down the last epoch already counts as waiting (keras/src/callbacks/reduce_lr_on_plateau.py).
    """
    patience = max(1, plateau.patience)
    if epoch <= patience:
        return 1.0
    period = patience + max(0, plateau.cooldown - 1)
    return _power(plateau.factor, 1 + (epoch - 1 - patience) // period)


class Band(NamedTuple):
    """Where a plateau may have brought the rate: never reduced, and reduced as often as it can."""

    high: float
    low: float


def plateau_band(curve: Curve, plateau: ReduceOnPlateau, epoch: int) -> Band:
    """Return the rates between which the last step of ``epoch`` (counted from 1) trains; the cost does not grow with the steps.

    ``curve`` is that of the other schedules (a plateau is not in it). The high end is that curve: the monitor improves in every
    epoch. The low end is where it never improves after the first one, and every reduction that can come has come; the plateau
    stops at ``min_lr``, but does not lift a curve that is lower by itself.
    """
    high = curve.at_epoch_end(epoch)
    return Band(high, min(high, max(high * lowest_plateau_factor(plateau, epoch), plateau.min_lr)))


def _cosine(schedule: Cosine, learning_rate: float, length: float, warmup: int) -> Factor:
    floor = schedule.eta_min / learning_rate if learning_rate else 0.0

    def at(time: float) -> float:
        if length <= 0 or (time >= length and not schedule.restarts):
            return floor
        return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * (time % length) / length))

    period = length if schedule.restarts and length > 0 else math.inf
    return Factor(at, warmup, (), period, -1 if floor <= 1.0 else 1)


def _step(schedule: Step, clock: Clock, warmup: int) -> Factor:
    gamma = schedule.gamma
    direction = -1 if gamma <= 1.0 else 1
    if schedule.milestones is not None:
        milestones = sorted(clock.steps(milestone) for milestone in schedule.milestones)
        return Factor(lambda time: _power(gamma, bisect_right(milestones, time)), warmup, direction=direction)
    size = clock.steps(schedule.size)
    return Factor(lambda time: _power(gamma, time // size) if size > 0 else 1.0, warmup, direction=direction)


def _exponential(schedule: Exponential, every: float, warmup: int) -> Factor:
    def at(time: float) -> float:
        return _power(schedule.rate, _periods(time, every, staircase=schedule.staircase))

    return Factor(at, warmup, direction=-1 if schedule.rate <= 1.0 else 1)


def _inverse_time(schedule: InverseTime, every: float, warmup: int) -> Factor:
    def at(time: float) -> float:
        divisor = 1.0 + schedule.rate * _periods(time, every, staircase=schedule.staircase)
        return 1.0 / divisor if divisor > 0 else math.inf

    return Factor(at, warmup, direction=-1 if schedule.rate >= 0.0 else 1)


def _polynomial(schedule: Polynomial, learning_rate: float, length: float, warmup: int) -> Factor:
    floor = schedule.end_lr / learning_rate if learning_rate else 0.0

    def at(time: float) -> float:
        left = 1.0 - time / length if time < length else 0.0
        return floor + (1.0 - floor) * _power(left, schedule.power)

    return Factor(at, warmup, direction=-1 if (floor <= 1.0) == (schedule.power >= 0) else 1)


def _one_cycle(schedule: OneCycle, length: float, warmup: int) -> Factor:
    rise = max(0.0, min(1.0, schedule.rise)) * length
    start = _inverse(schedule.start_divisor)
    end = start * _inverse(schedule.end_divisor)

    def at(time: float) -> float:
        if time < rise:
            return _eased(start, 1.0, time / rise)
        return _eased(1.0, end, (time - rise) / (length - rise)) if time < length else end

    return Factor(at, warmup, (rise,), direction=0)


def _periods(time: float, every: float, *, staircase: bool) -> float:
    periods = min(time / every, _FOREVER) if every > 0 else 0.0
    return math.floor(periods) if staircase else periods


def _eased(first: float, last: float, share: float) -> float:
    return last + (first - last) * 0.5 * (1.0 + math.cos(math.pi * share))


def _inverse(divisor: float) -> float:
    return 1.0 / divisor if divisor else 1.0


def _power(mantissa: float, exponent: float) -> float:
    """Return the power as a real number: 0 where a negative rate has none, infinity where it overflows.

    Never ``**``: of two whole numbers it is a whole number, of as many digits as there are epochs.
    """
    try:
        return math.pow(mantissa, exponent)
    except OverflowError:
        return math.inf
    except ValueError:
        return 0.0 if mantissa else math.inf


def _turning_steps(each: Factor, steps: int) -> Iterator[int]:
    """Yield the steps at which this factor may turn, the start of its clock among them."""
    yield each.warmup
    for turn in each.turns:
        yield each.warmup + math.ceil(turn)
    if each.period < math.inf and each.period > 0:
        count = int(min(max(0.0, (steps - each.warmup) / each.period), _FOREVER))
        for restart in range(1, count + 1, max(1, count // _MOST_RESTARTS)):
            yield math.ceil(each.warmup + restart * each.period)


def _finer(cuts: list[int]) -> Iterator[int]:
    """Yield the cuts and about ``_PIECES`` more, spread evenly between them."""
    pieces = max(2, _PIECES // len(cuts))
    for first, after in pairwise(cuts):
        yield from range(first, after, max(1, (after - first) // pieces))
    yield from cuts[-1:]
