"""Does a scrape hold up streams? A real server with 10,000 finished and 50 live jobs, one watcher each, scraped and left alone in turn.

Windows of a few seconds follow one another, one in which nobody scrapes, one with a scrape a second (five times as often as the
shipped configuration asks), and the delay of an event is from the writer's clock, in the trainer's spool, to the watcher's.
"""

from __future__ import annotations

import asyncio
import os
import time
import urllib.request
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import grpc
import pytest
from tests.bench.conftest import SERVERS, Bench
from tests.bench.served import Served, epoch, fill, finish_one, milliseconds, p95, served, spec

from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

FINISHED, LIVE = 10_000, 50
WINDOWS, WINDOW_SECONDS = 6, 5.0
ALONE, SCRAPED = "alone", "scraped"


@dataclass
class Delays:
    """How late each event reached its watcher, and how long each scrape took, in seconds."""

    events: dict[str, list[float]] = field(default_factory=lambda: {ALONE: [], SCRAPED: []})
    scrapes: list[float] = field(default_factory=list)
    bytes: int = 0

    def scrape(self, url: str) -> None:
        began = time.perf_counter()
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - this bench's own server
            self.bytes = len(answer.read())
        self.scrapes.append(time.perf_counter() - began)


async def live(stub: Any, server: Served) -> list[str]:
    """Submit the jobs that stay, and wait until each has an epoch behind it."""
    requests = [pb.CreateJobRequest(spec=spec("hold")) for _ in range(LIVE)]
    ids = [(await stub.CreateJob(request, timeout=30, metadata=server.metadata)).job.id for request in requests]
    async with asyncio.timeout(180):
        for job_id in ids:
            while (await stub.GetJob(pb.GetJobRequest(id=job_id), timeout=30, metadata=server.metadata)).job.epoch < 1:  # noqa: ASYNC110 - another process tells
                await asyncio.sleep(0.05)
    return ids


async def window(kind: str, spools: list[int], number: int, url: str, delays: Delays) -> int:
    """Write an epoch a second and job, spread evenly; with a scrape a second when told so. Returns the next epoch's number."""
    began, sent, scrapes = time.perf_counter(), 0, list[asyncio.Task[None]]()
    while (passed := time.perf_counter() - began) < WINDOW_SECONDS:
        if kind == SCRAPED and passed >= len(scrapes):
            scrapes.append(asyncio.create_task(asyncio.to_thread(delays.scrape, url)))
        os.write(spools[sent % LIVE], epoch(number + sent // LIVE, time.time()))
        sent += 1
        await asyncio.sleep(max(0.0, began + sent / LIVE - time.perf_counter()))
    await asyncio.gather(*scrapes)
    await asyncio.sleep(1.0)
    return number + 1 + sent // LIVE


async def watched(server: Served) -> Delays:
    delays, current, began_at = Delays(), [ALONE], time.time()
    async with grpc.aio.insecure_channel(server.listen) as channel:
        stub: Any = TrainingServiceStub(channel)
        ids = await live(stub, server)

        async def follow(job_id: str) -> None:
            async for item in stub.WatchJob(pb.WatchJobRequest(id=job_id), metadata=server.metadata):
                at = item.event.time.ToNanoseconds() / 1e9
                if item.event.HasField("epoch_finished") and item.event.epoch_finished.epoch > 1 and at >= began_at:
                    delays.events[current[0]].append(time.time() - at)

        tasks = [asyncio.create_task(follow(job_id)) for job_id in ids]
        await asyncio.sleep(2.0)
        spools = [os.open(server.run(job_id).events, os.O_WRONLY | os.O_APPEND) for job_id in ids]
        number = 2
        for _ in range(WINDOWS):
            for kind in (ALONE, SCRAPED):
                current[0] = kind
                number = await window(kind, spools, number, f"http://{server.metrics}/metrics", delays)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for spool in spools:
            os.close(spool)
    return delays


@pytest.mark.timeout(900)
def test_streams_are_as_quick_beside_scrapes_as_alone(bench: Bench) -> None:
    if not bench.full:
        pytest.skip("a minute of streams: with --run-bench")
    with served(slots=LIVE) as server:
        asyncio.run(finish_one(server))
        server.kill()
        fill(server, FINISHED)
        server.start()
        delays = asyncio.run(watched(server))
    alone, scraped = delays.events[ALONE], delays.events[SCRAPED]
    bench.keep(
        "streams_beside_scrapes",
        {
            "finished_jobs": FINISHED,
            "live_jobs": LIVE,
            "events": {ALONE: len(alone), SCRAPED: len(scraped)},
            "scrapes": len(delays.scrapes),
            "scrape_bytes": delays.bytes,
            "scrape_p95_ms": milliseconds(p95(delays.scrapes)),
            "alone_ms": {"p50": milliseconds(median(alone)), "p95": milliseconds(p95(alone))},
            "scraped_ms": {"p50": milliseconds(median(scraped)), "p95": milliseconds(p95(scraped))},
        },
        SERVERS,
    )
    assert len(alone) + len(scraped) >= 2 * WINDOWS * LIVE * (WINDOW_SECONDS - 1)
    assert median(scraped) <= 1.25 * median(alone)
    assert p95(scraped) <= 1.5 * p95(alone)
