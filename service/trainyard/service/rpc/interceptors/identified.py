"""Who calls: one ``authorization: Bearer`` header, else the name in a client's certificate, else nobody.

A stream outlives the moment in which its caller was known, so it is asked again while the stream runs: a token
that expires or is revoked ends what it opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from trainyard.service.core.errors import CredentialEndedError, UnauthenticatedError
from trainyard.service.core.identity import NOBODY, Identities, Principal, Role, is_name
from trainyard.service.rpc.interceptors.around import Around, Call

HEADER = "authorization"
_SCHEME = "bearer "
LONGEST_TOKEN = 4096
# How long a revoked token may go on watching.
LOOK_SECONDS = 3.0
PRINCIPAL: ContextVar[Principal] = ContextVar("principal", default=NOBODY)
_COMMON_NAME = "x509_common_name"
_SHORT = "unary"


def identified(tokens: Identities, certificate_role: Role | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Around:
    """Find out who calls. A wrong header is refused at once; none at all makes a caller nobody.

    ``certificate_role`` is what the owner of a certificate may do that the server's client CA has signed; None: such a
    certificate names nobody.
    """

    @asynccontextmanager
    async def around(call: Call) -> AsyncIterator[None]:
        token = _token(call.header(HEADER))
        principal = _certified(call.context, certificate_role) if token is None else tokens.principal(token)
        if principal is None:
            raise UnauthenticatedError
        PRINCIPAL.set(principal)
        if token is None or call.kind == _SHORT or not principal.revocable:
            yield
            return
        async with _as_long_as(lambda: tokens.principal(token) == principal, principal.expires_at, now):
            yield

    return around


def _token(given: list[str | bytes]) -> str | None:
    if not given:
        return None
    header = given[0]
    if len(given) > 1 or not isinstance(header, str) or len(header) > LONGEST_TOKEN or not header.lower().startswith(_SCHEME):
        raise UnauthenticatedError
    return header[len(_SCHEME) :]


def _certified(context: Any, role: Role | None) -> Principal | None:
    """Return the owner of the certificate; None for one whose name names nobody."""
    if role is None:
        return NOBODY
    names = [name.decode("utf-8", "replace") for name in context.auth_context().get(_COMMON_NAME, ())]
    if not names:
        return NOBODY
    return Principal(names[0], role) if len(names) == 1 and is_name(names[0]) else None


@asynccontextmanager
async def _as_long_as(valid: Callable[[], bool], until: datetime | None, now: Callable[[], datetime]) -> AsyncIterator[None]:
    """End what runs inside, with CredentialEndedError, when the credential is no longer valid."""
    try:
        async with asyncio.timeout(None) as limit:
            guard = asyncio.create_task(_guard(limit, valid, until, now))
            try:
                yield
            finally:
                guard.cancel()
                with suppress(asyncio.CancelledError):
                    await guard
    except TimeoutError:
        if limit.expired():
            raise CredentialEndedError from None
        raise


async def _guard(limit: asyncio.Timeout, valid: Callable[[], bool], until: datetime | None, now: Callable[[], datetime]) -> None:
    while valid():
        left = LOOK_SECONDS if until is None else (until - now()).total_seconds()
        await asyncio.sleep(max(0.01, min(LOOK_SECONDS, left)))
    limit.reschedule(asyncio.get_running_loop().time())
