"""Ten thousand short jobs through the real store, the real board and the real endpoint: nothing of them stays.

Resident memory is compared with that at job 1,000, and scrapes run while 50 jobs live. What scrapes do to streams is measured on
streams, in ``test_streams_beside_scrapes.py``.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from prometheus_client import CollectorRegistry
from tests.bench.conftest import SERVERS, Bench
from tests.integration.service.conftest import NOON, Submit, Words

from trainyard.service.core.jobstore import Batch
from trainyard.service.metrics.board import LINGER_SECONDS, Board
from trainyard.service.metrics.collector import JobCollector
from trainyard.service.metrics.endpoint import MetricsServer
from trainyard.service.metrics.instruments import Instruments
from trainyard.service.store import SqlJobStore, open_sqlite

JOBS, FIRST, LIVE, SCRAPES = 10_000, 1_000, 50, 200
MEBIBYTE = 1024**2


class Soak:
    """A store with a board that listens, and a clock that a job moves on by a second."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.registry = CollectorRegistry()
        self.board = Board(Instruments(self.registry), lambda: self.now)
        self.registry.register(JobCollector(self.board))
        self.store: SqlJobStore = open_sqlite(folder / "jobs.sqlite", (self.board,))
        self._submit, self._words = Submit(), Words()

    def start(self) -> str:
        """Submit a job and let its first epoch end."""
        self.now += 1
        job_id = self._submit(self.store)
        self.store.claim(job_id, "cpu", NOON)
        self.store.ingest(job_id, Batch(1, 0, 10, (self._words.started(), self._words.epoch(1))), NOON)
        return job_id

    def short_job(self) -> None:
        """One job, from its submission to its end."""
        job_id = self.start()
        self.store.ingest(job_id, Batch(1, 10, 20, (self._words.ended(),)), NOON)
        self.store.release(job_id, 1)

    def series(self) -> int:
        return sum(len(family.samples) for family in self.registry.collect())


def resident() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / MEBIBYTE


async def scraped(soak: Soak, count: int) -> list[float]:
    """Return the seconds of each scrape."""
    server = MetricsServer(soak.registry)
    await server.start("127.0.0.1", 0)

    def scrape() -> float:
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as answer:
            answer.read()
        return time.perf_counter() - began

    took = [await asyncio.to_thread(scrape) for _ in range(count)]
    await server.stop()
    return took


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100)[share - 1]


@pytest.mark.timeout(900)
def test_ten_thousand_short_jobs_leave_memory_and_series_as_they_were(bench: Bench, tmp_path: Path) -> None:
    soak = Soak(tmp_path)
    for _ in range(FIRST):
        soak.short_job()
    memory, series = resident(), soak.series()
    for _ in range(JOBS - FIRST):
        soak.short_job()
    growth, later = resident() / memory, soak.series()
    for _ in range(LIVE):
        soak.start()
    took = asyncio.run(scraped(soak, SCRAPES))
    bench.keep(
        "metrics_soak",
        {
            "jobs": JOBS,
            "memory_mebibytes": round(memory * growth, 1),
            "memory_growth": round(growth, 3),
            "series_after_1000": series,
            "series_after_10000": later,
            "scrape_p50_ms": round(1000 * statistics.median(took), 1),
            "scrape_p95_ms": round(1000 * percentile(took, 95), 1),
            "linger_seconds": LINGER_SECONDS,
        },
        SERVERS,
    )
    soak.store.close()
    assert abs(growth - 1) <= 0.05
    assert abs(later / series - 1) <= 0.05
    # A scrape beside the bare cost of writing the same text, both in this run.
    assert statistics.median(took) <= 20 * max(0.001, _written(soak))


def _written(soak: Soak) -> float:
    from prometheus_client import generate_latest

    began = time.perf_counter()
    generate_latest(soak.registry)
    return time.perf_counter() - began
