"""How long a run takes, as intervals of seconds: one warm step, an epoch, start and compilation, evaluation, saving, the whole.

The model of it: a step computes (three times the forward pass: itself, the gradients of the inputs, those of the weights;
Kaplan et al. 2020, arXiv 2001.08361, section 2.1) and moves (activations and weights, several times each); at best the
longer of the two hides the other, at worst they add up. Beside that every step and every layer pays for its dispatch.
With a profile that nobody calibrated the rates are a card's data sheet times what trainings reach: orders of magnitude,
marked so. A calibrated one knows what a unit of each kind of work takes (``estimate.effort``, ADR 0017): a step is their sum.
Steps are launched together as the trainer launches them. Knows no clock: nothing is measured here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trainyard.linter.estimate import effort, launching
from trainyard.linter.estimate.hardware import HardwareProfile
from trainyard.linter.estimate.kinds import Kind
from trainyard.linter.estimate.memory import compute_bytes, slot_count, variable_bytes
from trainyard.linter.estimate.speed import Rate, Speed
from trainyard.linter.shapes.layers import Shapes
from trainyard.linter.spec.model.optimizer import Optimizer

# Floating-point operations in a multiply-add.
_OPERATIONS = 2
# Odd specs ask for more work than a float can count; this much never ends either.
_FOREVER = 10**200
_FLOAT32 = "float32"
# Half precision against float32 on a device that was measured with the latter: a processor may be slower in it, a card twice as fast.
_HALF = (0.4, 3.0)
# How often a number of an activation is read or written in a step: out and in forward, twice read and once written backward.
_PASSES_TRAINING, _PASSES_FORWARD = (4, 8), (1, 3)


class Seconds(NamedTuple):
    """An interval of seconds; both ends are possible."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The middle as a ratio: as many times above the low end as below the high one."""
        return math.sqrt(max(self.low, 0.0) * max(self.high, 0.0)) if self.high < _FOREVER else self.high

    def plus(self, other: Seconds) -> Seconds:
        """Return both one after the other."""
        return Seconds(self.low + other.low, self.high + other.high)

    def times(self, count: float) -> Seconds:
        """Return it ``count`` times in a row."""
        many = min(count, _FOREVER)
        return Seconds(self.low * many, self.high * many)


NOTHING = Seconds(0.0, 0.0)


class Work(NamedTuple):
    """What a run does: counts of what is there to do, with no device in mind.

    ``batch`` is what one device sees; ``steps`` are batches per epoch, a last one that is smaller by its share;
    ``validation_steps`` batches per evaluation at an epoch's end, ``test_steps`` those of the last one; ``checkpoint_bytes`` is
    written ``saves`` times. ``augmentation`` names the transforms of training samples; ``resident`` says that all samples lie
    on the device while it trains.
    """

    shapes: Shapes
    optimizer: Optimizer
    precision: str
    batch: int
    steps: float
    epochs: int
    validation_steps: float = 0
    test_steps: float = 0
    checkpoint_bytes: int = 0
    saves: int = 0
    augmentation: tuple[str, ...] = ()
    resident: bool = True


class Times(NamedTuple):
    """What takes how long; ``evaluation`` is one pass over the validation part, ``saving`` one checkpoint.

    ``step`` has its share of a launch in it. ``total`` is start + compilation + epochs (with evaluation) + what lies between
    them + savings + the test at the end.
    """

    step: Seconds
    epoch: Seconds
    start: Seconds
    compilation: Seconds
    evaluation: Seconds
    saving: Seconds
    test: Seconds
    total: Seconds
    calibrated: bool


class Run(NamedTuple):
    """A run of one stretch of training or several: the times of the last and main one, and the whole."""

    main: Times
    total: Seconds


def run(works: Sequence[Work], profile: HardwareProfile) -> Run:
    """Return what stretches that follow each other take on the device of this profile; there is one at least.

    Each compiles anew, and the program is started once.
    """
    *before, main = (times(work, profile) for work in works)
    total = main.total
    for earlier in before:
        rest = earlier.total._replace(low=earlier.total.low - earlier.start.low, high=earlier.total.high - earlier.start.high)
        total = total.plus(rest)
    return Run(main, total)


def times(work: Work, profile: HardwareProfile) -> Times:
    """Return what one stretch of training takes on the device of this profile, from the start of the program to its end."""
    speed = profile.speed
    step, forward = training_step(work, profile), forward_step(work, profile)
    layers = effort.layers(work.shapes)
    start = _seconds(speed.start)
    compilation = _seconds(speed.compile).plus(_seconds(speed.compile_layer).times(layers))
    evaluation = forward.times(work.validation_steps)
    epoch = step.times(work.steps).plus(evaluation).plus(_seconds(speed.epoch))
    saving = _over(work.checkpoint_bytes, speed.disk) if work.saves else NOTHING
    test = forward.times(work.test_steps)
    whole = epoch.plus(_seconds(speed.between)).times(max(0, work.epochs)).plus(saving.times(work.saves)).plus(test)
    return Times(step, epoch, start, compilation, evaluation, saving, test, start.plus(compilation).plus(whole), profile.speed_is_measured)


def training_step(work: Work, profile: HardwareProfile) -> Seconds:
    """Return the time of one warm training step, its share of a launch included."""
    shapes, speed = work.shapes, profile.speed
    if speed.work is not None:
        step = _measured(effort.of_training(shapes, work.optimizer, work.batch, work.augmentation), speed.work, work.precision)
    else:
        operations = _OPERATIONS * (shapes.multiply_adds + 2 * shapes.backward_adds) * work.batch
        weights = shapes.trainable * variable_bytes(work.precision) * (4 + 2 * slot_count(work.optimizer))
        frozen = (shapes.parameters - shapes.trainable) * variable_bytes(work.precision)
        step = _step(work, speed, operations, weights + frozen, _PASSES_TRAINING)
    return _launched(step, work, work.steps, profile)


def forward_step(work: Work, profile: HardwareProfile) -> Seconds:
    """Return the time of one batch of evaluation, its share of a launch included."""
    speed = profile.speed
    if speed.work is not None:
        step = _measured(effort.of_judging(work.shapes, work.batch), speed.work, work.precision)
    else:
        operations = _OPERATIONS * work.shapes.multiply_adds * work.batch
        step = _step(work, speed, operations, work.shapes.parameters * variable_bytes(work.precision), _PASSES_FORWARD)
    return _launched(step, work, work.validation_steps, profile)


def _measured(done: effort.Effort, costs: Mapping[Kind, Rate], precision: str) -> Seconds:
    """Return what work takes where each kind of it was measured; only float32 was."""
    low = sum(min(amount, _FOREVER) * costs[kind].low for kind, amount in done.items())
    high = sum(min(amount, _FOREVER) * costs[kind].high for kind, amount in done.items())
    return Seconds(low, high) if precision == _FLOAT32 else Seconds(low * _HALF[0], high * _HALF[1])


def _launched(step: Seconds, work: Work, steps: float, profile: HardwareProfile) -> Seconds:
    """Add the share that a step has in a launch, which holds as many steps as the trainer puts into one."""
    convolves = any("Conv" in layer.kind or layer.within is not None for layer in work.shapes.layers)
    looped = work.resident and launching.loops(profile.backend, profile.kind, convolves=convolves)
    held = launching.steps_in_a_launch(step.middle, steps, looped=looped)
    costs = profile.speed.work
    launch = profile.speed.launch if costs is None else costs[Kind.LAUNCH]
    return step.plus(_seconds(launch).times(1 / held))


def _step(work: Work, speed: Speed, operations: int, weight_bytes: int, passes: tuple[int, int]) -> Seconds:
    numbers = work.shapes.activation_elements + sum(layer.inner for layer in work.shapes.layers)
    moved = numbers * compute_bytes(work.precision) * work.batch
    computing = _over(operations, speed.operations(work.precision))
    least = _over(moved * passes[0] + weight_bytes, speed.bandwidth).low
    most = _over(moved * passes[1] + weight_bytes, speed.bandwidth).high
    dispatch = _seconds(speed.step).plus(_seconds(speed.layer).times(len(work.shapes.layers)))
    return dispatch.plus(Seconds(max(computing.low, least), computing.high + most))


def _over(amount: float, rate: Rate) -> Seconds:
    """Return how long an amount takes at this rate."""
    least = min(amount, _FOREVER)
    return Seconds(least / rate.high, least / rate.low)


def _seconds(rate: Rate) -> Seconds:
    return Seconds(rate.low, rate.high)
