"""Steps on TensorFlow. Keras' own ``train_step`` runs in a loop inside one graph, on samples that lie beside it.

The number of steps of a launch is an input of the graph, not a part of it: whatever the loop asks for, the same program
runs, so neither a pause nor a resume changes a digit.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from trainyard.service.trainer import backend
from trainyard.service.trainer.batches import Batches
from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.device import CPU
from trainyard.service.trainer.speed import hands, samples
from trainyard.service.trainer.speed.hands import Batch, Hands, Part
from trainyard.service.trainer.speed.settings import Settings


class TensorFlowEngine:
    """See ``Engine``."""

    def __init__(self, learner: Any, train: Batches, validation: Batches | None, settings: Settings) -> None:
        self._learner = learner
        shared: dict[int, list[Any]] = {}
        self._hands = hands.of(learner)
        self._train = _feed(self._hands, train, settings, shared, training=True)
        self._validation = None if validation is None else _feed(self._hands, validation, settings, shared, training=False)
        self._read = tf.function(learner.get_metrics_result, autograph=False)
        self._reset = tf.function(learner.reset_metrics, autograph=False)

    def begin(self) -> None:
        """Take over the order of samples that ``Batches.begin`` laid out."""
        self._hands.begin()
        self._train.begin()

    def steps(self, first: int, count: int) -> None:
        """Take training steps."""
        self._train.run(first, count)
        self._learner.optimizer.iterations.numpy()

    def judge(self, first: int, count: int) -> None:
        """Judge validation batches."""
        if self._validation is not None:
            self._validation.run(first, count)

    def reset_metrics(self) -> None:
        """Begin to measure anew."""
        self._reset()

    def metrics(self) -> dict[str, float]:
        """Return what was measured."""
        return {name: float(value) for name, value in self._read().items()}

    @property
    def wait_seconds(self) -> float:
        """Seconds in which steps waited for samples."""
        return self._train.wait_seconds


class _Resident:
    """Batches are gathered on the device; full ones in a loop, a last one that is smaller by itself."""

    wait_seconds = 0.0

    def __init__(self, taker: Hands, batches: Batches, settings: Settings, shared: dict[int, list[Any]], *, training: bool) -> None:
        self._spread = taker.spread
        self._step = taker.train if training else taker.judge
        self._batches = batches
        self._size = batches.batch_size
        self._full = batches.samples // self._size
        self._arrays = [_on_devices(array, taker, shared) for array in batches.arrays()]
        self._order = tf.Variable(batches.order.astype("int32"), trainable=False)
        made = {"autograph": False, "jit_compile": settings.compiled}
        whole = [tf.TensorSpec((), tf.int32)] * 2
        self._launch = tf.function(self._loop if settings.looped else self._one, input_signature=whole, **made)
        self._rest = tf.function(self._smaller, **made)
        self._looped = settings.looped

    def begin(self) -> None:
        self._order.assign(self._batches.order.astype("int32"))

    def run(self, first: int, count: int) -> None:
        last = min(first + count, self._full)
        if self._looped and first < last:
            self._launch(first, last)
        elif first < last:
            for index in range(first, last):
                self._launch(index, index + 1)
        if first + count > self._full:
            self._rest()

    def _loop(self, first: Any, last: Any) -> None:
        def body(index: Any) -> Any:
            self._step(self._batch(index, self._size), self._size)
            return index + 1

        tf.while_loop(lambda index: index < last, body, [first], parallel_iterations=1)

    def _one(self, first: Any, _last: Any) -> None:
        self._step(self._batch(first, self._size), self._size)

    def _smaller(self) -> None:
        size = self._batches.samples - self._full * self._size
        self._step(self._batch(self._full, size), size)

    def _batch(self, index: Any, size: int) -> Part:
        rows = tf.ensure_shape(tf.slice(self._order, [index * self._size], [size]), (size,))

        def part(place: int) -> Batch:
            first, end = self._spread.cuts(size)[place]
            mine = rows if end - first == size else rows[first:end]
            return tuple(tf.gather(copies[place], mine) for copies in self._arrays)

        return part


class _Streamed:
    """Batches come from the host, one launch each."""

    def __init__(self, taker: Hands, batches: Batches, settings: Settings, *, training: bool) -> None:
        self._taker = taker
        self._step = taker.train if training else taker.judge
        self._ahead = samples.Ahead(batches)
        self._launch = tf.function(self._take, autograph=False, jit_compile=settings.compiled, reduce_retracing=False)

    @property
    def wait_seconds(self) -> float:
        return self._ahead.waited_seconds

    def begin(self) -> None:
        self._ahead.begin()

    def run(self, first: int, count: int) -> None:
        for batch in self._ahead.take(first, count):
            cuts = self._taker.spread.cuts(len(batch[0]))
            self._launch([_sent(batch, cut, device) for cut, device in zip(cuts, self._taker.devices, strict=True)])

    def _take(self, parts: list[Batch]) -> None:
        self._step(lambda place: parts[place], sum(int(part[0].shape[0]) for part in parts))


def _feed(taker: Hands, batches: Batches, settings: Settings, shared: dict[int, list[Any]], *, training: bool) -> _Resident | _Streamed:
    # Every device gets a copy of its own; where they are one processor, all copies are in its memory.
    copies = taker.spread.count if backend.device().kind == CPU else 1
    if samples.fit(batches, backend.free_memory_bytes() // copies):
        return _Resident(taker, batches, settings, shared, training=training)
    return _Streamed(taker, batches, settings, training=training)


def _on_devices(array: Array, taker: Hands, shared: dict[int, list[Any]]) -> list[Any]:
    """Return the array as a tensor on each device; parts of one dataset share theirs."""
    if id(array) not in shared:
        shared[id(array)] = [_on(device, array) for device in taker.devices]
    return shared[id(array)]


def _sent(batch: Batch, cut: tuple[int, int], device: str | None) -> Batch:
    return tuple(_on(device, array[cut[0] : cut[1]]) for array in batch)


def _on(device: str | None, array: Array) -> Any:
    with tf.device(device):
        return tf.constant(array)
