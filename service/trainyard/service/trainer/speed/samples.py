"""Where samples lie while a run trains: on the device when they fit beside the model, else on the host, one batch ahead.

Knows no framework: an engine puts the arrays where it wants them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

import psutil

from trainyard.service.trainer.batches import Batches
from trainyard.service.trainer.data.samples import Array

# Beside the samples the device holds weights, optimizer and activations; on a CPU the host's own copy as well.
_SHARE = 0.25
_AHEAD = 3

Batch = tuple[Array, ...]


def fit(batches: Batches, free_bytes: int | None = None) -> bool:
    """Tell whether the arrays behind ``batches`` may lie on the device whole; ``free_bytes``: the host's when None."""
    free = psutil.virtual_memory().available if free_bytes is None else free_bytes
    return sum(array.nbytes for array in batches.arrays()) <= _SHARE * free


class Ahead:
    """Makes batches on a thread, a few ahead of who takes them; ``waited_seconds`` is how long that one had to wait."""

    def __init__(self, batches: Batches, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._batches = batches
        self._monotonic = monotonic
        self.waited_seconds = 0.0

    def take(self, first: int, count: int) -> Iterator[Batch]:
        """Yield ``count`` batches from ``first`` on."""
        made: queue.Queue[Batch | BaseException] = queue.Queue(_AHEAD)
        ended = threading.Event()
        thread = threading.Thread(target=self._make, args=(first, count, made, ended), name="batches", daemon=True)
        thread.start()
        try:
            for _ in range(count):
                began = self._monotonic()
                batch = made.get()
                self.waited_seconds += self._monotonic() - began
                if isinstance(batch, BaseException):
                    raise batch
                yield batch
        finally:
            ended.set()

    def _make(self, first: int, count: int, made: queue.Queue[Batch | BaseException], ended: threading.Event) -> None:
        for index in range(first, first + count):
            try:
                batch: Batch | BaseException = self._batches[index]
            except BaseException as error:  # noqa: BLE001 -- raised again where the batch is taken
                batch = error
            while not ended.is_set():
                try:
                    made.put(batch, timeout=0.1)
                    break
                except queue.Full:
                    continue
            if ended.is_set() or isinstance(batch, BaseException):
                return
