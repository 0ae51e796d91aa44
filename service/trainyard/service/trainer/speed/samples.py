"""Where samples lie while a run trains: on the device when they fit beside the model, else on the host, one batch ahead.

Knows no framework: an engine puts the arrays where it wants them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

from trainyard.service.trainer.batches import Batches
from trainyard.service.trainer.data.samples import Array

# Beside the samples the device holds weights, optimizer and activations; on a CPU the host's own copy as well.
_SHARE = 0.25
_AHEAD = 3

Batch = tuple[Array, ...]


def fit(batches: Batches, free_bytes: int) -> bool:
    """Tell whether the arrays behind ``batches`` may lie whole on a device with so much free memory; those on disk may not."""
    return batches.in_memory and batches.nbytes <= _SHARE * free_bytes


class Ahead:
    """Makes the batches of an epoch on a thread, a few ahead of who takes them, from one launch to the next.

    ``waited_seconds`` is how long that one had to wait.
    """

    def __init__(self, batches: Batches, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._batches = batches
        self._monotonic = monotonic
        self._stream: _Stream | None = None
        self.waited_seconds = 0.0

    def begin(self) -> None:
        """Forget what was made: the order of samples is another one now."""
        if self._stream is not None:
            self._stream.end()
            self._stream = None

    def take(self, first: int, count: int) -> Iterator[Batch]:
        """Yield ``count`` batches from ``first`` on; raises what making one raised."""
        if self._stream is None or self._stream.next != first:
            self.begin()
            self._stream = _Stream(self._batches, first)
        for _ in range(count):
            began = self._monotonic()
            batch = self._stream.take()
            self.waited_seconds += self._monotonic() - began
            yield batch


class _Stream:
    """Batches from ``first`` to the end of the epoch."""

    def __init__(self, batches: Batches, first: int) -> None:
        self.next = first
        self._batches = batches
        self._made: queue.Queue[Batch | BaseException] = queue.Queue(_AHEAD)
        self._ended = threading.Event()
        threading.Thread(target=self._make, args=(first, len(batches)), name="batches", daemon=True).start()

    def take(self) -> Batch:
        batch = self._made.get()
        if isinstance(batch, BaseException):
            raise batch
        self.next += 1
        return batch

    def end(self) -> None:
        self._ended.set()

    def _make(self, first: int, last: int) -> None:
        for index in range(first, last):
            try:
                batch: Batch | BaseException = self._batches[index]
            except BaseException as error:  # noqa: BLE001 -- raised again where the batch is taken
                batch = error
            if not self._put(batch) or isinstance(batch, BaseException):
                return

    def _put(self, batch: Batch | BaseException) -> bool:
        """Wait for room; False when nobody wants it any more."""
        while not self._ended.is_set():
            try:
                self._made.put(batch, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
