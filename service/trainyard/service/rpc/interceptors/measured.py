"""Outermost: counts every call and times it, whatever becomes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import grpc

from trainyard.service.rpc.interceptors.around import Around, Call

# The names of what is counted are few by construction: methods that exist, and one name for all others.
UNKNOWN = "unknown"


class CallMeter(Protocol):
    """Counts calls."""

    def call_started(self, kind: str, service: str, method: str) -> None:
        """A call began."""

    def call_ended(self, kind: str, service: str, method: str, code: str, seconds: float) -> None:
        """A call ended with a status code."""


def measured(meter: CallMeter, monotonic: Callable[[], float] = time.monotonic) -> Around:
    """Count calls by method and code."""

    @asynccontextmanager
    async def around(call: Call) -> AsyncIterator[None]:
        service, method = call.method.lstrip("/").split("/", maxsplit=1)
        meter.call_started(call.kind, service, method)
        began, code = monotonic(), grpc.StatusCode.OK
        try:
            yield
        except asyncio.CancelledError:
            # The library has no code yet; a deadline that has passed is what it will be.
            remaining = call.context.time_remaining()
            late = remaining is not None and remaining <= 0
            code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
            raise
        except BaseException:
            code = call.context.code() or grpc.StatusCode.UNKNOWN
            raise
        finally:
            meter.call_ended(call.kind, service, method, code.name, monotonic() - began)

    return around


def count_unknown(meter: CallMeter) -> Callable[[], None]:
    """Count calls of methods that do not exist, under one name, never under what the caller wrote."""

    def unknown() -> None:
        meter.call_started(UNKNOWN, UNKNOWN, UNKNOWN)
        meter.call_ended(UNKNOWN, UNKNOWN, UNKNOWN, grpc.StatusCode.UNIMPLEMENTED.name, 0.0)

    return unknown
