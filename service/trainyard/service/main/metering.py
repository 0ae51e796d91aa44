"""What Prometheus is shown, put together: the registry, what counts calls and what knows jobs."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

from trainyard.linter.rules.index import RULES
from trainyard.service.core.errors import ServiceError
from trainyard.service.core.gate import Verdict
from trainyard.service.executor.devices import Device
from trainyard.service.main.guards import Guards
from trainyard.service.metrics.board import Board
from trainyard.service.metrics.calls import CallCounter
from trainyard.service.metrics.collector import JobCollector
from trainyard.service.metrics.endpoint import MetricsServer
from trainyard.service.metrics.instruments import Instruments
from trainyard.service.rpc.about import BACKEND
from trainyard.service.store import SqlJobStore


@dataclass(frozen=True, slots=True)
class Metering:
    """The parts that count."""

    registry: CollectorRegistry
    instruments: Instruments
    board: Board
    calls: CallCounter

    def judged(self, verdict: Verdict) -> None:
        """Count a judgement of the gate and what it found."""
        self.calls.judged(verdict.result, ((finding.code, finding.severity.label) for finding in verdict.report.findings))

    def follow(self, store: SqlJobStore, devices: Sequence[Device], held: Callable[[], int]) -> None:
        """Take over the jobs that are alive, and show how many slots are ``held``."""
        self.board.seed(store.live())
        memory = {device.key: device.memory_bytes for device in devices if device.uuid}
        self.registry.register(JobCollector(self.board, memory=memory))
        self.instruments.gauge("slots_held").set_function(lambda: _known(held))

    def endpoint(self, guarded: Guards, healthy: Callable[[], bool]) -> MetricsServer:
        """Return the endpoint that shows it all, behind its own guards."""
        tls, token = guarded.metrics_tls, guarded.metrics_token
        return MetricsServer(self.registry, healthy=healthy, measured=self.instruments.scraped, tls=tls, token=token)


def metering(slots: int) -> Metering:
    """Make the parts that count, for a server with so many slots."""
    registry = CollectorRegistry()
    instruments = Instruments(registry)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    instruments.build({"version": version("trainyard"), "backend": BACKEND, "python": platform.python_version()})
    instruments.gauge("start_timestamp_seconds").set_to_current_time()
    instruments.gauge("slots").set(slots)
    calls = CallCounter(instruments)
    calls.known((rule.code, rule.severity.label) for rule in RULES)
    return Metering(registry, instruments, Board(instruments, time.monotonic), calls)


def _known(held: Callable[[], int]) -> float:
    """Ask for a number; one that the store does not tell is none, and costs a scrape nothing else."""
    try:
        return held()
    except ServiceError:
        return math.nan
