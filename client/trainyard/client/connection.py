"""One channel to one server: how it is opened, how long a call may take, what is tried again.

Knows gRPC and no messages. Plain text goes to loopback only, and only where no certificate was named; every
other address gets TLS, so a token never travels in the clear. Calls that may be repeated without harm are retried by gRPC itself while the
server is away (UNAVAILABLE, before any answer); streams have their own way back, in ``watching``.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import grpc

from trainyard.client.errors import BadSettings
from trainyard.client.meaning import meaning
from trainyard.client.settings import Settings
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

if TYPE_CHECKING:
    from trainyard.client.calls import Call

SERVICE = "trainyard.v1.TrainingService"
# Repeating these changes nothing: they read, or carry a request id, or say what has been said before.
REPEATABLE = (
    "LintSpec",
    "PlanSpec",
    "CreateJob",
    "GetJob",
    "ListJobs",
    "GetLintReport",
    "GetHistory",
    "ListArtifacts",
    "ListDatasets",
    "GetServerInfo",
    "PauseJob",
    "ResumeJob",
    "StopJob",
    "CancelJob",
)
# Written as text, so that no command has to import json for it.
_NAMES = ",".join(f'{{"service":"{SERVICE}","method":"{method}"}}' for method in REPEATABLE)
_POLICY = '{"maxAttempts":4,"initialBackoff":"0.1s","maxBackoff":"1s","backoffMultiplier":2,"retryableStatusCodes":["UNAVAILABLE"]}'
SERVICE_CONFIG = f'{{"methodConfig":[{{"name":[{_NAMES}],"retryPolicy":{_POLICY}}}]}}'
# A silent network is noticed within 40 s; the server allows a ping every 15 s.
OPTIONS = (
    ("grpc.service_config", SERVICE_CONFIG),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A curve of a hundred thousand epochs, or a report with every finding, is one message.
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # A server that comes back is met within seconds, however long it was away.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)
# A proxy named in the environment must never see what is meant for this machine.
LOOPBACK_OPTIONS = (*OPTIONS, ("grpc.enable_http_proxy", 0))


Answer = TypeVar("Answer")
Item_co = TypeVar("Item_co", covariant=True)


class Stream(Protocol[Item_co]):
    """Items from the server until it ends or fails; ``cancel`` ends it from any thread."""

    def __iter__(self) -> Iterator[Item_co]:
        """Yield items as they arrive; raises ``grpc.RpcError``, whose code decides about the way back."""

    def cancel(self) -> None:
        """End it now."""


class Connection:
    """An open channel; use it as a context manager. Dialling happens with the first call."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._channel = _open(settings)
        self._stub = TrainingServiceStub(self._channel)
        self._metadata = metadata(settings)

    def unary(self, call: Call[Answer]) -> Answer:
        """Make a call and wait for its answer, at most until its deadline; raises ClientError."""
        try:
            response = self._method(call)(call.request, timeout=call.deadline_seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            raise meaning(error, self.settings) from error
        return call.read(response)

    def stream(self, call: Call[Answer]) -> Stream[Answer]:
        """Open a stream; nothing is raised before it is read."""
        return _Stream(self._method(call)(call.request, metadata=self._metadata), call)

    def close(self) -> None:
        """Close the channel; open streams end."""
        self._channel.close()

    def _method(self, call: Call[Answer]) -> Any:
        return getattr(self._stub, call.method)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Stream(Generic[Answer]):
    """A running stream of messages, read as values."""

    def __init__(self, running: Any, call: Call[Answer]) -> None:
        self._running = running
        self._call = call

    def __iter__(self) -> Iterator[Answer]:
        for message in self._running:
            yield self._call.read(message)

    def cancel(self) -> None:
        self._running.cancel()


def metadata(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return what travels with every call: the token, where there is one."""
    return (("authorization", f"Bearer {settings.token}"),) if settings.token else ()


def options(settings: Settings) -> tuple[tuple[str, Any], ...]:
    """Return the options of a channel to a server."""
    return LOOPBACK_OPTIONS if settings.address.loopback else OPTIONS


def credentials(settings: Settings) -> grpc.ChannelCredentials:
    """Return what a channel with TLS needs; raises BadSettings for a file that can't be used."""
    tls = settings.tls
    ca, cert, key = (_pem(path) if path else None for path in tls)
    return grpc.ssl_channel_credentials(ca, key, cert)


def _open(settings: Settings) -> grpc.Channel:
    target = str(settings.address)
    if not settings.encrypted:
        return grpc.insecure_channel(target, options(settings))
    return grpc.secure_channel(target, credentials(settings), options(settings))


def _pem(path: str) -> bytes:
    from pathlib import Path

    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise BadSettings(f"the TLS file {path} can't be read: {(error.strerror or '').lower()}") from None
    if b"-----BEGIN " not in raw:
        raise BadSettings(f"the TLS file {path} holds no PEM: a block that begins with -----BEGIN is meant")
    return raw
