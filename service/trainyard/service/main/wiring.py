"""The one place where everything is put together; nothing here decides anything.

The order matters twice. Ports are taken before trainers are looked after, so that a start which is refused
touches nothing. And what was committed is told to observers from the first moment, so that no count is missed.
"""

from __future__ import annotations

import asyncio
import os
import platform
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

from trainyard.service.core import hardware
from trainyard.service.core.gate import Gate, Verdict
from trainyard.service.core.identity import Principal, Role, Tokens, token_digest
from trainyard.service.core.jobs import JobQuery
from trainyard.service.core.submission import Submissions
from trainyard.service.executor.devices import Device
from trainyard.service.executor.environment import trainer_command, trainer_environment
from trainyard.service.executor.launching import LocalLauncher, Order
from trainyard.service.executor.loop import SupervisorLoop
from trainyard.service.executor.slots import Slots
from trainyard.service.executor.supervisor import Supervisor
from trainyard.service.main.home import Home
from trainyard.service.main.settings import Settings
from trainyard.service.main.surroundings import RandomIds, SystemClock, user_name
from trainyard.service.metrics.board import Board
from trainyard.service.metrics.calls import CallCounter
from trainyard.service.metrics.collector import JobCollector
from trainyard.service.metrics.endpoint import MetricsServer
from trainyard.service.metrics.instruments import Instruments
from trainyard.service.rpc.about import BACKEND, About, Identity
from trainyard.service.rpc.bell import Bell
from trainyard.service.rpc.blocking import Pool
from trainyard.service.rpc.server import Server
from trainyard.service.rpc.servicer import Collaborators, TrainingServicer
from trainyard.service.rpc.watching import Watch
from trainyard.service.store import SqlJobStore, open_sqlite

Command = Callable[[Order], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Parts:
    """A server, put together and not yet started."""

    instance: str
    store: SqlJobStore
    supervisor: Supervisor
    loop: SupervisorLoop
    launcher: LocalLauncher
    pool: Pool
    bell: Bell
    server: Server
    endpoint: MetricsServer


@dataclass(frozen=True, slots=True)
class Found:
    """What the server was given at this start: its home, its devices, the user's token."""

    home: Home
    devices: Sequence[Device]
    token: str


def build(settings: Settings, found: Found, running: asyncio.AbstractEventLoop, command: Command | None = None) -> Parts:
    """Put a server together; its ports are taken when this returns, and nothing runs yet.

    ``command`` makes the command line of a trainer: tests pass one that starts no Keras.
    """
    clock, home, devices = SystemClock(), found.home, found.devices
    registry, instruments = _registry(settings)
    board, calls, bell, loop = Board(instruments, time.monotonic), CallCounter(instruments), Bell(running), SupervisorLoop()
    described = hardware.describe(devices[0].name, devices[0].memory_bytes // _sharers(settings, devices), gpu=bool(devices[0].uuid))
    gate = Gate(settings.data_root, hardware=hardware.understood(described), judged=_counted(calls))
    identity = Identity(uuid.uuid4().hex, clock.now(), devices, settings.slots, described)
    about = About(identity, gate, lambda: len(store.held_devices()))
    store = open_sqlite(home.database, observers=(bell, board, about, loop))
    board.seed(store.live())
    about.seed(store.jobs(JobQuery(limit=50)))
    registry.register(JobCollector(board))
    instruments.gauge("slots_held").set_function(lambda: len(store.held_devices()))
    launcher = LocalLauncher(command or trainer_command(settings.data_root), trainer_environment(os.environ, slots=settings.slots))
    slots = Slots(settings.slots, tuple(device.key for device in devices))
    pool = Pool()
    servicer = TrainingServicer(
        Collaborators(
            submissions=Submissions(gate, store, clock, RandomIds()),
            store=store,
            watch=Watch(store=store, pool=pool, bell=bell, runs=home.runs, meter=calls, clock=clock),
            pool=pool,
            clock=clock,
            runs=home.runs,
            info=about.message,
        )
    )
    return Parts(
        instance=identity.instance,
        store=store,
        supervisor=Supervisor(store=store, launcher=launcher, runs=home.runs, slots=slots, clock=clock),
        loop=loop,
        launcher=launcher,
        pool=pool,
        bell=bell,
        server=Server(servicer, tokens=_tokens(found.token), meter=calls, listen=str(settings.listen)),
        endpoint=MetricsServer(registry, healthy=lambda: not bell.closed),
    )


def _registry(settings: Settings) -> tuple[CollectorRegistry, Instruments]:
    registry = CollectorRegistry()
    instruments = Instruments(registry)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    instruments.build({"version": version("trainyard"), "backend": BACKEND, "python": platform.python_version()})
    instruments.gauge("start_timestamp_seconds").set_to_current_time()
    instruments.gauge("slots").set(settings.slots)
    return registry, instruments


def _counted(calls: CallCounter) -> Callable[[Verdict], None]:
    def judged(verdict: Verdict) -> None:
        calls.judged(verdict.result, ((finding.code, finding.severity.label) for finding in verdict.report.findings))

    return judged


def _sharers(settings: Settings, devices: Sequence[Device]) -> int:
    """Count the trainers that one device may have to share its memory between."""
    return -(-settings.slots // len(devices))


def _tokens(token: str) -> Tokens:
    """The token of this user is the operator's: whoever can read it can read the home folder too."""
    return Tokens([(token_digest(token), Principal(user_name(), Role.OPERATOR))])
