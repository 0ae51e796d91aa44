"""Loads a real server and measures it, each thing beside what it is to be held against in the same run.

    python -m tests.bench.service_load [--quick] [--keep]

The server is the program itself on a fresh home with trainers that start no Keras; the writer of events is this program, through
the spools that trainers would write. Nothing here has a fixed bound but what the design names; a busy machine is told by the
figures of the bare fan-out that runs beside ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

from trainyard.service import wire
from trainyard.service.executor import processes
from trainyard.service.wire import RunFolder
from trainyard.v1 import job_pb2
from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

ROOT = Path(__file__).parents[2]
SERVE = ROOT / "tests/integration/service/serve_with_fakes.py"
RESULTS = Path(__file__).parent / "results"
STREAM_METHOD = "/bare.Fanout/Watch"


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    submit_seconds: float
    streams: int
    jobs: int
    stream_seconds: float
    finished: int
    attached: int
    idle_seconds: float


FULL = Size(20.0, 1000, 50, 20.0, 100_000, 100, 60.0)
QUICK = Size(3.0, 100, 10, 4.0, 2_000, 10, 5.0)


class Served:
    """A server program that answers."""

    def __init__(self, folder: Path, slots: int = 1) -> None:
        self.folder, self.home = folder, folder / "home"
        self._ready, self._slots = folder / "ready.json", slots
        (folder / "data").mkdir(exist_ok=True)
        rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
        (folder / "data" / "table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
        self.process: subprocess.Popen[bytes] | None = None
        self.listen, self.metrics = "", ""

    def start(self) -> Served:
        self._ready.unlink(missing_ok=True)
        command = [
            *(sys.executable, str(SERVE), "--home", str(self.home), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"),
            *("--data-root", str(self.folder / "data"), "--slots", str(self._slots), "--device", "cpu"),
            *("--ready-file", str(self._ready), "--no-standby"),
        ]
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}
        environment = {**kept, "HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state"), "FORGET_MEMORY": "1"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while not self._ready.exists():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError((self.folder / "server.log").read_text()[-2000:])
            time.sleep(0.005)
        told = json.loads(self._ready.read_text())
        self.listen, self.metrics = told["listen"], told["metrics"]
        return self

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        token = (self.folder / "state" / "trainyard" / "token").read_text().strip()
        return (("authorization", f"Bearer {token}"),)

    @property
    def pid(self) -> int:
        if self.process is None:
            raise RuntimeError("not started")
        return self.process.pid

    def run(self, job_id: str) -> RunFolder:
        return RunFolder(self.home / "runs" / job_id)

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_bytes().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mebibytes(self) -> float:
        pages = int(Path(f"/proc/{self.pid}/statm").read_bytes().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end_trainers(self) -> None:
        mark = f"{self.home / 'runs'}/"
        for found in list(processes.everybody()):
            if any(one.startswith(mark) for one in processes.arguments(found.pid)):
                with suppress(ProcessLookupError):
                    os.kill(found.pid, signal.SIGKILL)


@contextmanager
def served(slots: int = 1) -> Iterator[Served]:
    with tempfile.TemporaryDirectory(prefix="ty-load-", ignore_cleanup_errors=True) as folder:
        one = Served(Path(folder), slots)
        try:
            yield one.start()
        finally:
            one.kill()
            one.end_trainers()


def spec(name: str, epochs: int = 5) -> bytes:
    return json.dumps(
        {
            "version": "v1",
            "experiment": {"name": name},
            "task": "classification",
            "dataset": {"type": "csv", "path": "table.csv", "target": "label", "input_shape": [2], "scaling": "standardize"},
            "model": {"type": "mlp", "hidden": [8], "dropout": 0.1},
            "optimizer": {"type": "adam", "learning_rate": 0.001},
            "training": {"epochs": epochs, "batch_size": 8},
        }
    ).encode()


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 2)


async def submitting(server: Served, seconds: float) -> dict[str, Any]:
    """Submit at fifty per second, whatever has been answered; the time from the call to the acknowledgement."""
    took: list[float] = []

    async with grpc.aio.insecure_channel(server.listen) as channel:
        stub: Any = TrainingServiceStub(channel)

        async def one() -> None:
            began = time.perf_counter()
            request = pb.CreateJobRequest(spec=spec("hold"), request_id=str(uuid.uuid4()))
            await stub.CreateJob(request, timeout=30, metadata=server.metadata)
            took.append(time.perf_counter() - began)

        await one()
        took.clear()
        began, tasks = time.perf_counter(), []
        for number in range(int(50 * seconds)):
            await asyncio.sleep(max(0.0, began + number / 50 - time.perf_counter()))
            tasks.append(asyncio.create_task(one()))
        await asyncio.gather(*tasks)
    return {"per_second": 50, "jobs": len(took), "p50_ms": milliseconds(statistics.median(took)), "p95_ms": milliseconds(p95(took))}


class Bare:
    """The same fan-out without anything of ours: events come in once a second and job, and go to everybody who watches."""

    def __init__(self, jobs: int) -> None:
        self.events: dict[int, list[bytes]] = {job: [] for job in range(jobs)}
        self.rings = {job: asyncio.Event() for job in range(jobs)}

    def tell(self, job: int, raw: bytes) -> None:
        self.events[job].append(raw)
        ring, self.rings[job] = self.rings[job], asyncio.Event()
        ring.set()

    async def watch(self, request: bytes, _context: Any) -> AsyncIterator[bytes]:
        job, place = int(request), 0
        while True:
            ring = self.rings[job]
            while place < len(self.events[job]):
                yield self.events[job][place]
                place += 1
            await ring.wait()

    async def start(self) -> tuple[grpc.aio.Server, str]:
        server = grpc.aio.server()
        handler: Any = grpc.unary_stream_rpc_method_handler(self.watch)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bare.Fanout", {"Watch": handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, f"127.0.0.1:{port}"


def epoch(number: int, at: float) -> bytes:
    body = wire.EpochFinished(number, 100_000, {"loss": 0.5, "val_loss": 0.6, "accuracy": 0.7, "val_accuracy": 0.6}, 0.001, 1.0, 99.0)
    return wire.encode(wire.Line(1, at, body))


async def bare_streaming(size: Size) -> dict[str, Any]:
    """Run the bare fan-out in a process of its own, as ours runs in one."""
    command = [sys.executable, "-m", "tests.bench.service_load", "--bare", str(size.jobs)]
    child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("no pipes")
    address, delays = (await child.stdout.readline()).decode().strip(), list[float]()
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        watch: Any = channel.unary_stream(STREAM_METHOD)

        async def follow(job: int) -> None:
            async for raw in watch(str(job).encode()):
                delays.append(time.time() - job_pb2.Metric.FromString(raw).value)

        tasks = [asyncio.create_task(follow(number % size.jobs)) for number in range(size.streams)]
        await asyncio.sleep(2.0)
        sent = 0
        began = time.perf_counter()
        while time.perf_counter() - began < size.stream_seconds:
            await asyncio.sleep(max(0.0, began + sent / size.jobs - time.perf_counter()))
            child.stdin.write(f"{sent % size.jobs} {time.time()!r}\n".encode())
            sent += 1
        await _settled(lambda: len(delays), sent * size.streams // size.jobs)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    child.terminate()
    await child.wait()
    return {"events": len(delays), "p50_ms": milliseconds(statistics.median(delays)), "p95_ms": milliseconds(p95(delays))}


async def _settled(count: Any, wanted: int) -> None:
    deadline = time.perf_counter() + 60
    while count() < wanted and time.perf_counter() < deadline:  # noqa: ASYNC110 - what is counted is counted elsewhere
        await asyncio.sleep(0.05)


async def streaming(server: Served, size: Size) -> dict[str, Any]:
    """Watch every job with many streams of one client while each job has an epoch a second; unary calls meanwhile."""
    delays: list[float] = []
    unary: list[float] = []
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with (
        grpc.aio.insecure_channel(server.listen, options=options) as channel,
        grpc.aio.insecure_channel(server.listen, options=options) as other,
    ):
        stub: Any = TrainingServiceStub(channel)
        asking: Any = TrainingServiceStub(other)
        ids = [
            (await stub.CreateJob(pb.CreateJobRequest(spec=spec("hold")), timeout=30, metadata=server.metadata)).job.id
            for _ in range(size.jobs)
        ]
        for job_id in ids:
            deadline = time.perf_counter() + 120
            while (await stub.GetJob(pb.GetJobRequest(id=job_id), timeout=30, metadata=server.metadata)).job.epoch < 1:
                if time.perf_counter() > deadline:
                    raise RuntimeError("a trainer did not come up")
                await asyncio.sleep(0.05)
        began_at = time.time()

        async def follow(job_id: str) -> None:
            async for item in stub.WatchJob(pb.WatchJobRequest(id=job_id), metadata=server.metadata):
                at = item.event.time.ToNanoseconds() / 1e9
                if item.event.HasField("epoch_finished") and at >= began_at and item.event.epoch_finished.epoch > 1:
                    delays.append(time.time() - at)

        tasks = [asyncio.create_task(follow(ids[number % size.jobs])) for number in range(size.streams)]
        await asyncio.sleep(3.0)
        sent, began, ask_at = 0, time.perf_counter(), time.perf_counter()
        spools = [os.open(server.run(job_id).events, os.O_WRONLY | os.O_APPEND) for job_id in ids]

        async def ask() -> None:
            started = time.perf_counter()
            await asking.GetJob(pb.GetJobRequest(id=ids[0]), timeout=30, metadata=server.metadata)
            unary.append(time.perf_counter() - started)

        asked = []
        while time.perf_counter() - began < size.stream_seconds:
            await asyncio.sleep(max(0.0, began + sent / size.jobs - time.perf_counter()))
            os.write(spools[sent % size.jobs], epoch(2 + sent // size.jobs, time.time()))
            sent += 1
            if time.perf_counter() >= ask_at:
                ask_at += 0.1
                asked.append(asyncio.create_task(ask()))
        wanted = sent * size.streams // size.jobs
        await _settled(lambda: len(delays), wanted)
        await asyncio.gather(*asked)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for spool in spools:
            os.close(spool)
    return {
        "streams": size.streams,
        "jobs": size.jobs,
        "events": len(delays),
        "events_expected": wanted,
        "p50_ms": milliseconds(statistics.median(delays)),
        "p95_ms": milliseconds(p95(delays)),
        "unary_p95_ms": milliseconds(p95(unary)),
    }


def fill(server: Served, count: int) -> None:
    """Put finished jobs into the store by copying one as often as wanted; the server is not running meanwhile."""
    connection = sqlite3.connect(server.home / "jobs.sqlite")
    names = [row[1] for row in connection.execute("PRAGMA table_info(job)") if row[1] not in {"number", "id", "request_id"}]
    (source,) = connection.execute("SELECT id FROM job WHERE state = 'succeeded' LIMIT 1").fetchone()
    columns = ", ".join(names)
    with connection:
        connection.executemany(
            f"INSERT INTO job (id, request_id, {columns}) SELECT ?, NULL, {columns} FROM job WHERE id = ?",  # noqa: S608 - names of columns
            ((f"z{number:010d}", source) for number in range(count)),
        )
        for seq in range(1, 6):
            connection.execute(
                "INSERT INTO event (job_id, seq, attempt, key, kind, at, body) "
                "SELECT j.id, ?, e.attempt, e.key, e.kind, e.at, e.body FROM job j, event e "
                "WHERE j.id LIKE 'z%' AND e.job_id = ? AND e.seq = ?",
                (seq, source, seq),
            )
    connection.close()


async def listing(server: Served) -> dict[str, Any]:
    """Ask for lists as people and pages do."""
    requests = {
        "newest": pb.ListJobsRequest(),
        "by_state": pb.ListJobsRequest(states=[job_pb2.JOB_STATE_SUCCEEDED]),
        "live": pb.ListJobsRequest(states=[job_pb2.JOB_STATE_QUEUED, job_pb2.JOB_STATE_RUNNING]),
        "by_tag": pb.ListJobsRequest(tags=["nobody"]),
        "by_name": pb.ListJobsRequest(experiment="nothing"),
    }
    took: dict[str, float] = {}
    async with grpc.aio.insecure_channel(server.listen) as channel:
        stub: Any = TrainingServiceStub(channel)
        for name, request in requests.items():
            times = []
            for _ in range(40):
                began = time.perf_counter()
                await stub.ListJobs(request, timeout=30, metadata=server.metadata)
                times.append(time.perf_counter() - began)
            took[name] = milliseconds(p95(times))
    return {"p95_ms": took, "resident_mebibytes": round(server.resident_mebibytes(), 1)}


async def finish_one(server: Served) -> None:
    async with grpc.aio.insecure_channel(server.listen) as channel:
        stub: Any = TrainingServiceStub(channel)
        job_id = (await stub.CreateJob(pb.CreateJobRequest(spec=spec("good")), timeout=30, metadata=server.metadata)).job.id
        async for _ in stub.WatchJob(pb.WatchJobRequest(id=job_id), metadata=server.metadata):
            pass


async def attaching(server: Served, count: int) -> dict[str, Any]:
    """Kill the server over many live trainers and measure how long the next one takes to have them all."""
    async with grpc.aio.insecure_channel(server.listen) as channel:
        stub: Any = TrainingServiceStub(channel)
        for _ in range(count):
            await stub.CreateJob(pb.CreateJobRequest(spec=spec("hold")), timeout=60, metadata=server.metadata)
        deadline = time.monotonic() + 240
        running = pb.ListJobsRequest(states=[job_pb2.JOB_STATE_RUNNING], page_size=1000)
        while len((await stub.ListJobs(running, timeout=60, metadata=server.metadata)).jobs) < count:
            if time.monotonic() > deadline:
                raise RuntimeError("the trainers did not come up")
            await asyncio.sleep(0.2)
    server.kill()
    offset = (server.folder / "server.log").stat().st_size
    began = time.perf_counter()
    server.start()
    answers = time.perf_counter() - began
    while (server.folder / "server.log").read_bytes()[offset:].count(b"trainer-found") < count:
        if time.perf_counter() - began > 60:
            raise RuntimeError("not all trainers were found")
        await asyncio.sleep(0.01)
    return {"trainers": count, "answers_seconds": round(answers, 2), "all_attached_seconds": round(time.perf_counter() - began, 2)}


def idling(server: Served, seconds: float) -> dict[str, Any]:
    time.sleep(3.0)
    before = server.cpu_seconds()
    time.sleep(seconds)
    share = (server.cpu_seconds() - before) / seconds
    return {"seconds": seconds, "percent_of_a_core": round(100 * share, 2), "resident_mebibytes": round(server.resident_mebibytes(), 1)}


async def bare_server(jobs: int) -> None:
    """Be the bare fan-out: ``job time`` a line on standard input."""
    bare = Bare(jobs)
    server, address = await bare.start()
    print(address, flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        job, _, at = line.decode().partition(" ")
        bare.tell(int(job), job_pb2.Metric(name="x" * 150, value=float(at)).SerializeToString())
    await server.stop(0)


def measure(size: Size, only: str | None) -> dict[str, Any]:
    """Take every measurement, each on a server of its own."""
    figures: dict[str, Any] = {}

    def wanted(name: str) -> bool:
        return only is None or only == name

    if wanted("idle"):
        with served() as server:
            figures["idle"] = idling(server, size.idle_seconds)
    if wanted("submit"):
        with served() as server:
            figures["submit"] = asyncio.run(submitting(server, size.submit_seconds))
    if wanted("streams"):
        with served(slots=size.jobs) as server:
            figures["bare_fan_out"] = asyncio.run(bare_streaming(size))
            figures["streams"] = asyncio.run(streaming(server, size))
            figures["streams"]["p95_over_bare"] = round(figures["streams"]["p95_ms"] / figures["bare_fan_out"]["p95_ms"], 2)
    if wanted("lists"):
        with served() as server:
            asyncio.run(finish_one(server))
            server.kill()
            fill(server, size.finished)
            server.start()
            figures["lists"] = {"finished_jobs": size.finished} | asyncio.run(listing(server))
    if wanted("attach"):
        with served(slots=size.attached) as server:
            figures["attach"] = asyncio.run(attaching(server, size.attached))
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--keep", action="store_true", help="store the figures")
    parser.add_argument("--only", choices=["idle", "submit", "streams", "lists", "attach"])
    parser.add_argument("--bare", type=int)
    given = parser.parse_args()
    if given.bare:
        asyncio.run(bare_server(given.bare))
        return 0
    figures = measure(QUICK if given.quick else FULL, given.only)
    print(json.dumps(figures, indent=2))
    if given.keep:
        cpu = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        load = round(os.getloadavg()[0], 1)
        machine = {"cores": os.cpu_count(), "cpu": cpu[0] if cpu else "", "load_average_afterwards": load, "python": sys.version.split()[0]}
        kept = RESULTS / "service_load.json"
        before = json.loads(kept.read_text())["figures"] if kept.exists() and given.only else {}
        record = {"measured_on": datetime.now(UTC).date().isoformat(), "machine": machine, "figures": before | figures}
        kept.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
