"""Logs: one JSON object a line on standard error, or lines for people where a person looks.

User text stands in values only, with everything that could drive a terminal written out, so that no line can be forged; what carries a
secret's name, or looks like a token of ours, is blanked. A line that can not be written (a full disk, a reader that went) costs nothing
but itself: the next one that can be is followed by how many could not when they came.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

_BEARER = re.compile(r"(?i)(bearer\s+|\bty_)[A-Za-z0-9_.~+/=-]{16,}")
_DRIVES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_SECRET = ("token", "authorization", "password", "secret")


def configure(*, person: bool) -> None:
    """Set up logging for the process; ``person`` says that somebody reads along."""
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    last: list[Any] = [
        structlog.processors.format_exc_info,
        # JSON writes line feeds out itself; the lines of a traceback are for people to read.
        written_out(_ODD if person else _DRIVES),
        console if person else structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            blank_secrets,
            *last,
        ],
        logger_factory=_Factory(Lines(sys.stderr, person=person)),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()], force=True)


def blank_secrets(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of keys that name a secret."""
    for key in line:
        if any(word in key.lower() for word in _SECRET):
            line[key] = "***"
    return line


def written_out(odd: re.Pattern[str]) -> structlog.typing.Processor:
    """Write out what moves cursors, rings, ends a line or turns its direction; blank what looks like a token in a text."""

    def process(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key, value in line.items():
            if isinstance(value, str):
                line[key] = (_DRIVES if key == "exception" else odd).sub(_code, _BEARER.sub(r"\1***", value))
        return line

    return process


def _code(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"


class Lines:
    """Writes finished lines to a stream, each whole, from any thread; never raises for what the stream does."""

    def __init__(self, stream: TextIO, *, person: bool) -> None:
        self._stream = stream
        self._person = person
        self._guard = threading.Lock()
        self._missed = 0

    def msg(self, line: str) -> None:
        """Write a line."""
        with self._guard:
            if not self._written(line):
                self._missed += 1
            elif self._missed and self._written(self._told()):
                self._missed = 0

    log = debug = info = warn = warning = error = err = critical = fatal = exception = failure = msg

    def _written(self, line: str) -> bool:
        try:
            # One call, so that what another process writes to the same place does not come in between.
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: it is closed
            return False
        return True

    def _told(self) -> str:
        if self._person:
            return f"[warning  ] log-was-unwritable              lines={self._missed}"
        return json.dumps({"event": "log-was-unwritable", "level": "warning", "lines": self._missed})


class _Factory:
    """What structlog asks for a logger: everybody gets the same."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __call__(self, *_: Any) -> Lines:
        return self._lines


class _Forward(logging.Handler):
    """Libraries log through the standard module; their lines join ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on."""
        log = structlog.get_logger(record.name)
        log.log(record.levelno, "library", said=record.getMessage(), logger=record.name, exc_info=record.exc_info)
