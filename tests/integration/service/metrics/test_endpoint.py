"""The metrics endpoint against clients that are silent, slow, rude or wrong."""

from __future__ import annotations

import asyncio
import errno
import gzip
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge

from trainyard.service.metrics.endpoint import MetricsServer


@asynccontextmanager
async def serving(**of: object) -> AsyncIterator[MetricsServer]:
    registry = CollectorRegistry()
    Gauge("answer", "Always 42.", registry=registry).set(42)
    server = MetricsServer(registry, **of)  # type: ignore[arg-type]  # what of holds is named at each call
    await server.start("127.0.0.1", 0)
    try:
        yield server
    finally:
        await server.stop()


async def ask(port: int, raw: bytes, tls: ssl.SSLContext | None = None) -> tuple[str, dict[str, str], bytes]:
    """Send bytes and read the answer to its end: status, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None)
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return status, {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines if line}, body


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def run(test: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))


def test_metrics_are_text_that_prometheus_reads() -> None:
    async def test() -> None:
        async with serving() as server:
            status, headers, body = await ask(server.port, get("/metrics"))
            assert status == "HTTP/1.1 200 OK"
            assert headers["content-type"].startswith("text/plain")
            assert int(headers["content-length"]) == len(body)
            assert b"answer 42.0" in body
            _, headers, body = await ask(server.port, get("/metrics?x=1", "Accept: application/openmetrics-text; version=1.0.0"))
            assert headers["content-type"].startswith("application/openmetrics-text")
            assert body.endswith(b"# EOF\n")
            _, headers, body = await ask(server.port, get("/metrics", "Accept-Encoding: gzip"))
            assert headers["content-encoding"] == "gzip"
            assert b"answer 42.0" in gzip.decompress(body)

    run(test)


def test_health_follows_the_server() -> None:
    async def test() -> None:
        well = True
        async with serving(healthy=lambda: well) as server:
            assert (await ask(server.port, get("/healthz")))[0] == "HTTP/1.1 200 OK"
            well = False
            assert (await ask(server.port, get("/healthz")))[0].startswith("HTTP/1.1 503")

    run(test)


def test_a_head_is_answered_like_a_get_without_its_body() -> None:
    async def test() -> None:
        async with serving() as server:
            head = await ask(server.port, b"HEAD /metrics HTTP/1.1\r\n\r\n")
            whole = await ask(server.port, get("/metrics"))
            assert head == ("HTTP/1.1 200 OK", whole[1], b"")
            assert whole[2]

    run(test)


@pytest.mark.parametrize(
    "raw,status",
    [
        (get("/"), "404"),
        (get("/../metrics"), "404"),
        (get("/metrics/x"), "404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"PUT /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"DELETE /healthz HTTP/1.1\r\n\r\n", "405"),
        (b"\x16\x03\x01\r\n\r\n", "404"),
        (b"\r\n\r\n", "404"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", "431"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_everything_else_is_refused(raw: bytes, status: str) -> None:
    async def test() -> None:
        async with serving() as server:
            assert (await ask(server.port, raw))[0].split()[1] == status
            assert b"answer" in (await ask(server.port, get("/metrics")))[2]

    run(test)


def test_silent_clients_do_not_keep_a_scrape_waiting_and_are_dropped() -> None:
    async def test() -> None:
        async with serving(client_seconds=1.0) as server:
            silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(300)]
            for _, writer in silent[:100]:
                writer.write(b"GET /met")
            begun = time.monotonic()
            assert b"answer" in (await ask(server.port, get("/metrics")))[2]
            assert time.monotonic() - begun < 1
            for reader, writer in silent:
                assert await asyncio.wait_for(reader.read(), 10) == b""
                writer.close()

    run(test)


def test_a_client_that_does_not_read_is_dropped() -> None:
    async def test() -> None:
        registry = CollectorRegistry()
        many = Gauge("many", "A lot.", ["index"], registry=registry)
        for index in range(100_000):
            many.labels(str(index)).set(1)
        server = MetricsServer(registry, client_seconds=0.5)
        await server.start("127.0.0.1", 0)
        without_clients = len(asyncio.all_tasks())
        with socket.create_connection(("127.0.0.1", server.port)) as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.sendall(get("/metrics"))
            assert (await ask(server.port, get("/healthz")))[0].endswith("OK")
            deadline = time.monotonic() + 20
            while len(asyncio.all_tasks()) > without_clients:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
        await server.stop()

    run(test)


def test_a_scrape_beside_fifty_silent_clients_and_a_slow_reader_takes_as_long_as_alone() -> None:
    async def test() -> None:
        registry = CollectorRegistry()
        many = Gauge("many", "A lot.", ["index"], registry=registry)
        for index in range(1_000):
            many.labels(str(index)).set(1)
        server = MetricsServer(registry, client_seconds=30)
        await server.start("127.0.0.1", 0)

        async def quickest() -> float:
            took = []
            for _ in range(10):
                begun = time.perf_counter()
                assert b"many" in (await ask(server.port, get("/metrics")))[2]
                took.append(time.perf_counter() - begun)
            return min(took)

        alone = await quickest()
        silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(50)]
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            slow.connect(("127.0.0.1", server.port))
            slow.sendall(get("/metrics"))
            beside = await quickest()
        for _, writer in silent:
            writer.close()
        await server.stop()
        # Alone it takes milliseconds: three times that, and a little for the machine's noise, lie far below 100 ms.
        assert beside <= 3 * alone + 0.01

    run(test)


def test_a_client_whose_way_is_gone_is_let_go_without_a_word() -> None:
    class Way:
        """Fails as the kernel says it when a host or a route is gone."""

        transport = SimpleNamespace(abort=lambda: None)

        def close(self) -> None:
            """Nothing is left to close."""

        async def readuntil(self, _end: bytes) -> bytes:
            raise OSError(errno.EHOSTUNREACH, "No route to host")

        async def wait_closed(self) -> None:
            raise OSError(errno.EHOSTUNREACH, "No route to host")

    async def test() -> None:
        way: Any = Way()
        async with serving() as server:
            await server._serve(way, way)

    run(test)


def test_a_scrape_that_fails_says_so() -> None:
    class Broken:
        def collect(self) -> list[object]:
            raise RuntimeError("/secret/path")

    async def test() -> None:
        async with serving() as server:
            server._registry._collector_to_names[Broken()] = []  # type: ignore[index]  # registering would ask it at once
            status, _, body = await ask(server.port, get("/metrics"))
            assert status.startswith("HTTP/1.1 500")
            assert b"secret" not in body

    run(test)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    try:
        subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl to make a certificate with")
    return key, certificate


def test_with_tls_a_silent_client_does_not_keep_a_scrape_waiting_either(certificate: tuple[Path, Path]) -> None:
    async def test() -> None:
        theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        theirs.load_cert_chain(certificate[1], certificate[0])
        ours = ssl.create_default_context(cafile=str(certificate[1]))
        async with serving(client_seconds=1.0, tls=theirs) as server:
            silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(50)]
            begun = time.monotonic()
            assert b"answer" in (await ask(server.port, get("/metrics"), ours))[2]
            assert time.monotonic() - begun < 1
            for _, writer in silent:
                writer.close()

    run(test)
