"""Reading events.jsonl where it was left: a bounded piece at a time, whatever stands in it.

Half a line is left for later, a line that is none of ours is counted and skipped, and a line without end is
thrown away in pieces: a trainer that floods its spool costs disk, not the server.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trainyard.service.core.events import Entry
from trainyard.service.executor import words
from trainyard.service.wire import MAX_LINE_BYTES, WireError

PIECE_BYTES = 1024 * 1024
PIECE_LINES = 500


@dataclass(frozen=True, slots=True)
class Piece:
    """What bytes ``start`` to ``end`` say; ``junk`` counts lines that say nothing, ``more`` tells that more is there."""

    start: int
    end: int
    entries: tuple[Entry, ...]
    junk: int
    more: bool


def read(path: Path, offset: int, now: datetime) -> Piece:
    """Read on from ``offset``; a file that is missing, or no file, says nothing."""
    raw = _bytes(path, offset)
    lines, used = _whole_lines(raw)
    entries, junk = [], 0
    for line in filter(bytes.strip, lines):
        try:
            entries.append(words.entry(line, now))
        except WireError:
            junk += 1
    more = used > 0 and (len(lines) == PIECE_LINES or len(raw) == PIECE_BYTES)
    return Piece(start=offset, end=offset + used, entries=tuple(entries), junk=junk, more=more)


def _bytes(path: Path, offset: int) -> bytes:
    try:
        # Most looks find nothing new, and need not open anything.
        if os.lstat(path).st_size <= offset:
            return b""
        # A pipe in the file's place must not make the server wait, nor a link lead it elsewhere.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.pread(descriptor, PIECE_BYTES, offset) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)


def _whole_lines(raw: bytes) -> tuple[list[bytes], int]:
    """Cut ``raw`` into lines that have an end, and say how many bytes they take."""
    lines = raw.split(b"\n", PIECE_LINES)
    rest = lines.pop()
    used = len(raw) - len(rest)
    if not lines and len(rest) > MAX_LINE_BYTES:
        return [rest], len(raw)
    return lines, used
