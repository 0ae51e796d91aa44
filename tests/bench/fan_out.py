"""A thousand streams of one client, ours and a bare server's in turn: the same messages, the same processes, the same rounds.

Four processes each time, so that nobody measures himself: the server, who watches, who writes, who asks meanwhile. The bare one is
grpc.aio and a dictionary: what comes in goes to everybody who watches, and nothing is kept, checked or counted.

    python -m tests.bench.fan_out bare|watch|write|ask JSON         # the parts; service_load starts them
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from tests.bench.served import ROOT, STILL, Served, cpu_seconds, epoch, milliseconds, p95, spec

from trainyard.v1 import event_pb2, job_pb2
from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

WATCH, ASK = "/trainyard.v1.TrainingService/WatchJob", "/trainyard.v1.TrainingService/GetJob"
ASK_SECONDS = 0.05
_ALONE = [("grpc.use_local_subchannel_pool", 1)]


@dataclass(frozen=True, slots=True)
class Shape:
    """How many of what: streams over jobs, an epoch a second and job, for so long, so often in turn."""

    streams: int
    jobs: int
    seconds: float
    rounds: int


class Bare:
    """The fan-out without anything of ours."""

    def __init__(self, ids: list[str]) -> None:
        self.messages: dict[str, list[bytes]] = {one: [example(one, 1, 0.0)] for one in ids}
        self.rings = {one: asyncio.Event() for one in ids}
        self.job = pb.GetJobResponse(job=job_pb2.Job(id=ids[0], experiment="bare", message="x" * 300)).SerializeToString()

    def tell(self, job_id: str, raw: bytes) -> None:
        self.messages[job_id].append(raw)
        ring, self.rings[job_id] = self.rings[job_id], asyncio.Event()
        ring.set()

    async def watch(self, request: pb.WatchJobRequest, _context: Any) -> AsyncIterator[bytes]:
        job_id, place = request.id, 0
        while True:
            ring = self.rings[job_id]
            while place < len(self.messages[job_id]):
                yield self.messages[job_id][place]
                place += 1
            await ring.wait()

    async def ask(self, _request: pb.GetJobRequest, _context: Any) -> bytes:
        return self.job

    async def serve(self) -> None:
        server = grpc.aio.server()
        methods: dict[str, Any] = {
            "WatchJob": grpc.unary_stream_rpc_method_handler(self.watch, pb.WatchJobRequest.FromString),
            "GetJob": grpc.unary_unary_rpc_method_handler(self.ask, pb.GetJobRequest.FromString),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("trainyard.v1.TrainingService", methods),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(f"127.0.0.1:{port}", flush=True)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            job_id, _, raw = line.decode().partition(" ")
            self.tell(job_id, bytes.fromhex(raw))
        await server.stop(0)


def example(job_id: str, number: int, at: float) -> bytes:
    """The message that our server makes of :func:`epoch`, to the byte count."""
    said = {"loss": 0.5, "val_loss": 0.6, "accuracy": 0.7, "val_accuracy": 0.6}
    finished = event_pb2.EpochFinished(
        epoch=number,
        epochs_planned=100_000,
        metrics=[job_pb2.Metric(name=name, value=value) for name, value in said.items()],
        learning_rate=0.001,
        seconds=1.0,
        samples_per_second=99.0,
    )
    event = event_pb2.Event(job_id=job_id, seq=number + 4, attempt=1, epoch_finished=finished)
    event.time.FromNanoseconds(int(at * 1e6) * 1000)
    return pb.WatchJobResponse(event=event).SerializeToString()


async def watch(given: dict[str, Any]) -> None:
    """Be the client of all streams; say when each has had what was there, then how late the epochs came that were written since."""
    ids, streams, delays, ready = given["ids"], given["streams"], list[float](), set[int]()
    first, began = given["first"], time.perf_counter()
    async with grpc.aio.insecure_channel(given["address"], options=_ALONE) as channel:
        call: Any = channel.unary_stream(WATCH, pb.WatchJobRequest.SerializeToString, pb.WatchJobResponse.FromString)

        async def follow(number: int) -> None:
            request = pb.WatchJobRequest(id=ids[number % len(ids)], after_seq=given["after_seq"])
            async for item in call(request, metadata=given["metadata"]):
                now, event = time.time(), item.event
                if event.HasField("epoch_finished"):
                    if event.epoch_finished.epoch >= first:
                        delays.append(now - event.time.seconds - event.time.nanos / 1e9)
                    elif event.epoch_finished.epoch == first - 1:
                        ready.add(number)

        tasks = [asyncio.create_task(follow(number)) for number in range(streams)]
        await _until(lambda: len(ready) == streams, 120)
        say({"ready": len(ready), "seconds": time.perf_counter() - began})
        cpu = time.process_time()
        await asyncio.to_thread(sys.stdin.readline)
        wanted = given["count"] * streams // len(ids)
        await _until(lambda: len(delays) >= wanted, given["seconds"] + 60)
        cpu = time.process_time() - cpu
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    told = {"events": len(delays), "wanted": wanted, "cpu_seconds": cpu}
    shown = {"p50_ms": milliseconds(statistics.median(delays)), "p95_ms": milliseconds(p95(delays)), "max_ms": milliseconds(max(delays))}
    say(told | shown)


def say(what: dict[str, Any], where: Any = None) -> None:
    print(json.dumps(what), file=where or sys.stdout, flush=True)


async def _until(reached: Any, seconds: float) -> None:
    deadline = time.perf_counter() + seconds
    while not reached() and time.perf_counter() < deadline:  # noqa: ASYNC110 - what is counted is counted elsewhere
        await asyncio.sleep(0.02)


async def ask(given: dict[str, Any]) -> None:
    """Ask for a job, again and again, on a connection of one's own; say how long the answers took."""
    took: list[float] = []
    async with grpc.aio.insecure_channel(given["address"], options=_ALONE) as channel:
        call: Any = channel.unary_unary(ASK, pb.GetJobRequest.SerializeToString, pb.GetJobResponse.FromString)

        async def one() -> None:
            began = time.perf_counter()
            await call(pb.GetJobRequest(id=given["ids"][0]), timeout=30, metadata=given["metadata"])
            took.append(time.perf_counter() - began)

        await one()
        took.clear()
        say({"ready": 1})
        await asyncio.to_thread(sys.stdin.readline)
        tasks, began = [], time.perf_counter()
        while (passed := time.perf_counter() - began) < given["seconds"]:
            tasks.append(asyncio.create_task(one()))
            await asyncio.sleep(max(0.0, len(tasks) * ASK_SECONDS - passed))
        await asyncio.gather(*tasks)
    say({"calls": len(took), "p50_ms": milliseconds(statistics.median(took)), "p95_ms": milliseconds(p95(took))})


def write(given: dict[str, Any]) -> None:
    """Say an epoch a second and job, spread evenly: into the spools, or to the bare server by standard output."""
    ids, spools = given["ids"], [os.open(path, os.O_WRONLY | os.O_APPEND) for path in given["spools"]]
    say({"ready": 1}, sys.stderr)
    sys.stdin.readline()
    began = time.perf_counter()
    for number in range(given["count"]):
        time.sleep(max(0.0, began + number / len(ids) - time.perf_counter()))
        which, epochs = number % len(ids), given["first"] + number // len(ids)
        if spools:
            os.write(spools[which], epoch(epochs, time.time()))
        else:
            os.write(1, f"{ids[which]} {example(ids[which], epochs, time.time()).hex()}\n".encode())


class Part:
    """A process of the measurement: it says that it is ready, is told to go, and says what it saw."""

    def __init__(self, process: asyncio.subprocess.Process, *, by_error: bool = False) -> None:
        self.process = process
        self._says = process.stderr if by_error else process.stdout

    @classmethod
    async def start(cls, name: str, given: dict[str, Any], sink: int | None = None) -> Part:
        command, pipe = [sys.executable, "-m", "tests.bench.fan_out", name, json.dumps(given)], asyncio.subprocess.PIPE
        streams: dict[str, Any] = {"stdin": pipe, "stdout": pipe if sink is None else sink}
        if sink is not None:  # its standard output is what it writes
            streams["stderr"] = pipe
        return cls(await asyncio.create_subprocess_exec(*command, cwd=ROOT, **streams), by_error=sink is not None)

    async def told(self) -> Any:
        line = await self._says.readline() if self._says else b""
        if not line:
            raise RuntimeError("a part of the measurement ended without a word")
        return json.loads(line)

    def go(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.write(b"\n")


async def one_round(given: dict[str, Any], pid: int, sink: int) -> dict[str, Any]:
    """Watch, write and ask, each in a process of its own that is up before anything counts; ``pid`` is the server's."""
    asker, writer = await Part.start("ask", given), await Part.start("write", given, sink)
    await asker.told()
    await writer.told()
    watcher = await Part.start("watch", given)
    opened = await watcher.told()
    if opened["ready"] != given["streams"]:
        raise RuntimeError(f"only {opened['ready']} streams came up")
    before, began = cpu_seconds(pid), time.perf_counter()
    for part in (watcher, asker, writer):
        part.go()
    streams, unary = await watcher.told(), await asker.told()
    spent, passed = cpu_seconds(pid) - before, time.perf_counter() - began
    for part in (watcher, asker, writer):
        await part.process.wait()
    return {
        "opened_seconds": round(opened["seconds"], 2),
        "events": streams["events"],
        "events_expected": streams["wanted"],
        "p50_ms": streams["p50_ms"],
        "p95_ms": streams["p95_ms"],
        "max_ms": streams["max_ms"],
        "unary_p50_ms": unary["p50_ms"],
        "unary_p95_ms": unary["p95_ms"],
        "server_cpu_us_per_event": round(1e6 * spent / max(1, streams["events"]), 1),
        "server_percent_of_a_core": round(100 * spent / passed, 1),
        "client_percent_of_a_core": round(100 * streams["cpu_seconds"] / passed, 1),
    }


async def _live(server: Served, count: int) -> list[str]:
    """Submit jobs that stay, and wait until each has an epoch behind it."""
    async with grpc.aio.insecure_channel(server.listen) as channel:
        stub: Any = TrainingServiceStub(channel)
        requests = [pb.CreateJobRequest(spec=spec(STILL)) for _ in range(count)]
        ids = [(await stub.CreateJob(request, timeout=30, metadata=server.metadata)).job.id for request in requests]
        async with asyncio.timeout(180):
            for job_id in ids:
                while (await stub.GetJob(pb.GetJobRequest(id=job_id), timeout=30, metadata=server.metadata)).job.epoch < 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
    return ids


async def measure(server: Served, shape: Shape) -> dict[str, Any]:
    """Return the figures of both, the medians of the rounds, and how ours stands to the bare one."""
    ids = await _live(server, shape.jobs)
    epochs = int(shape.seconds)
    count = epochs * shape.jobs
    given = {"ids": ids, "streams": shape.streams, "seconds": shape.seconds, "count": count, "metadata": server.metadata, "after_seq": 0}
    source, sink = os.pipe()
    command = [sys.executable, "-m", "tests.bench.fan_out", "bare", json.dumps({"ids": ids})]
    bare = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=source, stdout=asyncio.subprocess.PIPE)
    if bare.stdout is None:
        raise RuntimeError("no pipe")
    address = (await bare.stdout.readline()).decode().strip()
    rounds: dict[str, list[dict[str, Any]]] = {"bare_fan_out": [], "streams": []}
    for number in range(shape.rounds):
        first = {"first": 2 + number * epochs}
        rounds["bare_fan_out"].append(await one_round({**given, **first, "address": address, "spools": []}, bare.pid, sink))
        spools = [str(server.run(one).events) for one in ids]
        rounds["streams"].append(await one_round({**given, **first, "address": server.listen, "spools": spools}, server.pid, sink))
    bare.terminate()
    await bare.wait()
    os.close(source)
    os.close(sink)
    figures: dict[str, Any] = {name: {"streams": shape.streams, "jobs": shape.jobs, **_medians(of)} for name, of in rounds.items()}
    pairs = list(zip(rounds["streams"], rounds["bare_fan_out"], strict=True))
    for name in ("p95_ms", "server_cpu_us_per_event"):
        over = statistics.median(ours[name] / theirs[name] for ours, theirs in pairs)
        figures["streams"][f"{name.removesuffix('_ms')}_over_bare"] = round(over, 2)
    figures["streams"]["resident_mebibytes"] = round(server.resident_mebibytes(), 1)
    return figures


def _medians(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rounds": len(rounds)} | {name: _median([one[name] for one in rounds]) for name in rounds[0]}


def _median(values: list[float]) -> float:
    return statistics.median_low(values) if all(isinstance(value, int) for value in values) else round(statistics.median(values), 2)


def main() -> None:
    name, given = sys.argv[1], json.loads(sys.argv[2])
    if name == "write":
        write(given)
    else:
        asyncio.run(watch(given) if name == "watch" else ask(given) if name == "ask" else Bare(given["ids"]).serve())


if __name__ == "__main__":
    main()
