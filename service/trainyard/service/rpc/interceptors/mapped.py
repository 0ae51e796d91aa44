"""Errors become statuses here and nowhere else; what is no error of the core becomes INTERNAL and tells nothing.

Left alone, the library sends the class and the message of any exception to the caller, paths included.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from grpc_status import rpc_status

from trainyard.service.core.errors import ServiceError
from trainyard.service.rpc import status
from trainyard.service.rpc.interceptors.around import Call
from trainyard.service.rpc.interceptors.traced import REQUEST_ID

_log = structlog.get_logger("rpc")


@asynccontextmanager
async def mapped(call: Call) -> AsyncIterator[None]:
    """Turn exceptions into statuses."""
    try:
        yield
    except ServiceError as error:
        await _abort(call, status.status_of(error))
    except Exception as error:
        if call.context.code() is not None:
            raise  # the call was aborted with a status already
        request_id = REQUEST_ID.get()
        _log.exception("call-failed", method=call.method, request_id=request_id, fault=type(error).__name__)
        await _abort(call, status.internal(request_id))


async def _abort(call: Call, what: Any) -> None:
    await call.context.abort_with_status(rpc_status.to_status(what))
