"""Kills servers and trainers at random moments, for as long as asked, and then looks whether anything was lost or doubled.

    python -m tests.crash.killing --kills 200 --seed 1 [--store URL] [--servers 2] [--real] [--results NAME]

Real processes, real files, a real store; trainers are fakes that keep a bundle and whose results depend on nothing but the
epoch (``--real``: Keras). Meanwhile jobs are submitted, each request again and again until it is acknowledged, and watched by
clients that reconnect whenever their server dies. At the end every promise is checked for every job. ``BREAK`` names a fault to
build into the server (tests/integration/service/serve_with_fakes.py): each of them has been seen to turn this red.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from sqlalchemy import make_url

from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State
from trainyard.service.executor import processes
from trainyard.service.store import open_store
from trainyard.v1 import job_pb2
from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

ROOT = Path(__file__).parents[2]
SERVE = ROOT / "tests/integration/service/serve_with_fakes.py"
RESULTS = ROOT / "tests/bench/results"
SLOTS = 4
LIVE_JOBS = 6
_TERMINAL = {job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: how many kills, on how many servers, with which trainers."""

    kills: int
    seed: int
    servers: int
    store: str
    real: bool
    seconds_between: float
    server_share: float


@dataclass
class Watched:
    """A job that was acknowledged, and what its watcher has seen."""

    job_id: str
    request_id: str
    epochs: int
    seen: list[bytes] = field(default_factory=list)
    reconnects: int = 0
    thread: threading.Thread | None = None


class Server:
    """One server program with a home of its own; killed and started again."""

    def __init__(self, folder: Path, number: int, plan: Plan, store: str) -> None:
        self.home = folder / f"home{number}"
        self.ready = folder / f"ready{number}.json"
        self.log = folder / f"server{number}.log"
        self._command = [
            *(sys.executable, str(SERVE), "--home", str(self.home), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"),
            *("--data-root", str(folder / "data"), "--runs", str(folder / "runs"), "--slots", str(SLOTS), "--device", "cpu"),
            *("--ready-file", str(self.ready), "--store", store, "--orphan-minutes", "0.1", "--no-standby"),
        ]
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "BREAK") if name in os.environ}
        user = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}
        chosen = {"MAX_ATTEMPTS": "100000", "LEASE_SECONDS": "60" if plan.servers == 1 else "3"}
        self._environment = {**kept, **user, **chosen, **({"REAL_TRAINERS": "1"} if plan.real else {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.listen = ""

    def start(self) -> None:
        self.ready.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log, start_new_session=True)
        until(self.ready.exists, 60, "the server did not come up")
        self.listen = json.loads(self.ready.read_text())["listen"]

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


class Yard:
    """The servers, the jobs and those who watch them."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan, self.chance = folder, plan, random.Random(plan.seed)
        self.url = plan.store or f"sqlite:///{folder / 'jobs.sqlite'}"
        (folder / "data").mkdir()
        rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
        (folder / "data" / "table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
        self.servers = [Server(folder, number, plan, self.url) for number in range(plan.servers)]
        self.jobs: list[Watched] = []
        self.done = threading.Event()
        self.kills: Counter[str] = Counter()

    def call(self, method: str, request: Any) -> Any:
        """Call any server, again and again until one answers."""
        deadline = time.monotonic() + 120
        while True:
            server = self.chance.choice(self.servers)
            try:
                with grpc.insecure_channel(server.listen) as channel:
                    return getattr(TrainingServiceStub(channel), method)(request, timeout=20, metadata=self.metadata())
            except grpc.RpcError as error:
                if error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED} or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def metadata(self) -> tuple[tuple[str, str], ...]:
        token = (self.folder / "state" / "trainyard" / "token").read_text().strip()
        return (("authorization", f"Bearer {token}"),)

    def submit(self) -> None:
        """Submit one job, each request twice at least, and watch it."""
        request_id, epochs = str(uuid.UUID(int=self.chance.getrandbits(128), version=4)), self.chance.randint(5, 40)
        request = pb.CreateJobRequest(spec=self.spec(epochs), request_id=request_id)
        ids = {self.call("CreateJob", request).job.id for _ in range(2)}
        if len(ids) != 1:
            raise AssertionError(f"one request made {len(ids)} jobs")
        job = Watched(ids.pop(), request_id, epochs)
        job.thread = threading.Thread(target=self.watch, args=(job,), daemon=True)
        job.thread.start()
        self.jobs.append(job)

    def spec(self, epochs: int) -> bytes:
        return json.dumps(
            {
                "version": "v1",
                "experiment": {"name": "steady", "seed": 3},
                "task": "classification",
                "dataset": {"type": "csv", "path": "table.csv", "target": "label", "input_shape": [2], "scaling": "standardize"},
                "model": {"type": "mlp", "hidden": [8], "dropout": 0.1},
                "optimizer": {"type": "adam", "learning_rate": 0.001},
                "training": {"epochs": epochs, "batch_size": 8},
            }
        ).encode()

    def watch(self, job: Watched) -> None:
        """Follow a job as a client does: reconnect with the last number seen, until the terminal event."""
        last = 0
        while not self.done.is_set():
            server = random.Random().choice(self.servers)
            with suppress(grpc.RpcError), grpc.insecure_channel(server.listen) as channel:
                request = pb.WatchJobRequest(id=job.job_id, after_seq=last)
                for item in TrainingServiceStub(channel).WatchJob(request, timeout=120, metadata=self.metadata()):
                    job.seen.append(item.event.SerializeToString(deterministic=True))
                    last = item.event.seq
                    if item.event.state_changed.to in _TERMINAL:
                        return
            job.reconnects += 1
            time.sleep(0.05)

    def rampage(self) -> None:
        """Kill, restart and submit until enough were killed."""
        for server in self.servers:
            server.start()
        while sum(self.kills.values()) < self.plan.kills:
            while sum(job.thread is not None and job.thread.is_alive() for job in self.jobs) < LIVE_JOBS:
                self.submit()
            time.sleep(self.chance.expovariate(1 / self.plan.seconds_between))
            if self.chance.random() < self.plan.server_share:
                self.kill_a_server()
            else:
                self.kill_a_trainer()

    def kill_a_server(self) -> None:
        server = self.chance.choice(self.servers)
        server.kill()
        self.kills["server"] += 1
        if self.chance.random() < 0.3:
            time.sleep(self.chance.random())
        server.start()

    def kill_a_trainer(self) -> None:
        living = self.trainers()
        if not living:
            return
        with suppress(ProcessLookupError):
            os.kill(self.chance.choice(living), signal.SIGKILL)
            self.kills["trainer"] += 1

    def trainers(self) -> list[int]:
        """Find the trainers of this yard by their command lines: servers name the folder too, trainers a run in it."""
        mark = f"{self.folder / 'runs'}/"
        return [found.pid for found in processes.everybody() if any(one.startswith(mark) for one in processes.arguments(found.pid))]

    def settle(self) -> None:
        """Wait until every job is over and every watcher has seen it, then end the servers."""
        seconds = 600 if self.plan.real else 90
        deadline = time.monotonic() + seconds
        for job in self.jobs:
            if job.thread is not None:
                job.thread.join(max(0.0, deadline - time.monotonic()))
        store = open_store(make_url(self.url))
        try:
            until(
                lambda: not any(store.unsettled(node.read_text().strip()) for node in self.folder.glob("home*/node")), seconds, "jobs hang"
            )
        finally:
            store.close()
            self.done.set()
            for server in self.servers:
                server.end()


def check(yard: Yard) -> list[str]:
    """Hold every job to every promise; return what is wrong."""
    store, wrong = open_store(make_url(yard.url)), list[str]()
    try:
        for job in yard.jobs:
            wrong += [f"{job.job_id}: {fault}" for fault in _faults(store, yard, job)]
        numbers = [found.request_id for found in store.live()]
        wrong += [f"{len(numbers)} jobs are not over"] if numbers else []
    finally:
        store.close()
    if yard.trainers():
        wrong.append(f"{len(yard.trainers())} trainers are left")
    return wrong


def _faults(store: Any, yard: Yard, job: Watched) -> Iterator[str]:
    try:
        kept = store.job(job.job_id)
    except Exception as error:  # noqa: BLE001 - a job that is not there is what is looked for
        yield f"lost after it was acknowledged ({error})"
        return
    events = store.events(job.job_id, 0, 100_000)
    if [event.seq for event in events] != list(range(1, kept.last_seq + 1)):
        yield "its numbers have gaps"
    ends = [event.seq for event in events if getattr(event.body, "after", None) in {State.SUCCEEDED, State.FAILED, State.CANCELLED}]
    if ends != [kept.last_seq]:
        yield f"its ends stand at {ends} of {kept.last_seq}"
    if kept.state is not State.SUCCEEDED:
        yield f"it has {kept.state.value}: {kept.message}"
    told = [event.key for event in store.epochs(job.job_id, 0, 100_000)]
    # A real one may stop early, by its spec; it must say so, and every epoch up to there once.
    last = kept.epoch if kept.reason is Reason.EARLY_STOPPED else job.epochs
    if told != [f"epoch/0/{number}" for number in range(1, last + 1)]:
        yield f"its epochs are {told[:60]}, not 1 to {last}"
    if len(job.seen) != kept.last_seq or len(set(job.seen)) != kept.last_seq:
        yield f"its watcher saw {len(job.seen)} events ({len(set(job.seen))} different) of {kept.last_seq}"
    run = yard.folder / "runs" / job.job_id
    if (run / "doubled").exists():
        yield "it had two trainers at once"
    model = run / "artifacts" / "best.keras"
    listed = store.artifacts([job.job_id])[job.job_id]
    digest = hashlib.sha256(model.read_bytes()).hexdigest() if model.exists() else ""
    if digest not in {artifact.sha256 for artifact in listed if artifact.name == "best.keras"}:
        yield "its model is not the one that was told of"
    if not yard.plan.real and model.exists() and model.read_bytes() != b"weights of %d" % job.epochs:
        yield "its model is not that of the last epoch"


@contextmanager
def yard_of(plan: Plan) -> Iterator[Yard]:
    with tempfile.TemporaryDirectory(prefix="ty-kill-", ignore_cleanup_errors=True) as folder:
        yard = Yard(Path(folder), plan)
        try:
            yield yard
        finally:
            yard.done.set()
            for server in yard.servers:
                server.kill()
            for pid in yard.trainers():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def figures(yard: Yard, seconds: float, wrong: list[str]) -> dict[str, Any]:
    return {
        "kills": dict(yard.kills),
        "servers": yard.plan.servers,
        "trainers": "keras" if yard.plan.real else "fake",
        "store": make_url(yard.url).get_backend_name(),
        "seed": yard.plan.seed,
        "jobs": len(yard.jobs),
        "epochs": sum(job.epochs for job in yard.jobs),
        "reconnects": sum(job.reconnects for job in yard.jobs),
        "seconds": round(seconds, 1),
        "faults": len(wrong),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--store", default="")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--seconds-between", type=float, default=0.4)
    parser.add_argument("--server-share", type=float, default=0.5, help="how many of the kills are servers")
    parser.add_argument("--results", help="keep the figures under this name")
    given = parser.parse_args()
    plan = Plan(given.kills, given.seed, given.servers, given.store, given.real, given.seconds_between, given.server_share)
    began = time.monotonic()
    with yard_of(plan) as yard:
        try:
            yard.rampage()
            yard.settle()
            wrong = check(yard)
        except (TimeoutError, AssertionError, grpc.RpcError) as error:
            wrong = [f"{type(error).__name__}: {error}"]
        told = figures(yard, time.monotonic() - began, wrong)
        if wrong:
            keep = Path(tempfile.mkdtemp(prefix="ty-kill-log-"))
            for server in yard.servers:
                (keep / server.log.name).write_bytes(server.log.read_bytes())
            print(f"logs: {keep}", file=sys.stderr)
    print(json.dumps(told))
    for fault in wrong[:40]:
        print(fault, file=sys.stderr)
    if given.results and not wrong:
        machine = {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}
        record = {"measured_on": datetime.now(UTC).date().isoformat(), "machine": machine, "figures": told}
        (RESULTS / f"{given.results}.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
