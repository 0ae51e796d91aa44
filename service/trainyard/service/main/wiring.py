"""The one place where everything is put together; nothing here decides anything.

The order matters twice. Ports are taken before trainers are looked after, so that a start which is refused
touches nothing. And what was committed is told to observers from the first moment, so that no count is missed.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trainyard.linter.cli.exits import Refusal
from trainyard.service.core import hardware
from trainyard.service.core.gate import Gate
from trainyard.service.core.jobs import JobQuery, Lease
from trainyard.service.core.ports import Observer
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
from trainyard.service.main.metering import Metering, metering
from trainyard.service.main.policy_file import HARDWARE, House
from trainyard.service.main.settings import Settings
from trainyard.service.main.surroundings import RandomIds, SystemClock
from trainyard.service.metrics.endpoint import MetricsServer
from trainyard.service.rpc.about import About, Identity
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


@dataclass(frozen=True, slots=True)
class Judges:
    """What decides about specs and tells what the server is: both follow the policy of the house."""

    house: House
    gate: Gate
    about: About
    identity: Identity
    most_gpus: int


def build(settings: Settings, found: Found, running: asyncio.AbstractEventLoop, command: Command | None = None) -> Parts:
    """Put a server together; its ports are taken when this returns, and nothing runs yet.

    ``command`` makes the command line of a trainer: tests pass one that starts no Keras.
    """
    clock, home, devices = SystemClock(), found.home, found.devices
    guarded = guards(settings, home.path, found.token, clock.now)
    lease, runs, count = Lease(node(home), settings.lease_seconds), _runs(settings, home), _slots(settings, devices)
    slots = Slots(count, tuple(device.key for device in devices))

    def held() -> int:
        return len(store.held_devices(lease.node))

    meters, bell, loop = metering(count), Bell(running), SupervisorLoop()
    judges = _judges(settings, found, slots, meters, now=clock.now(), held=held)
    store = _store(settings, home, (bell, meters.board, judges.about, loop))
    meters.follow(store, devices, held)
    judges.about.seed(store.jobs(JobQuery(limit=50)))
    wall = Wall(judges.house.wall_seconds, settings.patience.stop_seconds)
    launcher = _launcher(settings, home, count, devices, command, wall=wall)
    janitor, pool, notices = Janitor(store, runs, clock, settings.keep), Pool(), Notices(loop.heard)
    supervisor = Supervisor(
        store=store,
        launcher=launcher,
        runs=runs,
        slots=slots,
        clock=clock,
        patience=settings.patience,
        lease=lease,
        notices=notices,
        written=loop.taken,
        most_running=lambda: judges.house.policy.max_running,
        most_gpus=judges.most_gpus,
        wall=wall,
    )
    servicer = TrainingServicer(
        Collaborators(
            submissions=Submissions(judges.gate, store, clock, RandomIds(), judges.house.admit(store.count_live)),
            store=store,
            watch=Watch(store=store, pool=pool, bell=bell, runs=runs, meter=meters.calls, clock=clock),
            bell=bell,
            pool=pool,
            clock=clock,
            runs=runs,
            data=DataRoot(settings.data_root),
            remove=janitor.remove,
            info=judges.about.message,
        )
    )
    return Parts(
        instance=judges.identity.instance,
        house=judges.house,
        node=lease.node,
        slots=count,
        store=store,
        supervisor=supervisor,
        janitor=janitor,
        notices=notices,
        loop=loop,
        launcher=launcher,
        pool=pool,
        bell=bell,
        server=Server(servicer, tokens=guarded.identities, meter=meters.calls, listen=str(settings.listen), door=guarded.door),
        endpoint=meters.endpoint(guarded, lambda: not bell.closed),
    )


def _judges(settings: Settings, found: Found, slots: Slots, meters: Metering, *, now: datetime, held: Callable[[], int]) -> Judges:
    devices, count = found.devices, slots.count
    described = hardware.describe(devices[0].name, devices[0].memory_bytes // -(-count // len(devices)), gpu=bool(devices[0].uuid))
    house = House(settings.policy, found.home.path, described, _most_hours(settings))
    most_gpus = slots.widest if devices[0].uuid else 0
    gate = Gate(
        settings.data_root,
        hardware=house.profile(),
        policy=house.policy,
        most_gpus=most_gpus,
        missing=missing(os.environ, settings.data_root),
        judged=meters.judged,
    )
    identity = Identity(uuid.uuid4().hex, now, devices, count, house.hardware)
    about = About(identity, gate, held)
    house.followed(lambda now: gate.follow(now.policy, now.profile()))
    house.followed(lambda now: about.measured(now.hardware))
    return Judges(house, gate, about, identity, most_gpus)


def _store(settings: Settings, home: Home, observers: Sequence[Observer]) -> SqlJobStore:
    return open_store(settings.store, observers) if settings.store else open_sqlite(home.database, observers)


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
