"""Who did what to which job: every call that changes or takes something away, and every one that was refused for who it was.

The line is made here and kept by whoever is given it. It holds names, ids and codes, never a spec and never a header.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

from trainyard.service.core.errors import CredentialEndedError, ForbiddenError, ServiceError, UnauthenticatedError
from trainyard.service.rpc.catalogue import CATALOGUE, INTERNAL
from trainyard.service.rpc.interceptors.around import Around, Call
from trainyard.service.rpc.interceptors.identified import PRINCIPAL
from trainyard.service.rpc.interceptors.traced import REQUEST_ID

CHANGING = frozenset({"CreateJob", "PauseJob", "ResumeJob", "StopJob", "CancelJob", "DeleteJob", "DownloadArtifact"})
#: The job that a call turned out to be about; methods set it.
JOB: ContextVar[str] = ContextVar("job", default="")
_MOST_ASKED = 64
_ABOUT_IDENTITY = (UnauthenticatedError, ForbiddenError, CredentialEndedError)
Keep = Callable[[dict[str, object]], None]


def audited(keep: Keep) -> Around:
    """Hand a line about a call to ``keep`` when it is over."""

    @asynccontextmanager
    async def around(call: Call) -> AsyncIterator[None]:
        wanted, code, reason = call.method.rpartition("/")[2] in CHANGING, "OK", ""
        try:
            yield
        except ServiceError as error:
            row = CATALOGUE[type(error)]
            wanted, code, reason = wanted or isinstance(error, _ABOUT_IDENTITY), row.code.name, row.reason
            raise
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except Exception:
            code = INTERNAL.code.name
            raise
        finally:
            if wanted:
                keep(_line(call, code, reason))

    return around


def _line(call: Call, code: str, reason: str) -> dict[str, object]:
    principal = PRINCIPAL.get()
    asked = getattr(call.request, "id", "")
    return {
        "principal": principal.name,
        "role": principal.role.name.lower(),
        "method": call.method.rpartition("/")[2],
        "job": JOB.get(),
        "asked": asked[:_MOST_ASKED] if isinstance(asked, str) and asked != JOB.get() else "",
        "code": code,
        "reason": reason,
        "peer": str(call.context.peer()),
        "request_id": REQUEST_ID.get(),
    }
