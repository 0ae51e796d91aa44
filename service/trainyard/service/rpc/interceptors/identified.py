"""Who calls: exactly one ``authorization: Bearer`` header, or nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from trainyard.service.core.errors import UnauthenticatedError
from trainyard.service.core.identity import NOBODY, Principal, Tokens
from trainyard.service.rpc.interceptors.around import Around, Call

HEADER = "authorization"
_SCHEME = "bearer "
LONGEST_TOKEN = 4096
PRINCIPAL: ContextVar[Principal] = ContextVar("principal", default=NOBODY)


def identified(tokens: Tokens) -> Around:
    """Find out who calls. A wrong header is refused at once; none at all makes a caller nobody."""

    @asynccontextmanager
    async def around(call: Call) -> AsyncIterator[None]:
        PRINCIPAL.set(_principal(call.header(HEADER), tokens))
        yield

    return around


def _principal(given: list[str | bytes], tokens: Tokens) -> Principal:
    if not given:
        return NOBODY
    header = given[0]
    if len(given) > 1 or not isinstance(header, str) or len(header) > LONGEST_TOKEN or not header.lower().startswith(_SCHEME):
        raise UnauthenticatedError
    principal = tokens.principal(header[len(_SCHEME) :])
    if principal is None:
        raise UnauthenticatedError
    return principal
