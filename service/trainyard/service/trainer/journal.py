"""The trainer's side of events.jsonl: append a line, never wait, never look back.

One ``write`` per line on a file opened for appending, so that a reader never sees two lines mixed. A line that an
earlier attempt left cut is closed first; the reader skips it. A full disk still has room for the last word: it is kept free
from the beginning. Knows nothing of who reads.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from trainyard.service import wire

# A page of whatever file system; the longest last word is a quarter of it.
_ROOM_BYTES = 4096


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
        self._room = path.with_name(".room-for-the-last-word")
        # Without room from the start there is none to keep.
        with suppress(OSError):
            self._room.write_bytes(bytes(_ROOM_BYTES))
        self._close_cut_line()

    def append(self, body: wire.Body) -> None:
        """Write one event; raises OSError when the disk is full."""
        self._write(wire.encode(wire.Line(self._attempt, self._now(), body)))

    def end(self, body: wire.Body) -> None:
        """Write the event that a run ends with, on a full disk too, and close the file."""
        try:
            self.append(body)
        except OSError:
            self._room.unlink(missing_ok=True)
            self._close_cut_line()
            self.append(body)
        self.close()

    def close(self) -> None:
        """Close the file; the journal takes no more events."""
        self._room.unlink(missing_ok=True)
        os.close(self._file)

    def _close_cut_line(self) -> None:
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            self._write(b"\n")

    def _write(self, raw: bytes) -> None:
        while raw:
            raw = raw[os.write(self._file, raw) :]
