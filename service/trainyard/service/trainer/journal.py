"""The trainer's side of events.jsonl: append a line, never wait, never look back.

One ``write`` per line on a file opened for appending, so that a reader never sees two lines mixed. A line that an
earlier attempt left cut is closed first; the reader skips it. Knows nothing of who reads.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from trainyard.service import wire


class FolderBusyError(Exception):
    """Another trainer is at work in this run folder."""


class Journal:
    """Appends events of one attempt to ``path``; ``now`` gives seconds since the epoch, UTC.

    Raises:
        FolderBusyError: another journal is open on the same file, in whatever process.
    """

    def __init__(self, path: Path, attempt: int, now: Callable[[], float]) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            # Held as long as the process lives, by the kernel's hand: two trainers in one folder would write over each other.
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise FolderBusyError from None
        self._attempt = attempt
        self._now = now
        self._close_cut_line()

    def append(self, body: wire.Body) -> None:
        """Write one event; raises OSError when the disk is full."""
        self._write(wire.encode(wire.Line(self._attempt, self._now(), body)))

    def close(self) -> None:
        """Close the file; the journal takes no more events."""
        os.close(self._file)

    def _close_cut_line(self) -> None:
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            self._write(b"\n")

    def _write(self, raw: bytes) -> None:
        while raw:
            raw = raw[os.write(self._file, raw) :]
