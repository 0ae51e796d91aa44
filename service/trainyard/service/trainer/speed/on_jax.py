"""Steps on JAX. Keras' own ``train_step`` is compiled, alone or in a loop, on samples that lie on the device.

State goes in and comes out of every launch; the launch gives its buffers away, so that there is one copy of it. Between
launches the variables of the model hold it, where everybody else looks.
"""

from __future__ import annotations

from typing import Any

import jax
import keras

from trainyard.service.trainer import backend
from trainyard.service.trainer.batches import Batches
from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.device import CPU
from trainyard.service.trainer.speed import samples
from trainyard.service.trainer.speed.layout import Layout
from trainyard.service.trainer.speed.settings import Settings

State = tuple[list[Any], ...]


class JaxEngine:
    """See ``Engine``."""

    def __init__(self, learner: Any, train: Batches, validation: Batches | None, settings: Settings) -> None:
        self._learner = learner
        shared: dict[int, Any] = {}
        self._layout = Layout(learner.spread)
        self._train = _feed(learner.train_step, train, settings, shared, self._layout)
        self._validation = None if validation is None else _feed(learner.test_step, validation, settings, shared, self._layout)
        self._read = jax.jit(self._results)
        # Buffers may be shared when they come from outside, and a launch gives each away once.
        _put(self._training_variables(), jax.tree.map(lambda value: jax.numpy.array(value, copy=True), _take(self._training_variables())))

    def begin(self) -> None:
        """Take over the order of samples that ``Batches.begin`` laid out."""
        self._train.begin()

    def steps(self, first: int, count: int) -> None:
        """Take training steps."""
        self._run(self._train, self._training_variables(), first, count)

    def judge(self, first: int, count: int) -> None:
        """Judge validation batches."""
        model = self._learner
        if self._validation is not None:
            variables = (model.trainable_variables, model.non_trainable_variables, model.metrics_variables)
            self._run(self._validation, variables, first, count)

    def reset_metrics(self) -> None:
        """Begin to measure anew."""
        self._learner.reset_metrics()
        _unshare(self._learner.metrics_variables)

    def metrics(self) -> dict[str, float]:
        """Return what was measured."""
        values = self._read([variable.value for variable in self._learner.metrics_variables])
        return {name: float(value) for name, value in jax.device_get(values).items()}

    @property
    def wait_seconds(self) -> float:
        """Seconds in which steps waited for samples."""
        return self._train.wait_seconds

    def _run(self, feed: _Resident | _Streamed, variables: tuple[Any, ...], first: int, count: int) -> None:
        state = feed.run(self._layout.settle(_take(variables)), first, count)
        jax.block_until_ready(state)  # type: ignore[no-untyped-call,unused-ignore] # JAX leaves it untyped
        _put(variables, state)

    def _training_variables(self) -> tuple[Any, ...]:
        model = self._learner
        return model.trainable_variables, model.non_trainable_variables, model.optimizer.variables, model.metrics_variables

    def _results(self, values: list[Any]) -> dict[str, Any]:
        mapping = list(zip(self._learner.metrics_variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            results: dict[str, Any] = self._learner.get_metrics_result()
        return results


class _Resident:
    """Batches are gathered on the device; a last one that is smaller has a launch of its own."""

    wait_seconds = 0.0

    def __init__(self, step: Any, batches: Batches, settings: Settings, shared: dict[int, Any], layout: Layout) -> None:
        self._layout = layout
        self._step: Any = lambda state, batch: layout.everywhere(step(state, batch)[1])
        self._batches = batches
        self._size = batches.batch_size
        self._full = batches.samples // self._size
        self._looped = settings.looped
        self._arrays = [_on_device(array, shared, layout) for array in batches.arrays()]
        self._launch = jax.jit(self._loop if settings.looped else self._one, donate_argnums=0)
        self._rest = jax.jit(self._smaller, donate_argnums=0)
        self.begin()

    def begin(self) -> None:
        self._order = self._layout.put(self._batches.order.astype("int32"))

    def run(self, state: State, first: int, count: int) -> State:
        last = min(first + count, self._full)
        if self._looped and first < last:
            state = self._launch(state, first, last, self._order, self._arrays)
        elif first < last:
            for index in range(first, last):
                state = self._launch(state, index, index + 1, self._order, self._arrays)
        if first + count > self._full:
            state = self._rest(state, self._order, self._arrays)
        return state

    def _loop(self, state: State, first: Any, last: Any, order: Any, arrays: list[Any]) -> State:
        looped: State = jax.lax.fori_loop(
            first, last, lambda index, state: self._step(state, self._batch(index, self._size, order, arrays)), state
        )
        return looped

    def _one(self, state: State, first: Any, _last: Any, order: Any, arrays: list[Any]) -> State:
        stepped: State = self._step(state, self._batch(first, self._size, order, arrays))
        return stepped

    def _smaller(self, state: State, order: Any, arrays: list[Any]) -> State:
        size = self._batches.samples - self._full * self._size
        stepped: State = self._step(state, self._batch(self._full, size, order, arrays))
        return stepped

    def _batch(self, index: Any, size: int, order: Any, arrays: list[Any]) -> tuple[Any, ...]:
        rows = self._layout.share(jax.lax.dynamic_slice(order, (index * self._size,), (size,)))
        return tuple(self._layout.share(array[rows]) for array in arrays)


class _Streamed:
    """Batches come from the host, one launch each."""

    def __init__(self, step: Any, batches: Batches, layout: Layout) -> None:
        self._ahead = samples.Ahead(batches)
        self._layout = layout
        self._launch = jax.jit(lambda state, batch: layout.everywhere(step(state, batch)[1]), donate_argnums=0)

    @property
    def wait_seconds(self) -> float:
        return self._ahead.waited_seconds

    def begin(self) -> None:
        self._ahead.begin()

    def run(self, state: State, first: int, count: int) -> State:
        for batch in self._ahead.take(first, count):
            state = self._launch(state, self._layout.put_batch(batch))
        return state


def _feed(step: Any, batches: Batches, settings: Settings, shared: dict[int, Any], layout: Layout) -> _Resident | _Streamed:
    # Every device gets a copy of its own; where they are one processor, all copies are in its memory.
    copies = layout.copies if backend.device().kind == CPU else 1
    if samples.fit(batches, backend.free_memory_bytes() // copies):
        return _Resident(step, batches, settings, shared, layout)
    return _Streamed(step, batches, layout)


def _on_device(array: Array, shared: dict[int, Any], layout: Layout) -> Any:
    """Return the array on the device; parts of one dataset share theirs."""
    if id(array) not in shared:
        shared[id(array)] = layout.put(array)
    return shared[id(array)]


def _take(variables: tuple[Any, ...]) -> State:
    return tuple([variable.value for variable in group] for group in variables)


def _put(variables: tuple[Any, ...], state: State) -> None:
    for group, values in zip(variables, state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)


def _unshare(variables: list[Any]) -> None:
    for variable in variables:
        variable.assign(jax.numpy.array(variable.value, copy=True))
