"""Gives every call an id that its log lines carry: the caller's own when it is a sane one, else a new one."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

import structlog

from trainyard.service.rpc.interceptors.around import Around, Call

HEADER = "x-request-id"
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def traced(new_id: Callable[[], str] = lambda: uuid.uuid4().hex) -> Around:
    """Bind a request id and the method to the log of the call."""

    @asynccontextmanager
    async def around(call: Call) -> AsyncIterator[None]:
        given = call.header(HEADER)
        sane = len(given) == 1 and isinstance(given[0], str) and _SANE.fullmatch(given[0])
        request_id = str(given[0]) if sane else new_id()
        # Not reset: the call has a context of its own, and whoever maps errors further out still reads the id.
        REQUEST_ID.set(request_id)
        with structlog.contextvars.bound_contextvars(request_id=request_id, method=call.method):
            yield

    return around
