"""A real server in a thread, on ports of its own, whose trainers are fakes, and a real channel to it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import make_url

from trainyard.service.executor.devices import Device, discover
from trainyard.service.executor.launching import Order
from trainyard.service.main import running
from trainyard.service.main.addresses import Address
from trainyard.service.main.home import owned
from trainyard.service.main.settings import Settings
from trainyard.service.main.wiring import Found, Parts
from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

FAKE = Path(__file__).parent.parent / "fake_trainer.py"
TOKEN = "a-token-for-tests-only"
ROWS = 80


def fake_command(order: Order) -> list[str]:
    """Start the fake trainer; the experiment's name is its mode."""
    mode = json.loads(order.run.resolved.read_text())["experiment"]["name"]
    return [sys.executable, str(FAKE), str(order.run.path), "--attempt", str(order.attempt), mode]


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small table of two classes."""
    root = tmp_path_factory.mktemp("data")
    rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(ROWS)]
    (root / "table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
    return root


def good_spec(name: str = "good", **changes: Any) -> bytes:
    """A spec that the gate lets in; ``changes`` replace sections."""
    spec = {
        "version": "v1",
        "experiment": {"name": name, "tags": ["tiny"]},
        "task": "classification",
        "dataset": {"type": "csv", "path": "table.csv", "target": "label", "input_shape": [2], "scaling": "standardize"},
        "model": {"type": "mlp", "hidden": [8], "dropout": 0.1},
        "optimizer": {"type": "adam", "learning_rate": 0.001},
        "training": {"epochs": 3, "batch_size": 8},
    }
    return json.dumps({**spec, **changes}).encode()


@dataclass
class Live:
    """A server that runs, and how to talk to it."""

    parts: Parts
    stub: TrainingServiceStub
    channel: grpc.Channel
    stop: Callable[[], None]
    runs: Path
    metadata: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {TOKEN}"),)
    created: list[str] = field(default_factory=list)

    def call(self, method: str, request: Any, timeout: float = 20.0, **of: Any) -> Any:
        """Call a method as the user of the token."""
        return getattr(self.stub, method)(request, timeout=timeout, metadata=of.get("metadata", self.metadata))

    def submit(self, name: str = "good", gpus: int | None = None, **of: Any) -> str:
        """Make a job and return its id."""
        spec = good_spec(name) if gpus is None else good_spec(name, resources={"gpus": gpus})
        job_id: str = self.call("CreateJob", pb.CreateJobRequest(spec=spec, **of)).job.id
        self.created.append(job_id)
        return job_id

    def go(self, job_id: str) -> None:
        """Let a trainer that waits go on, as soon as it is there."""
        self.until((self.runs / job_id).is_dir)
        (self.runs / job_id / "go").touch()

    def until_epoch(self, job_id: str) -> Any:
        """Wait for the first epoch of a job that then waits for ``go``; return the job."""

        def job() -> Any:
            return self.call("GetJob", pb.GetJobRequest(id=job_id)).job

        self.until(lambda: job().epoch == 1)
        return job()

    def watch(self, job_id: str, after_seq: int = 0, **of: Any) -> Any:
        request = pb.WatchJobRequest(id=job_id, after_seq=after_seq, include_progress=of.get("include_progress", False))
        return self.stub.WatchJob(request, metadata=self.metadata, timeout=of.get("timeout", 30))

    def events(self, job_id: str, after_seq: int = 0) -> list[Any]:
        return [item.event for item in self.watch(job_id, after_seq)]

    def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.01)


class Thread:
    """The server's thread: one event loop, as in the program, without its signals."""

    def __init__(self, settings: Settings, devices: Sequence[Device] | None = None) -> None:
        self._settings = settings
        self._devices = discover("cpu") if devices is None else devices
        self._ready = threading.Event()
        self._stop: Callable[[], object] | None = None
        self.parts: Parts | None = None
        self._thread = threading.Thread(target=self._run, name="server")

    def start(self) -> Parts:
        self._thread.start()
        assert self._ready.wait(30), "the server did not start"
        assert self.parts is not None
        return self.parts

    def stop(self) -> None:
        if self._thread.is_alive() and self._stop is not None:
            self._stop()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stop.set)

        def started(parts: Parts) -> None:
            self.parts = parts
            self._ready.set()

        with owned(self._settings.home) as home:
            found = Found(home, self._devices, TOKEN)
            await running.serve_until(stop, self._settings, found, command=fake_command, started=started)


@pytest.fixture
def live_store() -> str | None:
    """Where the server keeps jobs; None for its home. A module that wants more says so."""
    return None


@pytest.fixture
def live_devices() -> tuple[Device, ...]:
    """What the server trains on, a slot each. A module that wants other devices says so."""
    return discover("cpu")


@pytest.fixture
def live(tmp_path: Path, data_root: Path, live_store: str | None, live_devices: tuple[Device, ...]) -> Iterator[Live]:
    anywhere = Address("127.0.0.1", 0)
    home = tmp_path / "home"
    kept = Settings(home, anywhere, anywhere, data_root, len(live_devices), "cpu", None, tmp_path / "token")
    settings = replace(kept, store=make_url(live_store)) if live_store else kept
    thread = Thread(settings, live_devices)
    parts = thread.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{parts.server.port}")
    made = Live(parts, TrainingServiceStub(channel), channel, thread.stop, home / "runs")
    yield made
    channel.close()
    thread.stop()
    # Only now does nobody start another trainer; those that wait end.
    for run in made.runs.iterdir():
        (run / "go").touch()


@pytest.fixture(autouse=True)
def quiet() -> None:
    """The channel's own threads must not write into the output of tests."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")


@pytest.fixture
def spec() -> Callable[..., bytes]:
    return good_spec


@pytest.fixture
def scrape(live: Live) -> Callable[[], str]:
    """Read the metrics as Prometheus would."""

    def read() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{live.parts.endpoint.port}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    return read
