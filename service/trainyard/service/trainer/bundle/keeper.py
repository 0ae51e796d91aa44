"""Writes bundles beside the training: the loop hands over a snapshot and goes on, a thread waits for the disk.

The newest snapshot wins: while one is being written, a later one takes the place of those that wait. A run that is killed
then goes on from an epoch earlier, and comes to the same numbers. A fault of the disk is raised in the loop, at the next
snapshot, where it ends the run with its name.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from trainyard.service.trainer.bundle.contents import Bundle


class Keeper:
    """Hands snapshots to ``write``, one at a time, on a thread of its own."""

    def __init__(self, write: Callable[[Bundle], None]) -> None:
        self._write = write
        self._state = threading.Condition()
        self._waiting: Bundle | None = None
        self._busy = False
        self._fault: BaseException | None = None
        self._thread: threading.Thread | None = None

    def save(self, bundle: Bundle) -> None:
        """Take a snapshot and return at once; raises what the last write ran into."""
        with self._state:
            self._raise_fault()
            self._waiting = bundle
            self._busy = True
            self._state.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bundle", daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Wait until the newest snapshot is on disk; raises what its write ran into."""
        with self._state:
            # Woken now and then, so that a signal is not kept waiting by a lock.
            while self._busy:
                self._state.wait(0.1)
            self._raise_fault()

    def _raise_fault(self) -> None:
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def _run(self) -> None:
        while True:
            with self._state:
                while self._waiting is None:
                    self._busy = False
                    self._state.notify_all()
                    self._state.wait()
                bundle, self._waiting = self._waiting, None
            try:
                self._write(bundle)
            except BaseException as error:  # noqa: BLE001 -- raised again in the loop
                with self._state:
                    self._fault = error
