"""The gRPC server: its options, its interceptors in their order, health, reflection, and a shutdown that is polite.

One event loop serves everybody: an idle watcher must not own a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from trainyard.service.core.identity import Identities, Role
from trainyard.service.rpc.interceptors.allowed import allowed
from trainyard.service.rpc.interceptors.around import AroundCalls
from trainyard.service.rpc.interceptors.audited import Keep, audited
from trainyard.service.rpc.interceptors.identified import identified
from trainyard.service.rpc.interceptors.mapped import mapped
from trainyard.service.rpc.interceptors.measured import CallMeter, count_unknown, measured
from trainyard.service.rpc.interceptors.traced import traced
from trainyard.service.rpc.servicer import TrainingServicer
from trainyard.v1 import training_service_pb2
from trainyard.v1.training_service_pb2_grpc import add_TrainingServiceServicer_to_server

SERVICE: str = training_service_pb2.DESCRIPTOR.services_by_name["TrainingService"].full_name
# Far above what a spec may have: a large one is answered by the gate, in words that say what is too large.
MAX_REQUEST_BYTES = 16 * 1024 * 1024
OPTIONS = (
    # Without this two servers share a port silently, and each gets half of the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    # Clients of streams that have little to say ping every 30 s; the default calls that too many pings.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 15_000),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 0),
    # Who connects and says nothing is gone after this; who said hello and then asks for nothing, after that.
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 600_000),
)
MAX_CALLS = 4000


class PortTakenError(Exception):
    """Somebody listens on the address already."""


@dataclass(frozen=True, slots=True)
class Door:
    """How the port is guarded.

    Without ``credentials`` it speaks plain text, which is for loopback only. ``certificate_role`` is what owners of client
    certificates may do. ``reflection`` lists the methods to whoever asks. ``audit`` keeps a line for every deed. More than ``connections``
    at once are turned away.
    """

    credentials: grpc.ServerCredentials | None = None
    certificate_role: Role | None = None
    reflection: bool = True
    connections: int = 5000
    audit: Keep = lambda line: None  # noqa: ARG005 - nobody asked


class Server:
    """The server around a servicer.

    Args:
        servicer: what answers.
        tokens: who may call.
        meter: what counts calls.
        listen: ``HOST:PORT``, port 0 for any; raises PortTakenError when it can not be had.
        door: how the port is guarded.
    """

    def __init__(self, servicer: TrainingServicer, *, tokens: Identities, meter: CallMeter, listen: str, door: Door = Door()) -> None:
        around = _interceptors(tokens, meter, door)
        options = (*OPTIONS, ("grpc.max_allowed_incoming_connections", door.connections))
        self._server = grpc.aio.server(interceptors=around, options=options, maximum_concurrent_rpcs=MAX_CALLS)
        self._health = health.aio.HealthServicer()
        add_TrainingServiceServicer_to_server(servicer, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if door.reflection:
            reflection.enable_server_reflection(_names(), self._server)
        try:
            self.port = self._open(listen, door)
        except RuntimeError as error:
            # The library says no more than that it could not.
            raise PortTakenError from error

    def _open(self, listen: str, door: Door) -> int:
        if door.credentials is None:
            return self._server.add_insecure_port(listen)
        return self._server.add_secure_port(listen, door.credentials)

    async def start(self) -> None:
        """Begin to answer."""
        await self._server.start()
        await self._health.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace_seconds: float) -> None:
        """Say that the server goes, let calls finish, end those that do not."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_seconds)


def _interceptors(tokens: Identities, meter: CallMeter, door: Door) -> Sequence[grpc.aio.ServerInterceptor]:
    """Outermost first."""
    return (
        AroundCalls(measured(meter), unknown=count_unknown(meter)),
        AroundCalls(mapped),
        AroundCalls(traced()),
        AroundCalls(audited(door.audit)),
        AroundCalls(identified(tokens, door.certificate_role)),
        AroundCalls(allowed),
    )


def _names() -> tuple[str, ...]:
    return (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
