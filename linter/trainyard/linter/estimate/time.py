"""How long a run takes, as intervals of seconds: one warm step, an epoch, start and compilation, evaluation, saving, the whole.

The model of it: a step computes (three times the forward pass: itself, the gradients of the inputs, those of the weights;
Kaplan et al. 2020, arXiv 2001.08361, section 2.1) and moves (activations and weights, several times each); at best the
longer of the two hides the other, at worst they add up. Beside that every step and every layer pays for its dispatch.
With a profile that nobody calibrated the rates are a card's data sheet times what trainings reach: orders of magnitude,
marked so. Knows no clock: nothing is measured here.
"""

from __future__ import annotations

from typing import NamedTuple

from trainyard.linter.estimate.hardware import HardwareProfile
from trainyard.linter.estimate.memory import compute_bytes, slot_count, variable_bytes
from trainyard.linter.estimate.speed import Rate, Speed
from trainyard.linter.shapes.layers import Shapes
from trainyard.linter.spec.model.optimizer import Optimizer

# Floating-point operations in a multiply-add.
_OPERATIONS = 2
# Odd specs ask for more work than a float can count; this much never ends either.
_FOREVER = 10**200
# How often a number of an activation is read or written in a step: out and in forward, twice read and once written backward.
_PASSES_TRAINING, _PASSES_FORWARD = (4, 8), (1, 3)


class Seconds(NamedTuple):
    """An interval of seconds; both ends are possible."""

    low: float
    high: float

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

    ``batch`` is what one device sees; ``steps`` are batches per epoch; ``validation_steps`` batches per evaluation at an
    epoch's end, ``test_steps`` those of the last one; ``checkpoint_bytes`` is written ``saves`` times.
    """

    shapes: Shapes
    optimizer: Optimizer
    precision: str
    batch: int
    steps: int
    epochs: int
    validation_steps: int = 0
    test_steps: int = 0
    checkpoint_bytes: int = 0
    saves: int = 0


class Times(NamedTuple):
    """What takes how long; ``evaluation`` is one pass over the validation part, ``saving`` one checkpoint.

    ``total`` is start + compilation + epochs (with evaluation) + savings + the test at the end.
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


def times(work: Work, profile: HardwareProfile) -> Times:
    """Return what the run takes on the device of this profile."""
    speed = profile.speed
    step = training_step(work, speed)
    forward = forward_step(work, speed)
    layers = len(work.shapes.layers)
    start = _seconds(speed.start)
    compilation = _seconds(speed.compile).plus(_seconds(speed.compile_layer).times(layers))
    evaluation = forward.times(work.validation_steps)
    epoch = step.times(work.steps).plus(evaluation)
    saving = _over(work.checkpoint_bytes, speed.disk) if work.saves else NOTHING
    test = forward.times(work.test_steps)
    run = epoch.times(max(0, work.epochs)).plus(saving.times(work.saves)).plus(test)
    return Times(step, epoch, start, compilation, evaluation, saving, test, start.plus(compilation).plus(run), profile.speed_is_measured)


def training_step(work: Work, speed: Speed) -> Seconds:
    """Return the time of one warm training step."""
    shapes = work.shapes
    operations = _OPERATIONS * (shapes.multiply_adds + 2 * shapes.backward_adds) * work.batch
    weights = shapes.trainable * variable_bytes(work.precision) * (4 + 2 * slot_count(work.optimizer))
    frozen = (shapes.parameters - shapes.trainable) * variable_bytes(work.precision)
    return _step(work, speed, operations, weights + frozen, _PASSES_TRAINING)


def forward_step(work: Work, speed: Speed) -> Seconds:
    """Return the time of one batch of evaluation."""
    operations = _OPERATIONS * work.shapes.multiply_adds * work.batch
    return _step(work, speed, operations, work.shapes.parameters * variable_bytes(work.precision), _PASSES_FORWARD)


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
