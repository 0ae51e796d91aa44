"""Told by the kernel when a trainer has written something, so that nobody has to look all the time.

Linux' inotify, by its three calls. A notice is a hint and no more: where there are none (another system, a network file
system, too many watches) rounds of the supervisor find the same, only later.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_MODIFIED = 0x00000002
_HEAD = struct.Struct("iIII")
_READ_BYTES = 64 * 1024


class Notices:
    """Watches files; ``heard`` is called from a thread of its own with the names of those that were written to."""

    def __init__(self, heard: Callable[[set[str]], None]) -> None:
        self._heard = heard
        self._lock = threading.Lock()
        self._names: dict[int, str] = {}
        self._watches: dict[str, int] = {}
        self._library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = _opened(self._library)
        self._stop, self._stopped = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._listen, name="notices", daemon=True)
        if self._descriptor >= 0:
            self._thread.start()

    def watch(self, name: str, path: Path) -> None:
        """Tell of ``path`` under ``name`` from now on; does nothing where that can not be done."""
        with self._lock:
            if self._descriptor < 0 or name in self._watches:
                return
            watch = self._library.inotify_add_watch(self._descriptor, os.fsencode(path), _MODIFIED)
            if watch >= 0:
                self._watches[name], self._names[watch] = watch, name

    def forget(self, name: str) -> None:
        """Tell no more of a name."""
        with self._lock:
            watch = self._watches.pop(name, None)
            if watch is not None:
                self._names.pop(watch, None)
                self._library.inotify_rm_watch(self._descriptor, watch)

    def close(self) -> None:
        """End; nothing is heard afterwards."""
        with self._lock:
            if self._descriptor < 0:
                return
            os.close(self._stopped)
        self._thread.join()
        with self._lock:
            os.close(self._stop)
            os.close(self._descriptor)
            self._descriptor = -1

    def _listen(self) -> None:
        poller = select.poll()
        poller.register(self._descriptor, select.POLLIN)
        poller.register(self._stop, select.POLLIN | select.POLLHUP)
        while True:
            if any(descriptor == self._stop for descriptor, _ in poller.poll()):
                return
            with suppress(BlockingIOError):
                names = self._written(os.read(self._descriptor, _READ_BYTES))
                if names:
                    self._heard(names)

    def _written(self, raw: bytes) -> set[str]:
        names, place = set[str](), 0
        with self._lock:
            while place < len(raw):
                watch, _, _, length = _HEAD.unpack_from(raw, place)
                place += _HEAD.size + length
                if watch in self._names:
                    names.add(self._names[watch])
        return names


def _opened(library: ctypes.CDLL) -> int:
    """Return a descriptor of the kernel's notices; negative where there are none."""
    try:
        return int(library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    except AttributeError:
        return -1
