"""Logs: one JSON object a line on standard error, or lines for people where a person looks.

User text stands in values only, so that no line can be forged; what carries a secret's name is blanked.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET = ("token", "authorization", "password", "secret")


def configure(*, person: bool) -> None:
    """Set up logging for the process; ``person`` says that somebody reads along."""
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
        if person
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            blank_secrets,
            *last,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()], force=True)


def blank_secrets(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of keys that name a secret."""
    for key in line:
        if any(word in key.lower() for word in _SECRET):
            line[key] = "***"
    return line


class _Forward(logging.Handler):
    """Libraries log through the standard module; their lines join ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on."""
        log = structlog.get_logger(record.name)
        log.log(record.levelno, "library", said=record.getMessage(), logger=record.name, exc_info=record.exc_info)
