"""Two servers, one store: a job never has two trainers, whoever is killed, cut off or slow. On a clock that the test moves.

Seen failing with the lease shorter than a trainer's time to save its place, and with jobs adopted when their lease was past
without waiting for the orphan limit.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from trainyard.service import wire
from trainyard.service.core.jobs import Lease, TrainerProcess
from trainyard.service.core.states import State
from trainyard.service.executor import run_folder
from trainyard.service.executor.launching import Order
from trainyard.service.executor.patience import Patience
from trainyard.service.executor.slots import Slots
from trainyard.service.executor.supervisor import Supervisor
from trainyard.service.main.settings import Settings
from trainyard.service.store import SqlJobStore, leases
from trainyard.service.trainer.start import SAVING_SECONDS
from trainyard.service.wire import RunFolder

ORPHAN_SECONDS = 300.0
LEASE_SECONDS = 60.0
EPOCHS = 8


@dataclass
class Clock:
    """Stands still until it is moved."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Trainer:
    """A trainer on a host: it speaks, saves its place, and ends when it has seen no server for long."""

    order: Order
    process: TrainerProcess
    clock: Clock
    world: World
    epoch: int = 0
    dead: bool = False

    def say(self, body: wire.Body) -> None:
        with self.order.run.events.open("ab") as spool:
            spool.write(wire.encode(wire.Line(self.order.attempt, self.clock.now().timestamp(), body)))

    def watch(self) -> None:
        """End when nobody has been there for too long, at the last moment at which a real one would."""
        silence = self.clock.seconds - self.world.beats[self.order.run.path]
        self.dead = self.dead or silence > ORPHAN_SECONDS + SAVING_SECONDS

    def live(self) -> None:
        if self.dead:
            return
        if self.epoch >= EPOCHS:
            self.say(wire.Ended("succeeded", "completed", "all"))
            self.dead = True
        else:
            self.epoch += 1
            self.say(wire.EpochFinished(self.epoch, EPOCHS, {"loss": 1 / self.epoch}, 0.1, 1.0, 1.0))


@dataclass
class World:
    """What all hosts share: the clock, the shared folder, and the trainers as nobody on a single host sees them."""

    clock: Clock
    beats: dict[Path, float] = field(default_factory=dict)
    trainers: list[Trainer] = field(default_factory=list)

    def alive_of(self, job_id: str) -> list[Trainer]:
        return [trainer for trainer in self.trainers if trainer.order.job_id == job_id and not trainer.dead]


class Host:
    """A launcher that knows the trainers of its own host only."""

    def __init__(self, name: str, world: World) -> None:
        self.name, self.world = name, world

    def _own(self, process: TrainerProcess) -> Trainer | None:
        return next((trainer for trainer in self.world.trainers if trainer.process == process and process.host == self.name), None)

    def launch(self, order: Order) -> TrainerProcess:
        process = TrainerProcess(self.name, self.name, len(self.world.trainers), 0)
        trainer = Trainer(order, process, self.world.clock, self.world)
        trainer.say(wire.Started("fake", "0", "cpu", 1, 1, 1, 1, 1, EPOCHS, (), ()))
        self.world.trainers.append(trainer)
        return process

    def find(self, _order: Order) -> TrainerProcess | None:
        return None

    def alive(self, process: TrainerProcess) -> bool:
        own = self._own(process)
        return own is not None and not own.dead

    def gone(self, process: TrainerProcess) -> bool:
        return not self.alive(process)

    def signal(self, process: TrainerProcess, _number: signal.Signals) -> None:
        if (own := self._own(process)) is not None:
            own.dead = True

    def exit_status(self, _process: TrainerProcess) -> int | None:
        return None

    def age_seconds(self, _process: TrainerProcess) -> float:
        return 0.0

    def memory_bytes(self, _process: TrainerProcess) -> int:
        return 0

    def warm(self, devices: Sequence[str]) -> None:
        """Nothing is warm here."""


def server(name: str, world: World, store: SqlJobStore, runs: Path) -> Supervisor:
    # The lease counts on the clock of the test, on every database.
    store._dialect = replace(store._dialect, lease_clock=leases.given)
    return Supervisor(
        store=store,
        launcher=Host(name, world),
        runs=runs,
        slots=Slots(3, ("cpu",)),
        clock=world.clock,
        patience=Patience(orphan_seconds=ORPHAN_SECONDS, stall_seconds=1e9),
        lease=Lease(name, LEASE_SECONDS),
        available_bytes=lambda: 1 << 40,
    )


@pytest.mark.parametrize("seed", range(2))
def test_no_job_ever_has_two_trainers_and_every_job_ends(
    open_store: Any, submit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    world, chance = World(Clock()), random.Random(seed)
    monkeypatch.setattr(run_folder, "beat", lambda run: world.beats.update({run.path: world.clock.seconds}))
    names = ["a", "b"]
    stores = {name: open_store() for name in names}
    servers = {name: server(name, world, stores[name], tmp_path / "runs") for name in names}
    jobs = [submit(stores["a"], max_attempts=99) for _ in range(6)]
    cut_off: dict[str, float] = {}
    for _ in range(120):
        world.clock.seconds += chance.choice([0.1, 1.0, 5.0, 20.0, 60.0])
        if chance.random() < 0.03:  # a host disappears with its trainers alive, for a while or almost for ever
            cut_off[chance.choice(names)] = world.clock.seconds + chance.choice([30.0, 200.0, 1000.0])
        for trainer in world.trainers:
            trainer.watch()
        for name in names:
            if chance.random() < 0.7 and cut_off.get(name, 0.0) <= world.clock.seconds:
                servers[name].tick()
        for trainer in world.trainers:
            if chance.random() < 0.3:
                trainer.live()
        for job_id in jobs:
            assert len(world.alive_of(job_id)) <= 1, f"two trainers of {job_id} at {world.clock.seconds}"
    rounds = 0
    while not all(stores["a"].job(job_id).state.terminal for job_id in jobs):
        rounds += 1
        assert rounds < 300
        world.clock.seconds += 20.0
        for each in servers.values():
            each.tick()
        for trainer in world.trainers:
            trainer.watch()
            trainer.live()
            assert len(world.alive_of(trainer.order.job_id)) <= 1
    assert {stores["a"].job(job_id).state for job_id in jobs} == {State.SUCCEEDED}
    for job_id in jobs:
        events = stores["b"].events(job_id, 0, 10_000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert [event.key for event in stores["b"].epochs(job_id, 0, 99)] == [f"epoch/0/{number}" for number in range(1, EPOCHS + 1)]


def test_a_lease_outlasts_the_time_that_a_trainer_takes_to_save_its_place() -> None:
    (default,) = (each.default for each in fields(Settings) if each.name == "lease_seconds")
    assert isinstance(default, float)
    assert default >= LEASE_SECONDS > SAVING_SECONDS + 10.0


def test_a_server_that_slept_between_claim_and_start_starts_nothing_that_was_taken_over(
    open_store: Any, submit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(Clock())
    monkeypatch.setattr(run_folder, "beat", lambda run: world.beats.update({run.path: world.clock.seconds}))
    stores = [open_store(), open_store()]
    sleepy, awake = (server(name, world, store, tmp_path / "runs") for name, store in zip("ab", stores, strict=True))
    job_id = submit(stores[0], max_attempts=9)
    documents = stores[0].documents

    def sleep(job_id: str) -> Any:
        world.clock.seconds += 1000.0
        for _ in range(4):
            awake.tick()
        return documents(job_id)

    stores[0].documents = sleep
    sleepy.tick()
    assert [(trainer.order.attempt, trainer.process.host, trainer.dead) for trainer in world.trainers] == [(2, "b", False), (1, "a", True)]
    assert stores[0].job(job_id).process == world.trainers[0].process


def test_another_node_waits_for_lease_and_orphan_limit_to_the_second(
    open_store: Any, submit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(Clock())
    monkeypatch.setattr(run_folder, "beat", lambda run: world.beats.update({run.path: world.clock.seconds}))
    stores = [open_store(), open_store()]
    ours, theirs = (server(name, world, store, tmp_path / "runs") for name, store in zip("ab", stores, strict=True))
    job_id = submit(stores[0], max_attempts=9)
    ours.tick()
    assert RunFolder(tmp_path / "runs" / job_id).events.exists()
    for seconds, attempt in ((59.0, 1), (60.0 + ORPHAN_SECONDS - 1.0, 1), (60.0 + ORPHAN_SECONDS + 1.0, 2)):
        world.clock.seconds = seconds
        theirs._next_beat = 0.0
        world.trainers[0].dead = seconds > 100.0
        for _ in range(3):
            theirs.tick()
        assert stores[1].job(job_id).attempt == attempt
