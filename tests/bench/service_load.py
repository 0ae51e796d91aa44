"""Loads a real server and measures it, each thing beside what it is to be held against in the same run.

    python -m tests.bench.service_load [--quick] [--keep] [--only PART]

The server is the program itself on a fresh home with trainers that start no Keras. Nothing here has a fixed bound but what the
design names; a busy machine is told by the figures of the bare fan-out that runs beside ours, and by its load.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from tests.bench import fan_out
from tests.bench.fan_out import Shape
from tests.bench.served import STILL, Served, fill, finish_one, milliseconds, p95, served, spec

from trainyard.v1 import job_pb2
from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

RESULTS = Path(__file__).parent / "results"
PER_SECOND = 50
WARM = 20
LISTS = 60


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    submit_seconds: float
    fan_out: Shape
    finished: int
    attached: int
    idle_seconds: float


FULL = Size(20.0, Shape(1000, 50, 20.0, 3), 100_000, 100, 60.0)
QUICK = Size(3.0, Shape(100, 10, 4.0, 1), 2_000, 10, 5.0)


async def submitting(server: Served, seconds: float) -> dict[str, Any]:
    """Submit at fifty per second, whatever has been answered, no spec twice; the time from the call to the acknowledgement."""
    took: list[float] = []

    async with grpc.aio.insecure_channel(server.listen) as channel:
        stub: Any = TrainingServiceStub(channel)

        async def one(number: int) -> None:
            written = spec(STILL, learning_rate=0.001 + number * 1e-7, tags=("sweep", f"part{number % 10}"))
            request = pb.CreateJobRequest(spec=written, request_id=str(uuid.uuid4()))
            began = time.perf_counter()
            await stub.CreateJob(request, timeout=30, metadata=server.metadata)
            took.append(time.perf_counter() - began)

        for number in range(WARM):
            await one(-number)
        took.clear()
        spent, began, tasks = server.cpu_seconds(), time.perf_counter(), []
        for number in range(int(PER_SECOND * seconds)):
            await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
            tasks.append(asyncio.create_task(one(number)))
        await asyncio.gather(*tasks)
        spent = server.cpu_seconds() - spent
    shown = {"p50_ms": milliseconds(statistics.median(took)), "p95_ms": milliseconds(p95(took))}
    return {"per_second": PER_SECOND, "jobs": len(took), **shown, "server_cpu_ms_each": milliseconds(spent / len(took))}


async def listing(server: Served) -> dict[str, Any]:
    """Ask for lists as people and pages do."""
    requests = {
        "newest": pb.ListJobsRequest(),
        "by_state": pb.ListJobsRequest(states=[job_pb2.JOB_STATE_SUCCEEDED]),
        "live": pb.ListJobsRequest(states=[job_pb2.JOB_STATE_QUEUED, job_pb2.JOB_STATE_RUNNING]),
        "by_tag": pb.ListJobsRequest(tags=["sweep"]),
        "by_rare_tag": pb.ListJobsRequest(tags=["rare", "sweep"]),
        "by_no_tag": pb.ListJobsRequest(tags=["nobody"]),
        "by_name": pb.ListJobsRequest(experiment="run 0777"),
        "by_no_name": pb.ListJobsRequest(experiment="nothing"),
    }
    took: dict[str, float] = {}
    spent: dict[str, float] = {}
    async with grpc.aio.insecure_channel(server.listen) as channel:
        stub: Any = TrainingServiceStub(channel)
        for name, request in requests.items():
            times, before = [], server.cpu_seconds()
            for _ in range(LISTS):
                began = time.perf_counter()
                await stub.ListJobs(request, timeout=30, metadata=server.metadata)
                times.append(time.perf_counter() - began)
            took[name] = milliseconds(p95(times))
            spent[name] = milliseconds((server.cpu_seconds() - before) / LISTS)
    return {"p95_ms": took, "server_cpu_ms_each": spent, "resident_mebibytes": round(server.resident_mebibytes(), 1)}


async def attaching(server: Served, count: int) -> dict[str, Any]:
    """Kill the server over many live trainers and measure how long the next one takes to have them all."""
    async with grpc.aio.insecure_channel(server.listen) as channel:
        stub: Any = TrainingServiceStub(channel)
        for _ in range(count):
            await stub.CreateJob(pb.CreateJobRequest(spec=spec(STILL)), timeout=60, metadata=server.metadata)
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
        with served(slots=size.fan_out.jobs) as server:
            figures |= asyncio.run(fan_out.measure(server, size.fan_out))
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
    given = parser.parse_args()
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
