"""The audit log: one JSON object a line in the home, readable by its owner only, in two files of bounded size."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog

MOST_BYTES = 64 * 1024 * 1024
_log = structlog.get_logger("audit")


class AuditLog:
    """Appends lines to ``audit.jsonl``; when it is full it becomes ``audit.jsonl.1``.

    What callers wrote stands in JSON strings in ASCII, so that no line can be forged and no terminal driven. A disk that
    takes no line any more stops nobody's work; the server's log says so.
    """

    def __init__(self, home: Path, now: Callable[[], datetime], most_bytes: int = MOST_BYTES) -> None:
        self.path = home / "audit.jsonl"
        self._now = now
        self._most_bytes = most_bytes
        self._lock = threading.Lock()

    def keep(self, line: dict[str, object]) -> None:
        """Write a line down."""
        raw = json.dumps({"at": self._now().isoformat(timespec="milliseconds"), **line}).encode() + b"\n"
        try:
            with self._lock:
                self._append(raw)
        except OSError as error:
            _log.error("audit-not-written", why=error.strerror)

    def _append(self, raw: bytes) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            before = os.fstat(descriptor).st_size
            if os.write(descriptor, raw) < len(raw):
                # Half a line, on a disk that is nearly full: the next one would be written on in it.
                os.ftruncate(descriptor, before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            full = before + len(raw) >= self._most_bytes
        finally:
            os.close(descriptor)
        if full:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
