"""Who takes a step on TensorFlow: one device, or several that share a batch.

Whoever asks for a step hands over the batch by its parts: ``part(place)`` returns the rows of the device at that place.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import keras
import tensorflow as tf

from trainyard.service.trainer.learner import as_it_is
from trainyard.service.trainer.spread import Spread

Batch = tuple[Any, ...]
Part = Callable[[int], Batch]
# Any odd number that fits the generators' whole numbers keeps the seeds of devices apart.
_APART = 0x9E3779B


class Hands(Protocol):
    """Takes steps of one learner."""

    spread: Spread
    devices: list[str | None]

    def begin(self) -> None:
        """Get ready for an epoch: variables may have been laid in."""

    def train(self, part: Part, size: int) -> None:
        """Take a training step on a batch of ``size``."""

    def judge(self, part: Part, size: int) -> None:
        """Judge a batch of ``size``."""


class OneHand:
    """One device, and Keras' own step."""

    def __init__(self, learner: Any) -> None:
        self.spread: Spread = learner.spread
        self.devices: list[str | None] = [None]
        self._learner = learner

    def begin(self) -> None:
        """Nothing has to be made ready."""

    def train(self, part: Part, size: int) -> None:
        """Take Keras' training step."""
        del size
        self._learner.train_step(part(0))

    def judge(self, part: Part, size: int) -> None:
        """Take Keras' test step."""
        del size
        self._learner.test_step(part(0))


class ManyHands:
    """Several devices with a copy of every weight each; together they take the step that one would take.

    Outputs are small and are brought together on every device, so a loss sees the whole batch, whatever it computes of it, and a
    metric counts every sample once. Gradients are added up, and the optimizer takes its step once, as on one device: clipping,
    accumulation and loss scaling know of no devices. The new weights then go to every copy.
    """

    def __init__(self, learner: Any) -> None:
        self.spread: Spread = learner.spread
        self._strategy = learner.spread.strategy
        self.devices: list[str | None] = list(self._strategy.extended.worker_devices)
        self._learner = learner
        self._tracker = next(metric for metric in learner.metrics if metric.name == "loss")
        self._draws = [one for one in learner.variables if one.name == "seed_generator_state"]

    def begin(self) -> None:
        """Give every device draws of its own: dropout must not hit the same places on all of them."""
        for variable in self._draws:
            first, *others = self._copies(variable)
            for place, other in enumerate(others, start=1):
                other.assign(first + tf.constant([place * _APART % 2**31, 0], first.dtype))

    def train(self, part: Part, size: int) -> None:
        """Take a training step."""
        learner, weights, whole = self._learner, self._learner.trainable_variables, self._whole(size)

        def learn() -> tuple[Any, ...]:
            inputs, targets, shares = _three(part(_place()))
            with tf.GradientTape() as tape:
                outputs = learner(inputs, training=True)
                wholes = [whole(one) for one in (outputs, targets, *shares)]
                loss = learner.compute_loss(inputs, wholes[1], wholes[0], *wholes[2:], training=True)
                scaled = learner.optimizer.scale_loss(loss)
            return loss, tape.gradient(scaled, [weight.value for weight in weights]), wholes

        with _synchronized(learner), self._blended(size):
            loss, gradients, wholes = self._strategy.run(learn)
        with tf.device(self.devices[0]):
            added = [None if one is None else self._sum(one) for one in gradients]
            learner.optimizer.apply_gradients(zip(added, [self._first(weight) for weight in weights], strict=True))
        for weight in weights:
            first, *others = self._copies(weight)
            for other in others:
                other.assign(first)
        self._count(loss, wholes, size)

    def judge(self, part: Part, size: int) -> None:
        """Judge a batch."""
        learner, whole = self._learner, self._whole(size)

        def look() -> tuple[Any, Any]:
            inputs, targets, shares = _three(part(_place()))
            outputs = learner(inputs, training=False)
            wholes = [whole(one) for one in (outputs, targets, *shares)]
            return learner.compute_loss(inputs, wholes[1], wholes[0], *wholes[2:], training=False), wholes

        loss, wholes = self._strategy.run(look)
        self._count(loss, wholes, size)

    def _count(self, loss: Any, wholes: list[Any], size: int) -> None:
        """Measure what the step said; Keras gives every device its share of the loss."""
        outputs, targets, *shares = (self._strategy.experimental_local_results(one)[0] for one in wholes)
        self._tracker.update_state(self._sum(loss), sample_weight=size)
        self._learner.compute_metrics(None, targets, outputs, *(shares or [None]))

    def _sum(self, values: Any) -> Any:
        """Add up what every device has, on the first; a strategy left to itself adds up on the processor."""
        added = self._strategy.extended.reduce_to(tf.distribute.ReduceOp.SUM, values, self.devices[0])
        return self._strategy.experimental_local_results(added)[0]

    def _whole(self, size: int) -> Callable[[Any], Any]:
        return _gathered if self.spread.shares(size) else lambda rows: rows

    def _copies(self, variable: Any) -> tuple[Any, ...]:
        copies: tuple[Any, ...] = self._strategy.experimental_local_results(variable.value)
        return copies

    def _first(self, variable: Any) -> Any:
        """Return the same Keras variable, name and constraint and all, with the first device's copy alone for its value."""
        first = copy.copy(variable)
        # An optimizer outside of a strategy can not step on what the strategy mirrors.
        first._value = self._copies(variable)[0]  # noqa: SLF001 - Keras has no public way
        return first

    @contextmanager
    def _blended(self, size: int) -> Iterator[None]:
        """Let the loss know where partners of blended samples stand in the whole batch."""
        cuts, whole = self.spread.cuts(size), self._whole(size)
        self._learner.whole = lambda shares, partners: (whole(shares), whole(partners + cuts[_place()][0]))
        try:
            yield
        finally:
            self._learner.whole = as_it_is


def of(learner: Any) -> Hands:
    """Return who takes the steps of a learner."""
    return OneHand(learner) if learner.spread.count == 1 else ManyHands(learner)


def _three(batch: Batch) -> tuple[Any, Any, Batch]:
    return batch[0], batch[1], batch[2:]


def _place() -> int:
    place: int = tf.get_static_value(tf.distribute.get_replica_context().replica_id_in_sync_group)
    return place


def _gathered(rows: Any) -> Any:
    """Return the rows of all devices, in the order of the batch."""
    return tf.distribute.get_replica_context().all_gather(rows, axis=0)


@contextmanager
def _synchronized(learner: Any) -> Iterator[None]:
    """Take the moments of batch normalization over the whole batch while a step is traced; a saved model says nothing of it."""
    layers = [one for one in _layers(learner) if isinstance(one, keras.layers.BatchNormalization)]
    before = [layer.synchronized for layer in layers]
    try:
        for layer in layers:
            layer.synchronized = True
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            layer.synchronized = own


def _layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield from _layers(layer) if hasattr(layer, "layers") else (layer,)
