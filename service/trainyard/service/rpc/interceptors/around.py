"""One interceptor for all: puts something around a call, whichever of the four kinds of method it is.

The library hands an interceptor a handler of one of four shapes and leaves the rest to it; here the shapes
are dealt with once, so that nothing which guards a call can miss a kind of method.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc.aio import ServerInterceptor

Behaviour = Callable[[Any, Any], Any]
# Names as the Prometheus interceptors of other languages have them, by (request streams, response streams).
KINDS = {(False, False): "unary", (False, True): "server_stream", (True, False): "client_stream", (True, True): "bidi_stream"}
_MAKERS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A call under way: ``/package.Service/Method``, which kind of method that is, the library's context, and what was asked.

    ``request`` is the message, or a stream of them.
    """

    method: str
    kind: str
    context: Any
    request: Any = None

    def header(self, name: str) -> list[str | bytes]:
        """Return all values of a request header."""
        return [value for key, value in self.context.invocation_metadata() or () if key == name]


class Unreadable:
    """Stands for a request whose bytes are no message of its method.

    Left to itself the library answers with the name of a class, and writes a traceback for each: whoever may call refuses it.
    """


Around = Callable[[Call], AbstractAsyncContextManager[None]]


class AroundCalls(ServerInterceptor):
    """Runs every call inside ``around``; unknown methods pass by, the library answers them."""

    def __init__(self, around: Around, unknown: Callable[[], None] | None = None) -> None:
        self._around = around
        self._unknown = unknown

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Wrap the handler that is next in the chain."""
        handler = await continuation(handler_call_details)
        if handler is None:
            if self._unknown:
                self._unknown()
            return None
        return self._wrapped(handler, str(handler_call_details.method))

    def _wrapped(self, handler: Any, method: str) -> Any:
        shape = (bool(handler.request_streaming), bool(handler.response_streaming))
        inner: Behaviour = next(
            found for found in (handler.unary_unary, handler.unary_stream, handler.stream_unary, handler.stream_stream) if found
        )
        run, around = _as_coroutine(inner), self._around

        async def outer(request: Any, context: Any) -> Any:
            async with around(Call(method, KINDS[shape], context, request)):
                return await run(request, context)

        return _MAKERS[shape](outer, _careful(handler.request_deserializer), _unless_encoded(handler.response_serializer))


def _careful(read: Callable[[bytes], Any] | None) -> Callable[[bytes], Any] | None:
    def read_or_say_so(raw: bytes) -> Any:
        try:
            return read(raw) if read else raw
        except DecodeError:
            return Unreadable()

    return read_or_say_so if read else None


def _unless_encoded(write: Callable[[Any], bytes] | None) -> Callable[[Any], bytes] | None:
    """Let bytes pass: what a thousand streams send is encoded once. The innermost serialiser does the work; others find bytes."""

    def write_or_pass(message: Any) -> bytes:
        return message if isinstance(message, bytes) else write(message)  # type: ignore[misc]  # asked below

    return write_or_pass if write else None


def _as_coroutine(behaviour: Behaviour) -> Callable[[Any, Any], Awaitable[Any]]:
    """Make a generator a coroutine that writes: a cancelled one ends where it stands, not when it is collected."""
    if not inspect.isasyncgenfunction(behaviour):
        return behaviour

    async def write_all(request: Any, context: Any) -> None:
        async with aclosing(behaviour(request, context)) as items:
            async for item in items:
                await context.write(item)

    return write_all
