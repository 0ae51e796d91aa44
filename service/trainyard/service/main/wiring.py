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
from pathlib import Path

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

from trainyard.linter.cli.exits import Refusal
from trainyard.linter.rules.index import RULES
from trainyard.service.core import hardware
from trainyard.service.core.gate import Gate, Verdict
from trainyard.service.core.jobs import JobQuery, Lease
from trainyard.service.core.submission import Submissions
from trainyard.service.executor import nvml
from trainyard.service.executor.datasets import DataRoot
from trainyard.service.executor.devices import Device
from trainyard.service.executor.environment import STANDBY, standby_environment, trainer_command, trainer_environment
from trainyard.service.executor.janitor import Janitor
from trainyard.service.executor.launching import LocalLauncher, Order
from trainyard.service.executor.loop import SupervisorLoop
from trainyard.service.executor.notices import Notices
from trainyard.service.executor.slots import Slots
from trainyard.service.executor.standby import Standbys
from trainyard.service.executor.supervisor import Supervisor
from trainyard.service.executor.walls import Wall
from trainyard.service.main.guards import guards
from trainyard.service.main.home import Home, node
from trainyard.service.main.policy_file import HARDWARE, House
from trainyard.service.main.settings import Settings
from trainyard.service.main.surroundings import RandomIds, SystemClock
from trainyard.service.metrics.board import Board
from trainyard.service.metrics.calls import CallCounter
from trainyard.service.metrics.collector import JobCollector
from trainyard.service.metrics.endpoint import MetricsServer
from trainyard.service.metrics.instruments import Instruments
from trainyard.service.rpc.about import BACKEND, About, Identity
from trainyard.service.rpc.asking import Collaborators
from trainyard.service.rpc.bell import Bell
from trainyard.service.rpc.blocking import Pool
from trainyard.service.rpc.server import Server
from trainyard.service.rpc.servicer import TrainingServicer
from trainyard.service.rpc.watching import Watch
from trainyard.service.store import SqlJobStore, open_sqlite, open_store
from trainyard.service.weights import missing

Command = Callable[[Order], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Parts:
    """A server, put together and not yet started."""

    instance: str
    house: House
    node: str
    slots: int
    store: SqlJobStore
    supervisor: Supervisor
    janitor: Janitor
    notices: Notices
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
    guarded = guards(settings, home.path, found.token, clock.now)
    lease, runs, count = Lease(node(home), settings.lease_seconds), _runs(settings, home), _slots(settings, devices)
    registry, instruments = _registry(count)
    board, calls, bell, loop = Board(instruments, time.monotonic), CallCounter(instruments), Bell(running), SupervisorLoop()
    calls.known((rule.code, rule.severity.label) for rule in RULES)
    described = hardware.describe(devices[0].name, devices[0].memory_bytes // -(-count // len(devices)), gpu=bool(devices[0].uuid))
    slots = Slots(count, tuple(device.key for device in devices))
    most_gpus = slots.widest if devices[0].uuid else 0
    house = House(settings.policy, home.path, described, _most_hours(settings))
    wall = Wall(house.wall_seconds, settings.patience.stop_seconds)
    gate = Gate(
        settings.data_root,
        hardware=house.profile(),
        policy=house.policy,
        most_gpus=most_gpus,
        missing=missing(os.environ, settings.data_root),
        judged=_counted(calls),
    )
    identity = Identity(uuid.uuid4().hex, clock.now(), devices, count, house.hardware)
    about = About(identity, gate, lambda: len(store.held_devices(lease.node)))
    house.followed(lambda now: gate.follow(now.policy, now.profile()))
    house.followed(lambda now: about.measured(now.hardware))
    observers = (bell, board, about, loop)
    store = open_store(settings.store, observers) if settings.store else open_sqlite(home.database, observers)
    board.seed(store.live())
    about.seed(store.jobs(JobQuery(limit=50)))
    registry.register(JobCollector(board, memory={device.key: device.memory_bytes for device in devices if device.uuid}))
    instruments.gauge("slots_held").set_function(lambda: len(store.held_devices(lease.node)))
    launcher = _launcher(settings, home, count, devices, command, wall=wall)
    janitor = Janitor(store, runs, clock, settings.keep)
    pool, notices = Pool(), Notices(loop.heard)
    servicer = TrainingServicer(
        Collaborators(
            submissions=Submissions(gate, store, clock, RandomIds(), house.admit(store.count_live)),
            store=store,
            watch=Watch(store=store, pool=pool, bell=bell, runs=runs, meter=calls, clock=clock),
            bell=bell,
            pool=pool,
            clock=clock,
            runs=runs,
            data=DataRoot(settings.data_root),
            remove=janitor.remove,
            info=about.message,
        )
    )
    return Parts(
        instance=identity.instance,
        house=house,
        node=lease.node,
        slots=count,
        store=store,
        supervisor=Supervisor(
            store=store,
            launcher=launcher,
            runs=runs,
            slots=slots,
            clock=clock,
            patience=settings.patience,
            lease=lease,
            notices=notices,
            written=loop.taken,
            most_running=lambda: house.policy.max_running,
            most_gpus=most_gpus,
            wall=wall,
        ),
        janitor=janitor,
        notices=notices,
        loop=loop,
        launcher=launcher,
        pool=pool,
        bell=bell,
        server=Server(servicer, tokens=guarded.identities, meter=calls, listen=str(settings.listen), door=guarded.door),
        endpoint=MetricsServer(
            registry,
            healthy=lambda: not bell.closed,
            measured=instruments.scraped,
            tls=guarded.metrics_tls,
            token=guarded.metrics_token,
        ),
    )


def _launcher(
    settings: Settings, home: Home, slots: int, devices: Sequence[Device], command: Command | None, *, wall: Wall
) -> LocalLauncher:
    patience = settings.patience
    # Caches lie on the disk of the runs unless the operator names another: a folder for temporary files may well be memory.
    # What a run took is held to the profile that its spec was judged by.
    own = {"TRAINYARD_CACHE": "cache", "TRAINYARD_HARDWARE": HARDWARE}
    around = {**{name: str(home.path.absolute() / file) for name, file in own.items()}, **os.environ}

    def environment(order: Order) -> dict[str, str]:
        seconds = wall.seconds(order.run)  # as the policy is now
        return trainer_environment(around, slots=slots, wall_seconds=seconds, orphan_seconds=patience.orphan_seconds)(order)

    standbys = None
    if settings.standby and command is None:
        standbys = Standbys(STANDBY, standby_environment(around, slots=slots), home.path, time.monotonic)
    return LocalLauncher(
        command or trainer_command(settings.data_root, patience.orphan_seconds),
        environment,
        standbys=standbys,
        on_device=nvml.process_ids if any(device.uuid for device in devices) else frozenset,
        file_bytes=patience.file_bytes,
    )


def _most_hours(settings: Settings) -> float | None:
    return None if settings.patience.wall_seconds is None else settings.patience.wall_seconds / 3600


def _runs(settings: Settings, home: Home) -> Path:
    runs = settings.runs or home.runs
    try:
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"--runs {runs} can not be used: {error.strerror}") from error
    return runs


def _slots(settings: Settings, devices: Sequence[Device]) -> int:
    """Return how many jobs run at once: as many as was said, else one per device."""
    return settings.slots or len(devices)


def _registry(slots: int) -> tuple[CollectorRegistry, Instruments]:
    registry = CollectorRegistry()
    instruments = Instruments(registry)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    instruments.build({"version": version("trainyard"), "backend": BACKEND, "python": platform.python_version()})
    instruments.gauge("start_timestamp_seconds").set_to_current_time()
    instruments.gauge("slots").set(slots)
    return registry, instruments


def _counted(calls: CallCounter) -> Callable[[Verdict], None]:
    def judged(verdict: Verdict) -> None:
        calls.judged(verdict.result, ((finding.code, finding.severity.label) for finding in verdict.report.findings))

    return judged
