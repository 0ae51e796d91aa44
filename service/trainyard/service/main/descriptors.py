"""File descriptors: as many as the kernel allows, and never all of them for those who connect.

Shells and containers often allow 1024. A thousand clients that only connect would take them all, and then the server could neither
read a spool nor start a trainer: so some are kept for the server itself, and connections beyond the rest are turned away.
"""

from __future__ import annotations

import resource
from contextlib import suppress

import structlog

WANTED = 65_536
# The store, spools and logs that are read, trainers about to start, scrapes.
RESERVED = 384
LEAST_FOR_CALLERS = 32
MOST_FOR_CALLERS = 5000
_log = structlog.get_logger("server")


def claim() -> int:
    """Raise this process' own limit as far as it is wanted and allowed; return what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < ceiling:
        with suppress(OSError, ValueError):  # some sandboxes refuse even that
            resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))
    limit = _limit()
    if connections(limit) < MOST_FOR_CALLERS:
        _log.warning("few-descriptors", limit=limit, connections=connections(limit), advice="raise LimitNOFILE or ulimit -n")
    return limit


def connections(limit: int | None = None) -> int:
    """Return how many may connect at once, under ``limit`` descriptors or as many as there are."""
    return max(LEAST_FOR_CALLERS, min(MOST_FOR_CALLERS, (_limit() if limit is None else limit) - RESERVED))


def _limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WANTED if soft == resource.RLIM_INFINITY else soft
