"""The metrics endpoint: GET and HEAD of /metrics and /healthz, and nothing else.

Written by hand because the stock server of the client library does its TLS handshake inside ``accept``: one
client that connects and stays silent then blocks every scrape, and without TLS each silent client owns a
thread for ever. Here a connection is a task with a deadline, so a thousand silent ones cost a thousand tasks
for a few seconds. Rendering runs in a thread of its own; streams go on meanwhile.
"""

from __future__ import annotations

import asyncio
import gzip
import hmac
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

CLIENT_SECONDS = 5.0
_HEAD_BYTES = 16 * 1024
_COMPRESSION = 1
_log = structlog.get_logger("metrics")


class Answer(NamedTuple):
    """A response, whole."""

    status: str
    body: bytes
    headers: Mapping[str, str] = {}


class MetricsServer:
    """Serves a registry on ``host:port``.

    Args:
        registry: what to render.
        healthy: whether /healthz says yes.
        client_seconds: how long a client may take for its request, and again for reading the answer.
        tls: wraps connections when given.
        token: wanted from whoever reads /metrics, as ``Authorization: Bearer TOKEN``; /healthz is open to probes.
        measured: told the seconds and bytes of each scrape.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        healthy: Callable[[], bool] = lambda: True,
        client_seconds: float = CLIENT_SECONDS,
        tls: ssl.SSLContext | None = None,
        token: str | None = None,
        measured: Callable[[float, int], None] = lambda seconds, size_bytes: None,  # noqa: ARG005 - nobody asked
    ) -> None:
        self._measured = measured
        self._registry = registry
        self._healthy = healthy
        self._client_seconds = client_seconds
        self._tls = tls
        self._wanted = f"Bearer {token}".encode() if token else None
        self._renderer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="metrics")
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; raises OSError when the port is taken."""
        timeout = {"ssl_handshake_timeout": self._client_seconds} if self._tls else {}
        self._server = await asyncio.start_server(self._serve, host, port, limit=_HEAD_BYTES, ssl=self._tls, backlog=128, **timeout)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening; a scrape under way is finished."""
        if self._server is not None:
            self._server.close()
        self._renderer.shutdown(wait=False, cancel_futures=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._client_seconds):
                head = await reader.readuntil(b"\r\n\r\n")
            method, path, headers = _parsed(head)
            answer = await self._answer(method, path, headers)
            async with asyncio.timeout(self._client_seconds):
                writer.write(_written(answer, body=method != "HEAD"))
                await writer.drain()
        except asyncio.LimitOverrunError:
            writer.write(_written(Answer("431 Request Header Fields Too Large", b"")))
        except (OSError, asyncio.IncompleteReadError):
            pass  # it took too long, or its way to us is gone
        finally:
            await _close(writer)

    async def _answer(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        if path not in {"/metrics", "/healthz"}:
            return Answer("404 Not Found", b"here are /metrics and /healthz\n")
        if method not in {"GET", "HEAD"}:
            return Answer("405 Method Not Allowed", b"only GET and HEAD\n", {"Allow": "GET, HEAD"})
        if path == "/healthz":
            well = self._healthy()
            return Answer("200 OK" if well else "503 Service Unavailable", b"ok\n" if well else b"going down\n")
        if self._wanted is not None and not hmac.compare_digest(self._wanted, headers.get("authorization", "").encode()):
            return Answer("401 Unauthorized", b"send Authorization: Bearer TOKEN\n", {"WWW-Authenticate": "Bearer"})
        return await asyncio.get_running_loop().run_in_executor(self._renderer, self._render, headers)

    def _render(self, headers: Mapping[str, str]) -> Answer:
        try:
            encode, content_type = choose_encoder(headers.get("accept", ""))
            began = time.perf_counter()
            body = encode(self._registry)
            self._measured(time.perf_counter() - began, len(body))
        except Exception:  # noqa: BLE001 - a scrape that fails must say so, not hang
            _log.exception("scrape-failed")
            return Answer("500 Internal Server Error", b"the scrape failed; the server's log says why\n")
        described = {"Content-Type": content_type}
        if "gzip" in headers.get("accept-encoding", ""):
            return Answer("200 OK", gzip.compress(body, _COMPRESSION), {**described, "Content-Encoding": "gzip"})
        return Answer("200 OK", body, described)


def _parsed(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Read method, path and headers; what can not be read becomes a path that nobody serves."""
    first, *rest = head.decode("latin-1").split("\r\n")
    method, _, target = first.partition(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return method, target.partition(" ")[0].partition("?")[0], headers


def _written(answer: Answer, *, body: bool = True) -> bytes:
    described = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(answer.body)),
        "Connection": "close",
        **answer.headers,
    }
    lines = [f"HTTP/1.1 {answer.status}", *(f"{name}: {value}" for name, value in described.items())]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + (answer.body if body else b"")


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        async with asyncio.timeout(1):
            await writer.wait_closed()
    writer.transport.abort()
